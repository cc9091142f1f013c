import type { StepAttrs, StepInputs } from "@tensorflow/tfjs-core";
import { cast, needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/**
 * 1 where x > 0, else alpha: the derivative of Relu (alpha = 0) and of Abs (alpha = -1).
 *
 * Of NaN it is alpha, where TF.js's is NaN: the nodes that keep NaN cost two to three times as much on every
 * gradient of a Relu, whose forward pass has passed the NaN on already. Shapes: x any → the same.
 */
export const step = defineOp<StepInputs, StepAttrs>({
  kernel: "Step",
  lower: (emit, { x }, { alpha }) => {
    needFloat("Step", x);
    const positive = emit.node("Greater", [x, scalar(emit, "float32", 0)]);
    if (alpha === 0) return cast(emit, positive, "float32");
    return emit.node("Where", [positive, scalar(emit, "float32", 1), scalar(emit, "float32", alpha)]);
  },
});
