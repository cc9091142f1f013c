import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const { NaN: nan, Infinity: inf } = { NaN, Infinity };

const integers: OpCase = {
  name: "int32 of all signs, 0 included",
  inputs: {
    a: { shape: [9, 1], dtype: "int32", values: [-7, -6, -1, 0, 1, 5, 6, 7, 2147483647] },
    b: { shape: [7], dtype: "int32", values: [-3, -2, -1, 0, 1, 2, 3] },
  },
};
const floats: OpCase = {
  name: "float32 of all signs",
  inputs: {
    a: { shape: [8, 1], values: [-7.5, -6, -0.25, 0, 0.25, 5, 6, 7.5] },
    b: { shape: [6], values: [-3, -2.5, -0.1, 0.1, 2.5, 3] },
  },
};
const least: OpCase = {
  name: "the least int32 by 0 and by 1",
  inputs: {
    a: { shape: [2], dtype: "int32", values: [-2147483648, -2147483648] },
    b: { shape: [2], dtype: "int32", values: [0, 1] },
  },
};
const random: OpCase = { name: "broadcasting", inputs: { a: { shape: [5, 1, 3] }, b: { shape: [4, 3] } } };
const special: OpCase = {
  name: "special values",
  inputs: { a: { shape: [5, 1], values: [nan, inf, -inf, 1, -1] }, b: { shape: [5], values: [nan, inf, -inf, 0, 2] } },
};

/** Cases by kernel. */
export const cases: OpCases = {
  FloorDiv: [integers, floats, least, special, random],
  Mod: [
    integers,
    floats,
    least,
    special,
    random,
    {
      name: "the least int32 by -1",
      inputs: {
        a: { shape: [1], dtype: "int32", values: [-2147483648] },
        b: { shape: [1], dtype: "int32", values: [-1] },
      },
    },
  ],
};
