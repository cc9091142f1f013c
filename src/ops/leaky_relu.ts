import type { LeakyReluAttrs, LeakyReluInputs } from "@tensorflow/tfjs-core";
import { cast } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x where x ≥ 0, else alpha·x; float32 whatever comes in. Shapes: x any → the same. */
export const leakyRelu = defineOp<LeakyReluInputs, LeakyReluAttrs>({
  kernel: "LeakyRelu",
  lower: (emit, { x }, { alpha }) => emit.node("LeakyRelu", [cast(emit, x, "float32")], { alpha }),
});
