import type { UnsortedSegmentSumAttrs, UnsortedSegmentSumInputs } from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { cast, filled, isEmpty, reshaped } from "./_emit.ts";
import { addRows } from "./_scatter.ts";
import { defineOp, Unsupported } from "./op.ts";

/**
 * Sums of the rows of x that have the same segment; rows of segments outside [0, numSegments) are left out.
 *
 * The gradient of GatherV2. float32 whatever comes in. Shapes: x [n, ...], segmentIds [n] → [numSegments, ...].
 */
export const unsortedSegmentSum = defineOp<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>({
  kernel: "UnsortedSegmentSum",
  lower: (emit, { x, segmentIds }, { numSegments }) => {
    if (segmentIds.shape.length !== 1) {
      throw new Unsupported(
        `Cannot lower "UnsortedSegmentSum" with segments of shape [${segmentIds.shape}]: needed is a vector`,
      );
    }
    const [n, ...rest] = x.shape;
    const shape = [numSegments, ...rest];
    if (isEmpty(x)) return filled(emit, { dtype: "float32", shape }, 0);
    const rows = reshaped(emit, cast(emit, x, "float32"), [n, sizeOf(rest)]);
    return reshaped(emit, addRows(emit, { rows, indices: cast(emit, segmentIds, "int32") }, numSegments), shape);
  },
});
