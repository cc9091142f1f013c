import type { StepAttrs, StepInputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** The largest float32: times it, every normal positive number is 1 or more. */
const STEEPEST = 2 ** 128 * (1 - 2 ** -24);

/**
 * 1 where x > 0, else alpha: the derivative of Relu (alpha = 0) and of Abs (alpha = -1). Of NaN it is NaN.
 *
 * HardSigmoid is max(0, min(1, alpha·x)): one pass that keeps NaN and costs no more than Greater and Cast, which lose
 * it. Between 0 and 2.9e-39 (subnormal numbers) it climbs from 0 to 1. Shapes: x any → the same.
 */
export const step = defineOp<StepInputs, StepAttrs>({
  kernel: "Step",
  lower: (emit, { x }, { alpha }) => {
    needFloat("Step", x);
    const positive = emit.node("HardSigmoid", [x], { alpha: STEEPEST, beta: 0 });
    if (alpha === 0) return positive;
    const scaled = emit.node("Mul", [positive, scalar(emit, "float32", 1 - alpha)]);
    return emit.node("Add", [scaled, scalar(emit, "float32", alpha)]);
  },
});
