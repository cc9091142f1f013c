import { backend_util, type GatherV2Attrs, type GatherV2Inputs, util } from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { cast, infoOf, reshaped, transposed, unsqueezed } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * Parts of x along `axis`, picked by index; the first `batchDims` dimensions of x and the indices go together.
 *
 * Shapes: x [b, o, d, s], indices [b, i] → [b, o, i, s], for batchDims 1 and axis 2.
 */
export const gatherV2 = defineOp<GatherV2Inputs, GatherV2Attrs>({
  kernel: "GatherV2",
  lower: (emit, { x, indices }, attrs) => {
    const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
    const batchDims = attrs.batchDims ?? 0;
    checkIndices(indices, x.shape[axis]);
    if (batchDims === 0) return emit.node("Gather", [x, cast(emit, indices, "int32")], { axis });
    return gatherInBatches(emit, { x, indices }, { axis, batchDims });
  },
});

/** Indices that are known already are checked here; of others ONNX Runtime refuses those that are too great. */
function checkIndices(indices: Value, length: number): void {
  for (const index of indices.elements ?? []) {
    if (index >= 0 && index < length) continue;
    throw new RangeError(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
  }
}

/** As [b, o, d, s] and [b, i]: GatherND wants the picked dimension right behind the batch's. */
function gatherInBatches(
  emit: Emit,
  { x, indices }: { readonly x: Value; readonly indices: Value },
  { axis, batchDims }: { readonly axis: number; readonly batchDims: number },
): Value {
  const info = backend_util.segment_util.collectGatherOpShapeInfo(
    infoOf(x),
    infoOf(indices),
    axis,
    batchDims,
  );
  const { batchSize, outerSize, dimSize, sliceSize } = info;
  const count = sizeOf(indices.shape) / batchSize;
  const rows = transposed(emit, reshaped(emit, x, [batchSize, outerSize, dimSize, sliceSize]), [0, 2, 1, 3]);
  const at = unsqueezed(emit, cast(emit, reshaped(emit, indices, [batchSize, count]), "int64"), [2]);
  const picked = emit.node("GatherND", [rows, at], { batch_dims: 1 });
  return reshaped(emit, transposed(emit, picked, [0, 2, 1, 3]), info.outputShape);
}
