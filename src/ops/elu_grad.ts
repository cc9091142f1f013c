import type { EluGradInputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/**
 * Gradient of Elu, from its output: dy where y ≥ 0, else dy·(y + 1), which is dy·min(y + 1, 1).
 *
 * Shapes: dy, y any, the same → the same.
 */
export const eluGrad = defineOp<EluGradInputs>({
  kernel: "EluGrad",
  lower: (emit, { dy, y }) => {
    needFloat("EluGrad", dy, y);
    const one = scalar(emit, "float32", 1);
    return emit.node("Mul", [dy, emit.node("Min", [emit.node("Add", [y, one]), one])]);
  },
});
