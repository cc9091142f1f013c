import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../src/numbers/random.ts";
import { type BoxSize, findAnchors, meanOverlap, PUBLISHED_ANCHORS } from "./anchors.ts";

/** Boxes scattered by a tenth around `centres`, `count` around each. */
function scattered(centres: readonly BoxSize[], count: number, seed: number): readonly BoxSize[] {
  const random = new Random(seed);
  const around = (side: number) => side * random.between(0.9, 1.1);
  return centres.flatMap(([width, height]) =>
    Array.from({ length: count }, (): BoxSize => [around(width), around(height)])
  );
}

Deno.test("findAnchors() finds where boxes are, and deals the largest to the coarsest grid", () => {
  const centres = [[10, 14], [23, 27], [37, 58], [81, 82], [135, 169], [344, 319]] as const;
  const anchors = findAnchors(scattered(centres, 50, 1), { counts: [3, 3], seed: 0 });
  assert.deepEqual(anchors.map((list) => list.length), [3, 3]);
  const found = [...anchors[1], ...anchors[0]];
  centres.forEach((centre, i) =>
    centre.forEach((side, k) => assert.ok(Math.abs(found[i][k] / side - 1) < 0.05, `${found[i]}, not ${centre}`))
  );
});

Deno.test("findAnchors() gives the mean of boxes when one anchor is asked for", () => {
  assert.deepEqual(findAnchors([[10, 20], [20, 40]], { counts: [1], seed: 3 }), [[[15, 30]]]);
});

Deno.test("findAnchors() gives the boxes themselves when there are as many different ones as anchors", () => {
  const sizes: readonly BoxSize[] = [[3, 4], [30, 4], [7, 7], [50, 60]];
  assert.deepEqual(findAnchors([...sizes, ...sizes], { counts: [1, 3], seed: 9 }), [[[50, 60]], [[3, 4], [7, 7], [
    30,
    4,
  ]]]);
});

Deno.test("findAnchors() tells wide from high boxes of one area, as IoU does", () => {
  const anchors = findAnchors(scattered([[100, 10], [10, 100]], 30, 2), { counts: [2], seed: 0 });
  const isWide = anchors[0].map(([width, height]) => width > height);
  assert.notEqual(isWide[0], isWide[1]);
});

Deno.test("findAnchors() gives the same anchors for the same seed, and sorts them by area", () => {
  const size = fc.tuple(fc.integer({ min: 4, max: 400 }), fc.integer({ min: 4, max: 400 }));
  const sizes = fc.uniqueArray(size, { minLength: 6, maxLength: 40, selector: String });
  fc.assert(
    fc.property(sizes, fc.nat(), (sizes, seed) => {
      const anchors = findAnchors(sizes, { counts: [2, 3], seed });
      assert.deepEqual(findAnchors(sizes, { counts: [2, 3], seed }), anchors);
      const areas = [...anchors[1], ...anchors[0]].map(([width, height]) => width * height);
      assert.deepEqual(areas, areas.toSorted((a, b) => a - b));
      // Better than any one box as the only anchor.
      for (const size of sizes) assert.ok(meanOverlap(sizes, anchors) > meanOverlap(sizes, [[size]]));
    }),
    { numRuns: 50, seed: 4 },
  );
});

Deno.test("findAnchors() refuses boxes that are none, and fewer different ones than anchors", () => {
  const find = (sizes: readonly BoxSize[]) => () => findAnchors(sizes, { counts: [1, 1], seed: 0 });
  assert.throws(find([[1, 1], [1, 1]]), /Cannot find 2 anchors: boxes have 1 different sizes, at least 2 are needed/);
  assert.throws(find([]), /boxes have 0 different sizes/);
  assert.throws(find([[1, 1], [0, 3]]), /a box is 0x3, positive sides are needed/);
  assert.throws(find([[1, 1], [Infinity, 3]]), /a box is Infinityx3/);
});

Deno.test("meanOverlap() is the mean IoU with the anchor that suits best", () => {
  // [2, 2] of [1, 2]: 2 of 4 are common to both; [4, 4] is an anchor.
  assert.equal(meanOverlap([[2, 2], [4, 4]], [[[4, 4]], [[1, 2]]]), (0.5 + 1) / 2);
});

Deno.test("PUBLISHED_ANCHORS are dealt from the largest area to the smallest", () => {
  for (const anchors of Object.values(PUBLISHED_ANCHORS)) {
    const areas = anchors.map((list) => list.map(([width, height]) => width * height));
    areas.slice(1).forEach((finer, i) => assert.ok(Math.max(...finer) < Math.min(...areas[i])));
  }
});
