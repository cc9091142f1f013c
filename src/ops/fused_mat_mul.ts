import type { _FusedMatMulInputs } from "@tensorflow/tfjs-core";
import { activate, type FusedActivation } from "./_activation.ts";
import { emitMatMul } from "./batch_mat_mul.ts";
import { defineOp } from "./op.ts";

/** Matrix product, bias and activation. Shapes: a […, m, k], b […, k, n], bias broadcast → […, m, n]. */
export const fusedMatMul = defineOp<
  _FusedMatMulInputs,
  FusedActivation & { readonly transposeA?: boolean; readonly transposeB?: boolean }
>({
  kernel: "_FusedMatMul",
  lower: (emit, { a, b, bias, preluActivationWeights }, attrs) => {
    const product = emitMatMul(emit, { a, b }, attrs);
    const sum = bias === undefined ? product : emit.node("Add", [product, bias]);
    return activate(emit, sum, { ...attrs, preluActivationWeights });
  },
});
