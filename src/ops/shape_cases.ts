import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const DTYPES = ["float32", "int32", "bool"] as const;

/** The same case on every dtype. */
function onAll(name: string, shape: readonly number[], attrs: Readonly<Record<string, unknown>>): OpCase[] {
  return DTYPES.map((dtype) => ({
    name: `${name}, ${dtype}[${shape}]`,
    inputs: { x: { shape, dtype } },
    attrs,
    tolerance: "exact",
  }));
}

function one(name: string, x: InputSpec, rest: Partial<OpCase> = {}): OpCase {
  return { name, inputs: { x }, tolerance: "exact", ...rest };
}

/** Cases by kernel. */
export const cases: OpCases = {
  BroadcastTo: [
    // The cpu backend has no kernel of this name: tf.broadcastTo tiles.
    one("rows", { shape: [1, 4] }, { attrs: { shape: [3, 4] }, oracle: ({ x }) => tf.broadcastTo(x, [3, 4]) }),
    one("more rank", { shape: [4] }, { attrs: { shape: [2, 3, 4] }, oracle: ({ x }) => tf.broadcastTo(x, [2, 3, 4]) }),
    one("nothing to do", { shape: [2, 3] }, { attrs: { shape: [2, 3] }, oracle: ({ x }) => x, nodes: [] }),
  ],
  ExpandDims: [-3, -1, 0, 1, 2].map((dim) => ({
    name: `dimension ${dim}`,
    inputs: { input: { shape: [3, 4] } },
    attrs: { dim },
    tolerance: "exact",
  })),
  Identity: [one("any input", { shape: [2, 3] }, { nodes: [] })],
  PadV2: [
    ...onAll("one side each", [2, 3], { paddings: [[1, 0], [0, 2]], constantValue: 0 }),
    ...onAll("ones around an image", [1, 2, 3, 2], { paddings: [[0, 0], [1, 1], [2, 0], [0, 0]], constantValue: 1 }),
    one("no padding", { shape: [2, 3] }, { attrs: { paddings: [[0, 0], [0, 0]], constantValue: 3 }, nodes: [] }),
    one("minus infinity", { shape: [3] }, { attrs: { paddings: [[1, 1]], constantValue: -Infinity } }),
    one("no elements", { shape: [0, 2] }, { attrs: { paddings: [[1, 1], [0, 0]], constantValue: 2 } }),
  ],
  Reshape: [
    ...onAll("flattening", [2, 3, 4], { shape: [2, 12] }),
    one("an open dimension", { shape: [2, 3, 4] }, { attrs: { shape: [-1, 6] } }),
    one("to rank 0", { shape: [1, 1] }, { attrs: { shape: [] } }),
    one("from rank 0", { shape: [] }, { attrs: { shape: [1, 1, 1] } }),
    one("no elements", { shape: [2, 0, 3] }, { attrs: { shape: [0, 6] } }),
    one("the same shape", { shape: [2, 3] }, { attrs: { shape: [2, 3] }, nodes: [] }),
  ],
  Slice: [
    ...onAll("rows and columns", [4, 6], { begin: [1, 2], size: [2, 3] }),
    one("to the end", { shape: [4, 6] }, { attrs: { begin: [1, 2], size: [-1, 2] } }),
    one("one axis of four", { shape: [2, 3, 4, 5] }, { attrs: { begin: [0, 0, 1, 0], size: [2, 3, 2, 5] } }),
    one("all of it", { shape: [2, 3] }, { attrs: { begin: [0, 0], size: [-1, -1] }, nodes: [] }),
    one("nothing of it", { shape: [2, 3] }, { attrs: { begin: [1, 0], size: [0, 3] } }),
  ],
  Tile: [
    ...onAll("both axes", [2, 3], { reps: [2, 3] }),
    ...onAll("dimensions of 1", [1, 3, 1], { reps: [4, 1, 2] }),
    one("once", { shape: [2, 3] }, { attrs: { reps: [1, 1] }, nodes: [] }),
    one("no times", { shape: [2, 3] }, { attrs: { reps: [0, 1] } }),
  ],
  Transpose: [
    ...onAll("two axes", [3, 5], { perm: [1, 0] }),
    one("channels first", { shape: [2, 3, 4, 5] }, { attrs: { perm: [0, 3, 1, 2] } }),
    one("six axes", { shape: [1, 2, 3, 2, 2, 2] }, { attrs: { perm: [5, 0, 3, 1, 4, 2] } }),
    one("no change", { shape: [2, 3] }, { attrs: { perm: [0, 1] }, nodes: [] }),
    one("no elements", { shape: [0, 3] }, { attrs: { perm: [1, 0] } }),
  ],
};
