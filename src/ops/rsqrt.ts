import type { RsqrtInputs } from "@tensorflow/tfjs-core";
import { needFloat } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** 1 / √x. Shapes: x any → the same. */
export const rsqrt = defineOp<RsqrtInputs>({
  kernel: "Rsqrt",
  lower: (emit, { x }) => {
    needFloat("Rsqrt", x);
    return emit.node("Reciprocal", [emit.node("Sqrt", [x])]);
  },
});
