import { backend_util, type GatherNdInputs } from "@tensorflow/tfjs-core";
import { cast, empty, infoOf, reshaped } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Elements or slices of `params`, picked by index vectors. Shapes: params any, indices [n, k] → [n, ...params[k:]]. */
export const gatherNd = defineOp<GatherNdInputs>({
  kernel: "GatherNd",
  lower: (emit, { params, indices }) => {
    const [shape, slices] = backend_util.prepareAndValidate(infoOf(params), infoOf(indices, "int32"));
    if (slices === 0) return empty(emit, { dtype: params.dtype, shape });
    return reshaped(emit, emit.node("GatherND", [params, cast(emit, indices, "int64")]), shape);
  },
});
