import type { _FusedMatMulInputs } from "@tensorflow/tfjs-core";
import { activate, type FusedActivation } from "./_activation.ts";
import { emitMatMul } from "./batch_mat_mul.ts";
import { reshaped } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Matrix product, bias and activation. Shapes: a […, m, k], b […, k, n], bias broadcast → […, m, n]. */
export const fusedMatMul = defineOp<
  _FusedMatMulInputs,
  FusedActivation & { readonly transposeA?: boolean; readonly transposeB?: boolean }
>({
  kernel: "_FusedMatMul",
  lower: (emit, { a, b, bias, preluActivationWeights }, attrs) => {
    const product = emitMatMul(emit, { a, b }, attrs);
    const sum = bias === undefined ? product : addBias(emit, product, bias);
    return activate(emit, sum, { ...attrs, preluActivationWeights });
  },
});

/** Adds a bias vector to a matrix before it becomes a batch of one, so that both are seen as one Gemm. */
function addBias(emit: Emit, product: Value, bias: Value): Value {
  const [rows, columns] = product.shape.slice(-2);
  const isVector = bias.shape.reduce((a, b) => a * b, 1) === columns && bias.shape.at(-1) === columns;
  const isMatrix = product.shape.reduce((a, b) => a * b, 1) === rows * columns;
  if (!isVector || !isMatrix) return emit.node("Add", [product, bias]);
  const sum = emit.node("Add", [reshaped(emit, product, [rows, columns]), reshaped(emit, bias, [columns])]);
  return reshaped(emit, sum, product.shape);
}
