import { type BatchMatMulAttrs, type BatchMatMulInputs, util } from "@tensorflow/tfjs-core";
import { reshaped } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Emits a matrix product with optional transpositions, as the operator that runs it without a copy. */
export function emitMatMul(
  emit: Emit,
  inputs: { readonly a: Value; readonly b: Value },
  options: { readonly transposeA?: boolean; readonly transposeB?: boolean },
): Value {
  const { a, b } = inputs;
  // TF.js's layers multiply matrices as batches of one.
  const leading = a.shape.slice(0, -2);
  if (leading.length > 0 && [...leading, ...b.shape.slice(0, -2)].every((dim) => dim === 1)) {
    const flat = (x: Value) => reshaped(emit, x, x.shape.slice(-2));
    const product = emitMatMul(emit, { a: flat(a), b: flat(b) }, options);
    return reshaped(emit, product, [...leading, ...product.shape]);
  }
  const { transposeA: transA = false, transposeB: transB = false } = options;
  if (!transA && !transB) return emit.node("MatMul", [a, b]);
  if (a.dtype === "float32") {
    return emit.node("FusedMatMul", [a, b], { transA: Number(transA), transB: Number(transB) });
  }
  return emit.node("MatMul", [transA ? swapLast(emit, a) : a, transB ? swapLast(emit, b) : b]);
}

function swapLast(emit: Emit, x: Value): Value {
  const rank = x.shape.length;
  const perm = Array.from({ length: rank }, (_, i) => i < rank - 2 ? i : 2 * rank - 3 - i);
  return emit.node("Transpose", [x], { perm });
}

/** Batched matrix product. Shapes: a […, m, k], b […, k, n] → […, m, n], before the transpositions asked for. */
export const batchMatMul = defineOp<BatchMatMulInputs, BatchMatMulAttrs>({
  kernel: "BatchMatMul",
  lower: (emit, { a, b }, attrs) => {
    // ONNX's MatMul would also take vectors.
    const shapes = () => `Cannot multiply shapes [${a.shape}] and [${b.shape}]: needed are matrices or batches of them`;
    util.assert(a.shape.length >= 2 && b.shape.length >= 2, shapes);
    return emitMatMul(emit, { a, b }, attrs);
  },
});
