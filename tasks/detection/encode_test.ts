import assert from "node:assert/strict";
import { encodeBoxes, ENCODED } from "./encode.ts";
import type { Grids } from "./grids.ts";

const GRIDS: Grids = {
  kind: "yolov3",
  classes: 2,
  grids: [
    { height: 2, width: 2, anchors: [[0.5, 0.5]] },
    { height: 4, width: 4, anchors: [[0.125, 0.25], [0.25, 0.125]] },
  ],
};

const NOTHING = [0, 0, 0, 0, -1, 0];

function encode(output: number, ...boxes: readonly (readonly number[])[]): readonly number[][] {
  const encoded = encodeBoxes(boxes.flat(), { grids: GRIDS, output, most: boxes.length });
  return boxes.map((_, i) => [...encoded.subarray(i * ENCODED, (i + 1) * ENCODED)]);
}

Deno.test("encodeBoxes() gives a box to the anchor of all outputs whose size is nearest", () => {
  // x · 4 = 2.5, y · 4 = 1.25: column 2 of row 1, in which the second anchor is.
  const box = [0.625, 0.3125, 0.25, 0.25, 1, 0];
  assert.deepEqual(encode(1, box, NOTHING), [
    [0.625, 0.3125, 0.25, 0.25, 0.5, 0.25, Math.fround(Math.log(2)), 0, 2, 1, 0.125, 0.25, 1, (4 + 2) * 2, 1],
    Array(ENCODED).fill(0),
  ]);
  // To the other output it is there, and nobody's.
  assert.deepEqual(encode(0, box)[0], [0.625, 0.3125, 0.25, 0.25, ...Array(ENCODED - 4).fill(0)]);
  assert.deepEqual(encode(0, [0.5, 0.5, 1, 0.5, 0, 0])[0].slice(4), [
    ...[0, 0, Math.fround(Math.log(2)), 0],
    ...[1, 1, 0.5, 0.5, 0, 3, 1],
  ]);
});

Deno.test("encodeBoxes() keeps centres on the far edge in the last cell", () => {
  assert.deepEqual(encode(0, [1, 1, 0.5, 0.5, 0, 0])[0].slice(4), [1, 1, 0, 0, 1, 1, 0.5, 0.5, 0, 3, 1]);
});

Deno.test("encodeBoxes() gives an anchor that two boxes want to the later one", () => {
  const [first, second] = encode(0, [0.2, 0.2, 0.5, 0.5, 0, 0], [0.3, 0.3, 0.5, 0.5, 1, 0]);
  assert.deepEqual([first.slice(-2), second.slice(-2)], [[0, 0], [0, 1]]);
});

Deno.test("encodeBoxes() has nobody find what is difficult, or has no area", () => {
  const [difficult, flat] = encode(0, [0.25, 0.25, 0.5, 0.5, 0, 1], [0.75, 0.75, 0.5, 0, 0, 0]);
  assert.deepEqual(difficult, [0.25, 0.25, 0.5, 0.5, ...Array(ENCODED - 4).fill(0)]);
  assert.deepEqual(flat, Array(ENCODED).fill(0));
});

Deno.test("encodeBoxes() counts anchors over the samples of a batch", () => {
  const box = [0.75, 0.25, 0.5, 0.5, 0, 0];
  const encoded = encodeBoxes([...NOTHING, ...box, ...box, ...NOTHING], { grids: GRIDS, output: 0, most: 2 });
  const rows = [0, 1, 2, 3].map((i) => [...encoded.subarray(i * ENCODED, (i + 1) * ENCODED)].slice(-2));
  assert.deepEqual(rows, [[0, 0], [1, 1], [4 + 1, 1], [0, 0]]);
});
