import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";

const { NaN: nan, Infinity: inf } = { NaN, Infinity };

/** Every pair of these. */
const SPECIAL = [nan, inf, -inf, 0, -0, 1, -2, 2.5];
const pairs: OpCase = {
  name: "all pairs of special values",
  inputs: { a: { shape: [8, 1], values: SPECIAL }, b: { shape: [8], values: SPECIAL } },
};
/** Long enough for the vectorized loops of ONNX Runtime and what they leave over. */
const long: OpCase = {
  name: "special values, over and over",
  inputs: {
    a: { shape: [333], values: Array.from({ length: 333 }, (_, i) => SPECIAL[i % 8]) },
    b: { shape: [333], values: Array.from({ length: 333 }, (_, i) => SPECIAL[Math.floor(i / 8) % 8]) },
  },
};
const same: OpCase = { name: "equal shapes", inputs: { a: { shape: [3, 7] }, b: { shape: [3, 7] } } };
const rank0: OpCase = { name: "rank 0 with rank 4", inputs: { a: { shape: [] }, b: { shape: [2, 3, 4, 5] } } };
const both: OpCase = { name: "broadcasting of both", inputs: { a: { shape: [2, 1, 4] }, b: { shape: [3, 1] } } };
const empty: OpCase = { name: "no elements", inputs: { a: { shape: [0, 3] }, b: { shape: [3] } } };
const integers: OpCase = {
  name: "int32",
  inputs: { a: { shape: [4, 5], dtype: "int32" }, b: { shape: [5], dtype: "int32" } },
};

const everywhere = [pairs, long, same, rank0, both, empty];

/** A negative number to a power is NaN in both, but 1 to the power of NaN or ∞ is NaN in JavaScript and 1 in C. */
const powers: OpCase = {
  name: "special values, 1 to the power of NaN and of infinities excepted",
  inputs: {
    a: { shape: [6, 1], values: [nan, inf, -inf, 0, -2, 2.5] },
    b: { shape: [7], values: [nan, inf, -inf, 0, -1, 2, 0.5] },
  },
};

/** Cases by kernel. */
export const cases: OpCases = {
  Add: [...everywhere, integers],
  Maximum: [...everywhere, integers],
  Minimum: [...everywhere, integers],
  Multiply: [
    ...everywhere,
    integers,
    {
      name: "int32 products beyond 32 bits",
      inputs: {
        a: { shape: [3], dtype: "int32", values: [70000, -70000, 2147483647] },
        b: { shape: [3], dtype: "int32", values: [70000, 70000, 2] },
      },
    },
  ],
  Pow: [powers, {
    name: "1 to the power of NaN and of infinity",
    inputs: { a: { shape: [], values: [1] }, b: { shape: [2], values: [nan, inf] } },
    differs: "NaN in JavaScript, 1 in C and ONNX",
  }, { name: "squares", inputs: { a: { shape: [40] }, b: { shape: [], values: [2] } } }],
  RealDiv: everywhere,
  Sub: [...everywhere, integers],
  SquaredDifference: [...everywhere, integers],
};
