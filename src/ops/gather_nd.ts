import { backend_util, type GatherNdInputs } from "@tensorflow/tfjs-core";
import { cast, empty, reshaped } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Elements or slices of `params`, picked by index vectors. Shapes: params any, indices [n, k] → [n, ...params[k:]]. */
export const gatherNd = defineOp<GatherNdInputs>({
  kernel: "GatherNd",
  lower: (emit, { params, indices }) => {
    // prepareAndValidate reads shapes and the indices' dtype alone.
    const [shape, slices] = backend_util.prepareAndValidate(
      { shape: [...params.shape], rank: params.shape.length } as never,
      { shape: [...indices.shape], rank: indices.shape.length, dtype: "int32" } as never,
    );
    if (slices === 0) return empty(emit, { dtype: params.dtype, shape });
    return reshaped(emit, emit.node("GatherND", [params, cast(emit, indices, "int64")]), shape);
  },
});
