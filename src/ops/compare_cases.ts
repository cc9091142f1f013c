import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const { NaN: nan, Infinity: inf } = { NaN, Infinity };
const SPECIAL = [nan, inf, -inf, 0, -0, 1, -2, 2.5];

const all: readonly OpCase[] = [
  {
    name: "all pairs of special values",
    inputs: { a: { shape: [8, 1], values: SPECIAL }, b: { shape: [8], values: SPECIAL } },
  },
  { name: "rank 0 with rank 4", inputs: { a: { shape: [] }, b: { shape: [2, 3, 4, 5] } } },
  { name: "int32", inputs: { a: { shape: [4, 9], dtype: "int32" }, b: { shape: [9], dtype: "int32" } } },
  {
    name: "bool",
    inputs: { a: { shape: [2, 1], dtype: "bool", values: [0, 1] }, b: { shape: [2], dtype: "bool", values: [0, 1] } },
  },
  { name: "no elements", inputs: { a: { shape: [0, 3] }, b: { shape: [3] } } },
];

const ofOne: readonly OpCase[] = [
  { name: "special values", inputs: { x: { shape: [8], values: SPECIAL } } },
  { name: "random values of rank 4", inputs: { x: { shape: [2, 3, 4, 5] } } },
  { name: "no elements", inputs: { x: { shape: [3, 0] } } },
  { name: "int32", inputs: { x: { shape: [40], dtype: "int32" } } },
];

/** Cases by kernel. */
export const cases: OpCases = {
  Equal: all,
  Greater: all,
  GreaterEqual: all,
  IsFinite: ofOne,
  IsInf: ofOne,
  IsNan: ofOne,
  Less: all,
  LessEqual: all,
  NotEqual: all,
};
