import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { FUSED, SUMS } from "./conv2d_cases.ts";

/** Leading dimensions of a and b. */
const BATCHES: readonly { readonly name: string; readonly a: readonly number[]; readonly b: readonly number[] }[] = [
  { name: "matrices", a: [], b: [] },
  { name: "a batch of 1", a: [1], b: [1] },
  { name: "a batch of 3", a: [3], b: [3] },
  { name: "a batch times one matrix", a: [3], b: [1] },
  { name: "one matrix times a batch", a: [1], b: [3] },
  { name: "a batch of rank 4", a: [2, 3], b: [2, 3] },
];

const TRANSPOSED = [[false, false], [true, false], [false, true], [true, true]] as const;

/** a of [m, k] and b of [k, n], each as it is or transposed. */
function operands([m, k, n]: readonly number[], [transposeA, transposeB]: readonly boolean[]) {
  return { a: transposeA ? [k, m] : [m, k], b: transposeB ? [n, k] : [k, n] };
}

const products = BATCHES.flatMap((batch) =>
  TRANSPOSED.map(([transposeA, transposeB]): OpCase => {
    const { a, b } = operands([4, 5, 3], [transposeA, transposeB]);
    return {
      name: `${batch.name}, a${transposeA ? "ᵀ" : ""}·b${transposeB ? "ᵀ" : ""}`,
      inputs: { a: { shape: [...batch.a, ...a] }, b: { shape: [...batch.b, ...b] } },
      attrs: { transposeA, transposeB },
      tolerance: SUMS,
    };
  })
);

const narrow = TRANSPOSED.map(([transposeA, transposeB]): OpCase => {
  const { a, b } = operands([1, 6, 1], [transposeA, transposeB]);
  return {
    name: `a row by a column, transposed: ${transposeA}, ${transposeB}`,
    inputs: { a: { shape: [1, ...a] }, b: { shape: [1, ...b] } },
    attrs: { transposeA, transposeB },
    tolerance: SUMS,
  };
});

const integers = TRANSPOSED.map(([transposeA, transposeB]): OpCase => {
  const { a, b } = operands([4, 5, 3], [transposeA, transposeB]);
  return {
    name: `int32, transposed: ${transposeA}, ${transposeB}`,
    inputs: { a: { shape: [2, ...a], dtype: "int32" }, b: { shape: [2, ...b], dtype: "int32" } },
    attrs: { transposeA, transposeB },
  };
});

const fused = FUSED.filter(({ slopes }) => slopes === undefined || slopes(1, [1, 1]).length === 1).map(
  ({ name, bias, activation, leakyreluAlpha, slopes }): OpCase => {
    const inputs: Record<string, InputSpec> = {
      a: { shape: [1, 4, 6] },
      b: { shape: [1, 6, 5] },
      ...(bias ? { bias: { shape: [5] } } : {}),
      ...(slopes ? { preluActivationWeights: { shape: slopes(5, []) } } : {}),
    };
    const attrs = { transposeA: false, transposeB: false, activation, leakyreluAlpha: leakyreluAlpha ?? 0 };
    return { name, inputs, attrs, tolerance: SUMS };
  },
);

const fusedTransposed: OpCase = {
  name: "transposed, bias of a matrix's shape",
  inputs: { a: { shape: [3, 6, 4] }, b: { shape: [3, 5, 6] }, bias: { shape: [4, 5] } },
  attrs: { transposeA: true, transposeB: true, activation: "relu" },
  tolerance: SUMS,
};

/** Cases by kernel. */
export const cases: OpCases = {
  BatchMatMul: [...products, ...narrow, ...integers],
  _FusedMatMul: [...fused, fusedTransposed],
};
