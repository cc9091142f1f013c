import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { drawChange } from "./change.ts";

/** How often each value was drawn. */
function countsOf<T>(values: readonly T[]): ReadonlyMap<T, number> {
  return new Map([...Map.groupBy(values, (value) => value)].map(([value, own]) => [value, own.length]));
}

function draw(count: number, augment: { flip: boolean; pad: number }) {
  const random = new Random(7);
  return Array.from({ length: count }, () => drawChange(random, augment));
}

Deno.test("drawChange() mirrors half of the images", () => {
  const mirrored = draw(4000, { flip: true, pad: 0 }).filter(({ mirror }) => mirror).length;
  // Four standard deviations of 4,000 throws of a coin are 126.
  assert.ok(Math.abs(mirrored - 2000) < 126, `${mirrored} of 4000`);
  assert.ok(draw(100, { flip: false, pad: 2 }).every(({ mirror }) => !mirror));
});

Deno.test("drawChange() moves by each number of pixels up to the padding equally often, both ways and in both directions", () => {
  const changes = draw(5000, { flip: true, pad: 2 });
  for (const axis of ["dy", "dx"] as const) {
    const counts = countsOf(changes.map((change) => change[axis]));
    assert.deepEqual([...counts.keys()].sort((a, b) => a - b), [-2, -1, 0, 1, 2]);
    // Four standard deviations of 5,000 draws of one in five are 113.
    for (const [moved, count] of counts) assert.ok(Math.abs(count - 1000) < 113, `${axis} ${moved}: ${count}`);
  }
  assert.deepEqual(new Set(draw(200, { flip: false, pad: 1 }).map(({ dy, dx }) => `${dy},${dx}`)).size, 9);
  const pairs = countsOf(changes.map(({ dy, dx }) => `${dy},${dx}`));
  assert.equal(pairs.size, 25, "rows and columns move independently");
  assert.ok(draw(100, { flip: true, pad: 0 }).every(({ dy, dx }) => dy === 0 && dx === 0));
});
