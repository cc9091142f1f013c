/** Fill, ZerosLike, OnesLike: tensors of one value. */
import { type FillAttrs, type OnesLikeInputs, util, type ZerosLikeInputs } from "@tensorflow/tfjs-core";
import { filled } from "./_emit.ts";
import { defineOp, Unsupported } from "./op.ts";

/** A tensor of `shape`, all `value`. */
export const fill = defineOp<Record<never, never>, FillAttrs>({
  kernel: "Fill",
  lower: (emit, _, { shape, value, dtype: given }) => {
    const dtype = given || util.inferDtype(value);
    if (typeof value === "string" || dtype === "string" || dtype === "complex64") {
      throw new Unsupported(`Cannot lower "Fill" of ${dtype}: ONNX has no such element type here`);
    }
    return filled(emit, { dtype, shape }, dtype === "float32" ? value : Math.trunc(value));
  },
});

/** Zeros in the shape and dtype of x. */
export const zerosLike = defineOp<ZerosLikeInputs>({
  kernel: "ZerosLike",
  lower: (emit, { x }) => filled(emit, x, 0),
});

/** Ones in the shape and dtype of x. */
export const onesLike = defineOp<OnesLikeInputs>({
  kernel: "OnesLike",
  lower: (emit, { x }) => filled(emit, x, 1),
});
