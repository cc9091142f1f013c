import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const { NaN: nan, Infinity: inf } = { NaN, Infinity };

/** Zeros of both signs, infinities, NaN, and numbers small and large. */
const SPECIAL = [nan, inf, -inf, 0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-3, -1e-3, 30, -30];

const special: OpCase = { name: "special values", inputs: { x: { shape: [16], values: SPECIAL } } };
/** Long enough for the vectorized loops of ONNX Runtime and what they leave over. */
const long: OpCase = {
  name: "special values, over and over",
  inputs: { x: { shape: [333], values: Array.from({ length: 333 }, (_, i) => SPECIAL[i % 16]) } },
};
const random: OpCase = { name: "random values of rank 4", inputs: { x: { shape: [2, 3, 5, 7] } } };
const positive: OpCase = { name: "positive values", inputs: { x: { shape: [3, 50], range: [0.01, 9] } } };
const unit: OpCase = { name: "values of [-1, 1]", inputs: { x: { shape: [3, 50], range: [-1, 1] } } };
const aboveOne: OpCase = { name: "values above 1", inputs: { x: { shape: [3, 50], range: [1, 9] } } };
const rank0: OpCase = { name: "rank 0", inputs: { x: { shape: [], values: [0.25] } } };
const empty: OpCase = { name: "no elements", inputs: { x: { shape: [0, 3] } } };
const integers: OpCase = { name: "int32", inputs: { x: { shape: [2, 9], dtype: "int32" } }, tolerance: "exact" };

const everywhere = [special, long, random, rank0, empty];

/** Cases by kernel. */
export const cases: OpCases = {
  Abs: [...everywhere, integers],
  Acos: [special, unit],
  Acosh: [special, aboveOne],
  Asin: [special, unit],
  Asinh: everywhere,
  Atan: everywhere,
  Atanh: [special, unit],
  Ceil: [...everywhere, integers],
  Cos: everywhere,
  Cosh: everywhere,
  Elu: everywhere,
  Erf: everywhere,
  Exp: everywhere,
  Floor: [...everywhere, integers],
  Log: [special, positive],
  Neg: [...everywhere, integers],
  Reciprocal: everywhere,
  Relu: [...everywhere, integers],
  Round: [...everywhere, integers],
  Selu: everywhere,
  Sigmoid: everywhere,
  Sin: everywhere,
  Sinh: everywhere,
  Softplus: everywhere,
  Sqrt: [special, positive],
  Tan: everywhere,
  Tanh: everywhere,
};
