import type { DiagInputs } from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { cast, reshaped, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Zeros with x on the diagonal. Shapes: x s → [...s, ...s]. */
export const diag = defineOp<DiagInputs>({
  kernel: "Diag",
  lower: (emit, { x }) => {
    const size = sizeOf(x.shape);
    const places = Array.from({ length: size }, (_, i) => i);
    const onDiagonal = emit.node("Equal", [
      emit.constant("int32", [size, 1], places),
      emit.constant("int32", [size], places),
    ]);
    // ONNX Runtime has no Where of bools.
    const value = reshaped(emit, x.dtype === "bool" ? cast(emit, x, "uint8") : x, [size]);
    const matrix = emit.node("Where", [onDiagonal, value, scalar(emit, value.dtype, 0)]);
    return reshaped(emit, cast(emit, matrix, x.dtype), [...x.shape, ...x.shape]);
  },
});
