import type { TanInputs } from "@tensorflow/tfjs-core";
import { cast, needFloat } from "./_emit.ts";
import { defineOp } from "./op.ts";

/**
 * Tangent, as sin / cos in float64.
 *
 * ONNX Runtime's own Tan is off in the last digit where the result is large: tan(-470910674) = 30144.178 in place of
 * 30144.176. TF.js computes with JavaScript's float64 numbers. Shapes: x any → the same.
 */
export const tan = defineOp<TanInputs>({
  kernel: "Tan",
  lower: (emit, { x }) => {
    needFloat("Tan", x);
    const wide = cast(emit, x, "float64");
    return cast(emit, emit.node("Div", [emit.node("Sin", [wide]), emit.node("Cos", [wide])]), "float32");
  },
});
