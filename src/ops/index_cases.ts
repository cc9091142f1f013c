import * as tf from "@tensorflow/tfjs-core";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

interface Gathering {
  readonly shape: readonly number[];
  readonly dtype?: "float32" | "int32" | "bool";
  readonly indices: readonly number[];
  readonly axis: number;
  readonly batchDims?: number;
}

function gathering(name: string, { shape, dtype, indices, axis, batchDims = 0 }: Gathering): OpCase {
  return {
    name,
    inputs: { x: { shape, dtype }, indices: { shape: indices, dtype: "int32", range: [0, shape.at(axis)!] } },
    attrs: { axis, batchDims },
    tolerance: "exact",
  };
}

function oneHot(name: string, values: readonly number[], attrs: Readonly<Record<string, unknown>>): OpCase {
  return {
    name,
    inputs: { indices: { shape: [values.length], dtype: "int32", values } },
    attrs: { depth: 4, onValue: 1, offValue: 0, dtype: "float32", ...attrs },
    tolerance: "exact",
  };
}

function select(dtype: "float32" | "int32" | "bool"): OpCase {
  return {
    name: `a condition an element, ${dtype}`,
    inputs: {
      condition: { shape: [3, 4], dtype: "bool" },
      t: { shape: [3, 4], dtype },
      e: { shape: [3, 4], dtype },
    },
    tolerance: "exact",
  };
}

/** Cases by kernel. */
export const cases: OpCases = {
  GatherV2: [
    gathering("rows", { shape: [5, 3], indices: [7], axis: 0 }),
    gathering("columns, a matrix of indices", { shape: [2, 6], indices: [3, 2], axis: 1 }),
    gathering("a negative axis", { shape: [2, 3, 4], indices: [2], axis: -1 }),
    gathering("an index of rank 0", { shape: [5, 3], indices: [], axis: 0 }),
    gathering("int32", { shape: [5], dtype: "int32", indices: [4], axis: 0 }),
    gathering("bool", { shape: [5], dtype: "bool", indices: [4], axis: 0 }),
    gathering("no index", { shape: [5, 2], indices: [0], axis: 0 }),
    gathering("a batch", { shape: [3, 5, 2], indices: [3, 4], axis: 1, batchDims: 1 }),
    gathering("a batch, not its next axis", { shape: [3, 2, 5, 2], indices: [3, 4], axis: 2, batchDims: 1 }),
    gathering("a batch of two dimensions", { shape: [2, 3, 5], indices: [2, 3, 4], axis: 2, batchDims: 2 }),
  ],
  OneHot: [
    oneHot("every class", [0, 1, 2, 3], {}),
    oneHot("classes that do not exist", [-1, 4, 2], {}),
    oneHot("other values", [0, 3], { onValue: 0.9, offValue: 0.1 }),
    oneHot("int32", [0, 3], { dtype: "int32" }),
    oneHot("bool", [0, 3], { dtype: "bool" }),
    {
      name: "indices of rank 2",
      inputs: { indices: { shape: [2, 3], dtype: "int32", range: [0, 5] } },
      attrs: { depth: 5, onValue: 1, offValue: 0, dtype: "float32" },
    },
  ],
  Select: [
    ...(["float32", "int32", "bool"] as const).map(select),
    {
      name: "a condition a row",
      inputs: {
        condition: { shape: [3], dtype: "bool", values: [1, 0, 1] },
        t: { shape: [3, 4] },
        e: { shape: [3, 4] },
      },
      // The cpu backend's kernel takes the element of the condition's index for the whole row.
      oracle: ({ condition, t, e }) => tf.where(tf.reshape(condition, [3, 1]), t, e),
    },
    {
      name: "rank 0",
      inputs: { condition: { shape: [], dtype: "bool", values: [0] }, t: { shape: [] }, e: { shape: [] } },
    },
    {
      name: "NaN that is not chosen",
      inputs: {
        condition: { shape: [2], dtype: "bool", values: [1, 0] },
        t: { shape: [2], values: [1, NaN] },
        e: { shape: [2], values: [NaN, 2] },
      },
    },
    {
      name: "dtypes that differ",
      inputs: {
        condition: { shape: [4], dtype: "bool" },
        t: { shape: [4], dtype: "int32" },
        e: { shape: [4], dtype: "float32" },
      },
    },
  ],
};
