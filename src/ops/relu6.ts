import type { Relu6Inputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives min(max(x, 0), 6). Shapes: x any → the same. */
export const relu6 = defineOp<Relu6Inputs>({
  kernel: "Relu6",
  lower: (emit, { x }) => {
    if (x.dtype !== "int32") needFloat("Relu6", x);
    return emit.node("Clip", [x, scalar(emit, x.dtype, 0), scalar(emit, x.dtype, 6)]);
  },
});
