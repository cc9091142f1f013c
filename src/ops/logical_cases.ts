import * as tf from "@tensorflow/tfjs-core";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const two: readonly OpCase[] = [
  {
    name: "the truth table",
    inputs: {
      a: { shape: [2, 1], dtype: "bool", values: [0, 1] },
      b: { shape: [2], dtype: "bool", values: [0, 1] },
    },
  },
  { name: "rank 0 with rank 3", inputs: { a: { shape: [], dtype: "bool" }, b: { shape: [2, 3, 4], dtype: "bool" } } },
  { name: "no elements", inputs: { a: { shape: [0, 3], dtype: "bool" }, b: { shape: [3], dtype: "bool" } } },
];

/** Cases by kernel. */
export const cases: OpCases = {
  LogicalAnd: two,
  LogicalNot: [
    { name: "both values", inputs: { x: { shape: [2], dtype: "bool", values: [0, 1] } } },
    { name: "rank 0", inputs: { x: { shape: [], dtype: "bool" } } },
  ],
  LogicalOr: two,
  // The cpu backend has no kernel of this name: tf.logicalXor is made of the other three.
  LogicalXor: two.map((opCase) => ({ ...opCase, oracle: ({ a, b }) => tf.logicalXor(a, b) })),
};
