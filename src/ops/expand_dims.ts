import type { ExpandDimsAttrs, ExpandDimsInputs } from "@tensorflow/tfjs-core";
import { unsqueezed } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** A new dimension of 1 at `dim`. Shapes: input [..., ...] → [..., 1, ...]. */
export const expandDims = defineOp<ExpandDimsInputs, ExpandDimsAttrs>({
  kernel: "ExpandDims",
  lower: (emit, { input }, { dim }) => unsqueezed(emit, input, [dim < 0 ? dim + input.shape.length + 1 : dim]),
});
