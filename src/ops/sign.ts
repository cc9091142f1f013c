import type { SignInputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** -1, 0 or 1. The sign of NaN is 0, where ONNX Runtime's is NaN. Shapes: x any → the same. */
export const sign = defineOp<SignInputs>({
  kernel: "Sign",
  lower: (emit, { x }) => {
    if (x.dtype === "int32") return emit.node("Sign", [x]);
    needFloat("Sign", x);
    return emit.node("Where", [emit.node("IsNaN", [x]), scalar(emit, "float32", 0), emit.node("Sign", [x])]);
  },
});
