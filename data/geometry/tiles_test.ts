import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { movePoint, moveRect, WHOLE } from "./affine.ts";
import { type Augment, augmentFor } from "./augment.ts";
import { mapOf, rescale, UNCHANGED } from "./change.ts";
import { drawTiles } from "./tiles.ts";

const SIZE = { height: 30, width: 50 };

function mosaics(augment: Partial<Augment>) {
  const random = new Random(2);
  const drawing = { augment: { flip: true, pad: 2, mosaic: 1, ...augment }, mosaic: true, count: 9, size: SIZE };
  return Array.from(
    { length: 200 },
    (_, i) => ({ from: i % 9, tiles: drawTiles(random, i % 9, drawing).mosaic ?? [] }),
  );
}

Deno.test("mapOf() pads, mirrors, turns, scales and moves about the middle, by hand", () => {
  const at = (pose: object, { dx = 0, dy = 0, mirror = false } = {}) => {
    const none = { scale: 1, angle: 0, shiftX: 0, shiftY: 0 };
    const { x, y } = movePoint({ x: 10, y: 5 }, mapOf({ dx, dy, mirror, pose: { ...none, ...pose } }, SIZE));
    return [x, y].map((value) => Number(value.toFixed(9)));
  };
  assert.deepEqual(at({}), [10, 5]);
  assert.deepEqual(at({ shiftX: 0.1, shiftY: -0.2 }), [15, -1]);
  // The middle is (25, 15): the point lies 15 to the left of it and 10 above.
  assert.deepEqual(at({ scale: 2 }), [-5, -5]);
  assert.deepEqual(at({ angle: Math.PI / 2 }), [35, 0]);
  assert.deepEqual(at({}, { dx: 3, dy: -1 }), [13, 4]);
  assert.deepEqual(at({ scale: 2, shiftX: 0.1 }, { dx: 1, mirror: true }), [58, -5]);
  const { x, y } = movePoint(
    { x: 0.2, y: 0.5 },
    rescale(mapOf({ dx: 5, dy: 3, mirror: false }, SIZE), {
      from: SIZE,
      to: { height: 1, width: 1 },
    }),
  );
  assert.deepEqual([x, y].map((value) => Number(value.toFixed(9))), [0.3, 0.6]);
});

Deno.test("drawTiles() shows a sample in one of four tiles that fill the picture, and any others beside it", () => {
  const corners = new Set<number>();
  const others = new Set<number>();
  for (const { from, tiles } of mosaics({})) {
    const areas = tiles.map(({ area: { left, top, right, bottom } }) => (right - left) * (bottom - top));
    assert.ok(Math.abs(areas.reduce((sum, area) => sum + area, 0) - 1) < 1e-12);
    assert.ok(tiles.every(({ area }) => area.right - area.left >= 0.3 && area.bottom - area.top >= 0.3));
    const own = tiles.map((tile) => tile.from === from);
    assert.ok(own.includes(true));
    if (own.filter((is) => is).length === 1) corners.add(own.indexOf(true));
    for (const tile of tiles) others.add(tile.from);
  }
  assert.deepEqual([corners.size, others.size], [4, 9]);
});

Deno.test("drawTiles() fills tiles with what is larger, and shows all of what is smaller", () => {
  for (const { tiles } of mosaics({ scale: [1, 1.5] })) {
    for (const { map, area } of tiles) {
      const { left, top, right, bottom } = moveRect(WHOLE, map);
      assert.ok(left <= area.left + 1e-9 && right >= area.right - 1e-9);
      assert.ok(top <= area.top + 1e-9 && bottom >= area.bottom - 1e-9);
    }
  }
  for (const { tiles } of mosaics({ scale: [0.2, 0.3] })) {
    for (const { map, area } of tiles) {
      const { left, top, right, bottom } = moveRect(WHOLE, map);
      assert.ok(left >= area.left - 1e-9 && right <= area.right + 1e-9);
      assert.ok(top >= area.top - 1e-9 && bottom <= area.bottom + 1e-9);
    }
  }
});

Deno.test("drawTiles() draws nothing where nothing is asked for, and as often a mosaic as is asked for", () => {
  const random = new Random(1);
  const still = drawTiles(random, 3, { mosaic: true, count: 5, size: SIZE });
  assert.deepEqual(still, { alone: { from: 3, change: UNCHANGED, map: still.alone.map, area: WHOLE } });
  assert.equal(random.uint32(), new Random(1).uint32());
  const augment = { flip: false, pad: 0, mosaic: 0.25 };
  const draw = (mosaic: boolean) =>
    Array.from({ length: 1000 }, () => drawTiles(random, 0, { augment, mosaic, count: 5, size: SIZE }))
      .filter(({ mosaic }) => mosaic !== undefined).length;
  // Four standard deviations of 1,000 draws of one in four are 55.
  assert.ok(Math.abs(draw(true) - 250) < 55);
  assert.equal(draw(false), 0);
});

Deno.test("augmentFor() says what suits boxes, points and masks, as docs/tasks/data.md tells it", () => {
  const none = { names: ["a"], values: new Float32Array() };
  const colour = { brightness: 0.3, contrast: 0.1, saturation: 0.5, hue: 5 };
  assert.deepEqual(augmentFor({ x: { kind: "boxes", most: 1, ...none } }), {
    flip: true,
    pad: 0,
    scale: [0.7, 1.4],
    shift: 0.1,
    border: "grey",
    colour,
    mosaic: 0.5,
  });
  const points = augmentFor({ x: { kind: "points", mirror: [0], ...none } });
  assert.deepEqual([points?.flip, points?.scale, points?.shift, points?.rotate, points?.border, points?.mosaic], [
    true,
    [0.9, 1.1],
    0.05,
    20,
    "edge",
    undefined,
  ]);
  const masks = augmentFor({ x: { kind: "masks", height: 1, width: 1, names: ["a"], values: new Uint8Array() } });
  assert.deepEqual(masks, { flip: true, pad: 0, scale: [0.8, 1.25], shift: 0.1, border: "grey" });
  assert.equal(augmentFor({ x: { kind: "reals", ...none } }), undefined);
});
