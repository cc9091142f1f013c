import type { CastAttrs, CastInputs } from "@tensorflow/tfjs-core";
import { cast as emitCast } from "./_emit.ts";
import { defineOp, Unsupported } from "./op.ts";

/**
 * Converts to `dtype`: to int32 by truncation, to bool by x ≠ 0. Shapes: x any → the same.
 *
 * NaN and what int32 cannot hold become -2³¹, where JavaScript gives 0 and the number modulo 2³².
 */
export const cast = defineOp<CastInputs, CastAttrs>({
  kernel: "Cast",
  lower: (emit, { x }, { dtype }) => {
    if (dtype === "complex64" || dtype === "string") {
      throw new Unsupported(`Cannot lower "Cast" to ${dtype}: ONNX has no such element type here`);
    }
    return emitCast(emit, x, dtype);
  },
});
