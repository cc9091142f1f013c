import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { Random } from "../numbers/random.ts";

function ids(shape: readonly number[], range: readonly [number, number]): InputSpec {
  return { shape, dtype: "int32", range };
}

function places(...vectors: readonly (readonly number[])[]): InputSpec {
  return { shape: [vectors.length, vectors[0].length], dtype: "int32", values: vectors.flat() };
}

function gathered(name: string, params: InputSpec, indices: InputSpec): OpCase {
  return { name, inputs: { params, indices }, tolerance: "exact" };
}

function segments(name: string, x: InputSpec, segmentIds: InputSpec, numSegments: number): OpCase {
  return { name, inputs: { x, segmentIds }, attrs: { numSegments } };
}

function scattered(name: string, shape: readonly number[], indices: InputSpec, updates: InputSpec): OpCase {
  return { name, inputs: { indices, updates }, attrs: { shape } };
}

function updated(name: string, tensor: InputSpec, indices: InputSpec, updates: InputSpec): OpCase {
  return { name, inputs: { tensor, indices, updates }, tolerance: "exact" };
}

const UNBOUNDED = [Infinity, -Infinity, NaN];

/** Rows among whose elements are infinities and NaN, each of which may touch the sums that it is added to and no other. */
function unbounded(kernel: "ScatterNd" | "UnsortedSegmentSum"): OpCase[] {
  return [3, 20, 600].map((count, seed): OpCase => {
    const random = new Random(seed);
    const [n, r] = [30, 4];
    const rows = Array.from(
      { length: n * r },
      () => random.chance(0.05) ? random.pick(UNBOUNDED) : random.between(-2, 2),
    );
    const at = Array.from({ length: n }, () => random.below(count));
    const x: InputSpec = { shape: [n, r], values: rows };
    const sums = new Float64Array(count * r);
    rows.forEach((value, i) => sums[at[Math.floor(i / r)] * r + i % r] += value);
    const indices: InputSpec = { shape: kernel === "ScatterNd" ? [n, 1] : [n], dtype: "int32", values: at };
    return {
      name: `infinities and NaN among ${n} rows of ${count} sums`,
      ...(kernel === "ScatterNd"
        ? { inputs: { indices, updates: x }, attrs: { shape: [count, r] } }
        : { inputs: { x, segmentIds: indices }, attrs: { numSegments: count } }),
      // By hand: TF.js's UnsortedSegmentSum is a product with a one-hot matrix, too, and spreads them.
      oracle: () => tf.tensor2d(Float32Array.from(sums), [count, r]),
    };
  });
}

/** Cases by kernel. */
export const cases: OpCases = {
  GatherNd: [
    gathered("elements", { shape: [3, 4] }, places([0, 1], [2, 3], [1, 0])),
    gathered("rows", { shape: [3, 4] }, places([2], [0])),
    gathered("images of a batch", { shape: [3, 2, 2, 1] }, ids([2, 2, 1], [0, 3])),
    gathered("int32", { shape: [5], dtype: "int32" }, places([4], [0], [4])),
    gathered("bool", { shape: [5], dtype: "bool" }, places([4], [0], [4])),
    gathered("no place", { shape: [3, 4] }, { shape: [0, 2], dtype: "int32" }),
  ],
  ScatterNd: [
    scattered("elements of a vector", [8], places([4], [3], [1], [7]), { shape: [4] }),
    scattered("the same place twice", [8], places([4], [3], [4], [4]), { shape: [4] }),
    scattered("rows", [4, 3], places([1], [3]), { shape: [2, 3] }),
    scattered("elements of a matrix", [3, 4], places([1, 2], [0, 3], [1, 2]), { shape: [3] }),
    scattered("int32", [5], places([1], [4], [1]), { shape: [3], dtype: "int32" }),
    scattered("many places", [20, 30], ids([50, 2], [0, 20]), { shape: [50] }),
    ...unbounded("ScatterNd"),
    scattered("no update", [4, 2], { shape: [0, 1], dtype: "int32" }, { shape: [0, 2] }),
  ],
  TensorScatterUpdate: [
    updated("elements", { shape: [8] }, places([4], [3], [1]), { shape: [3] }),
    updated("rows", { shape: [4, 3] }, places([1], [3]), { shape: [2, 3] }),
    updated("elements of a matrix", { shape: [3, 4] }, places([1, 2], [0, 3]), { shape: [2] }),
    updated("int32", { shape: [5], dtype: "int32" }, places([1], [4]), { shape: [2], dtype: "int32" }),
  ],
  UnsortedSegmentSum: [
    segments("rows", { shape: [6, 3] }, ids([6], [0, 4]), 4),
    segments("a vector", { shape: [20] }, ids([20], [0, 3]), 5),
    segments("images", { shape: [4, 2, 2, 3] }, ids([4], [0, 2]), 2),
    segments("segments that do not exist", { shape: [6, 2] }, {
      shape: [6],
      dtype: "int32",
      values: [0, -1, 2, 3, 7, 0],
    }, 3),
    segments("many segments", { shape: [40, 2] }, ids([40], [0, 600]), 600),
    segments(
      "many segments, some that do not exist",
      { shape: [4, 2] },
      { shape: [4], dtype: "int32", values: [-1, 600, 0, 599] },
      600,
    ),
    ...unbounded("UnsortedSegmentSum"),
    segments("int32", { shape: [6, 2], dtype: "int32" }, ids([6], [0, 3]), 3),
    segments("no row", { shape: [0, 2] }, { shape: [0], dtype: "int32" }, 3),
  ],
};
