import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

function cast(x: InputSpec, dtype: string): OpCase {
  return {
    name: `${x.dtype ?? "float32"}[${x.shape}] to ${dtype}`,
    inputs: { x },
    attrs: { dtype },
    tolerance: "exact",
  };
}

const FRACTIONS = [0, -0, 0.5, -0.5, 1.999, -1.999, 1e6, -1e6];

/** Cases by kernel. */
export const cases: OpCases = {
  Cast: [
    cast({ shape: [8], values: FRACTIONS }, "int32"),
    cast({ shape: [8], values: [NaN, Infinity, -Infinity, 0, -0, 1e-30, 1, -1] }, "bool"),
    cast({ shape: [8], values: FRACTIONS }, "float32"),
    cast({ shape: [3, 4], dtype: "int32" }, "bool"),
    cast({ shape: [3, 4], dtype: "int32" }, "float32"),
    cast({ shape: [6], dtype: "bool" }, "float32"),
    cast({ shape: [6], dtype: "bool" }, "int32"),
    {
      ...cast({ shape: [3], values: [NaN, Infinity, 3e9] }, "int32"),
      differs: "what int32 cannot hold becomes -2³¹; JavaScript's conversion would cost four nodes more",
    },
    cast({ shape: [0, 2], dtype: "float32" }, "int32"),
  ],
};
