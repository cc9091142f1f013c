import { type ExpandDimsAttrs, type ExpandDimsInputs, util } from "@tensorflow/tfjs-core";
import { unsqueezed } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** A new dimension of 1 at `dim`. Shapes: input [..., ...] → [..., 1, ...]. */
export const expandDims = defineOp<ExpandDimsInputs, ExpandDimsAttrs>({
  kernel: "ExpandDims",
  lower: (emit, { input }, { dim }) => {
    const rank = input.shape.length;
    util.assert(dim >= -(rank + 1) && dim <= rank, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
    return unsqueezed(emit, input, [dim < 0 ? dim + rank + 1 : dim]);
  },
});
