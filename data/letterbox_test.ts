import assert from "node:assert/strict";
import fc from "fast-check";
import { BORDER, fromOriginal, packPlacements, pasteInto, placeIn, placementOf, toOriginal } from "./letterbox.ts";

Deno.test("placeIn() keeps proportions, in the middle, by hand", () => {
  const shape = { height: 416, width: 416 };
  const places = [{ width: 640, height: 480 }, { width: 100, height: 300 }, { width: 416, height: 416 }].map((size) => {
    const { left, top, width, height } = placeIn(shape, size);
    return [left, top, width, height];
  });
  // 416 / 640 = 0.65, 480 * 0.65 = 312; 416 / 300 * 100 = 138.67.
  assert.deepEqual(places, [[0, 52, 416, 312], [138, 0, 139, 416], [0, 0, 416, 416]]);
  assert.deepEqual(placeIn({ height: 4, width: 4 }, { width: 5000, height: 1 }).height, 1, "a pixel is left of a line");
});

Deno.test("fromOriginal() and toOriginal() undo each other, and corners are corners", () => {
  const side = fc.integer({ min: 1, max: 3000 });
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(side, side, side, side, unit, unit, (height, width, oh, ow, u, v) => {
      const shape = { height, width };
      const placement = placeIn(shape, { width: ow, height: oh });
      const place = { x: u * ow, y: v * oh };
      const found = fromOriginal(place, { placement, shape });
      assert.ok(found.x > -1e-9 && found.x < 1 + 1e-9 && found.y > -1e-9 && found.y < 1 + 1e-9);
      const back = toOriginal(found, { placement, shape });
      assert.ok(Math.abs(back.x - place.x) < 1e-6 * ow + 1e-9 && Math.abs(back.y - place.y) < 1e-6 * oh + 1e-9);
    }),
    { seed: 1, numRuns: 300 },
  );
  const placement = placeIn({ height: 10, width: 20 }, { width: 10, height: 10 });
  assert.deepEqual(fromOriginal({ x: 0, y: 10 }, { placement, shape: { height: 10, width: 20 } }), { x: 0.25, y: 1 });
});

Deno.test("placementOf() reads what packPlacements() wrote, and takes a picture for its original without", () => {
  const placements = [{ width: 30, height: 7 }, { width: 4, height: 900 }].map((size) =>
    placeIn({ height: 8, width: 9 }, size)
  );
  const pictures = { kind: "pictures", height: 8, width: 9, channels: 1, bytes: new Uint8Array(144) } as const;
  const packed = { ...pictures, placements: packPlacements(placements) };
  assert.deepEqual([0, 1].map((i) => placementOf(packed, i)), placements);
  const whole = { left: 0, top: 0, width: 9, height: 8, original: { width: 9, height: 8 } };
  assert.deepEqual(placementOf(pictures, 1), whole);
});

Deno.test("pasteInto() leaves grey around a picture", () => {
  const placement = { left: 1, top: 0, width: 2, height: 1, original: { width: 2, height: 1 } };
  const pixels = Uint8Array.of(1, 2);
  const grey = BORDER;
  const shape = { height: 2, width: 4, channels: 1 };
  assert.deepEqual([...pasteInto(shape, { pixels, placement })], [grey, 1, 2, grey, grey, grey, grey, grey]);
});
