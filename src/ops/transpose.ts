import type { TransposeAttrs, TransposeInputs } from "@tensorflow/tfjs-core";
import { transposed } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Dimensions in the order `perm`. */
export const transpose = defineOp<TransposeInputs, TransposeAttrs>({
  kernel: "Transpose",
  lower: (emit, { x }, { perm }) => transposed(emit, x, perm),
});
