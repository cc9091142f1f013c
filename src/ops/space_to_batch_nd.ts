/** SpaceToBatchND and BatchToSpaceND, as TF.js composes them: pad, reshape, transpose, reshape, slice. */
import {
  backend_util,
  type BatchToSpaceNDAttrs,
  type BatchToSpaceNDInputs,
  type SpaceToBatchNDAttrs,
  type SpaceToBatchNDInputs,
} from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { reshaped, transposed } from "./_emit.ts";
import { defineOp } from "./op.ts";
import { padV2 } from "./pad.ts";
import { slice } from "./slice.ts";

/** Blocks of pixels become images of a batch. Shapes: x [n, h·bh, w·bw, c], unpadded → [n·bh·bw, h, w, c]. */
export const spaceToBatchND = defineOp<SpaceToBatchNDInputs, SpaceToBatchNDAttrs>({
  kernel: "SpaceToBatchND",
  lower: (emit, { x }, { blockShape, paddings }) => {
    const all = x.shape.map((_, axis) => paddings[axis - 1] ?? [0, 0]);
    const padded = [padV2.lower(emit, { x }, { paddings: all, constantValue: 0 })].flat()[0];
    const size = sizeOf(blockShape);
    const split = backend_util.getReshaped([...padded.shape], blockShape, size, false);
    const order = backend_util.getPermuted(split.length, blockShape.length, false);
    const joined = backend_util.getReshapedPermuted([...padded.shape], blockShape, size, false);
    return reshaped(emit, transposed(emit, reshaped(emit, padded, split), order), joined);
  },
});

/** Images of a batch become blocks of pixels. Shapes: x [n·bh·bw, h, w, c] → [n, h·bh, w·bw, c], cropped. */
export const batchToSpaceND = defineOp<BatchToSpaceNDInputs, BatchToSpaceNDAttrs>({
  kernel: "BatchToSpaceND",
  lower: (emit, { x }, { blockShape, crops }) => {
    const size = sizeOf(blockShape);
    const split = backend_util.getReshaped([...x.shape], blockShape, size);
    const order = backend_util.getPermuted(split.length, blockShape.length);
    const joined = backend_util.getReshapedPermuted([...x.shape], blockShape, size);
    const whole = reshaped(emit, transposed(emit, reshaped(emit, x, split), order), joined);
    return slice.lower(emit, { x: whole }, {
      begin: backend_util.getSliceBeginCoords(crops, blockShape.length),
      size: backend_util.getSliceSize(joined, crops, blockShape.length),
    });
  },
});
