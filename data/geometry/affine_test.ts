import assert from "node:assert/strict";
import fc from "fast-check";
import { type Affine, IDENTITY, inTurn, inverse, moveBy, movePoint, moveRect, stretchBy, turnBy } from "./affine.ts";

const close = (a: number, b: number) => Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

Deno.test("inTurn() applies the first map first, by hand", () => {
  const map = inTurn(moveBy({ x: 1, y: 0 }), turnBy(Math.PI / 2), stretchBy({ x: 2, y: 3 }));
  // (1, 0) → (2, 0) → (0, 2) → (0, 6).
  const { x, y } = movePoint({ x: 1, y: 0 }, map);
  assert.ok(close(x, 0) && close(y, 6), `${x}, ${y}`);
});

Deno.test("inverse() takes back what a map does", () => {
  const part = fc.double({ min: -3, max: 3, noNaN: true });
  const factor = fc.double({ min: 0.3, max: 3, noNaN: true });
  fc.assert(
    fc.property(part, factor, factor, part, part, part, (angle, sx, sy, shear, x, y) => {
      const sheared: Affine = { ...IDENTITY, xy: shear };
      const map = inTurn(
        moveBy({ x, y: 1 }),
        turnBy(angle),
        sheared,
        stretchBy({ x: -sx, y: sy }),
        moveBy({ x: 2, y }),
      );
      const back = movePoint(movePoint({ x, y }, map), inverse(map));
      assert.ok(Math.abs(back.x - x) < 1e-9 && Math.abs(back.y - y) < 1e-9);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("moveRect() gives the edges around what becomes of a rectangle", () => {
  const { left, top, right, bottom } = moveRect({ left: 0, top: 0, right: 2, bottom: 1 }, turnBy(Math.PI / 2));
  assert.ok(close(left, -1) && close(top, 0) && close(right, 0) && close(bottom, 2));
});
