import { backend_util, type SplitVAttrs, type SplitVInputs, util } from "@tensorflow/tfjs-core";
import { infoOf, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x cut along `axis`, into equal parts or parts of given sizes. */
export const splitV = defineOp<SplitVInputs, SplitVAttrs>({
  kernel: "SplitV",
  lower: (emit, { x }, attrs) => {
    const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
    const sizes = backend_util.prepareSplitSize(infoOf(x), attrs.numOrSizeSplits, axis);
    if (sizes.length === 1) return [x];
    return emit.nodes("Split", [x, vector(emit, sizes)], { axis }, sizes.length);
  },
});
