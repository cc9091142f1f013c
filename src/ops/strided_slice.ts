import { slice_util, type StridedSliceAttrs, type StridedSliceInputs } from "@tensorflow/tfjs-core";
import { empty, reshaped, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Elements from `begin` to `end` in steps of `strides`, with TensorFlow's masks. */
export const stridedSlice = defineOp<StridedSliceInputs, StridedSliceAttrs>({
  kernel: "StridedSlice",
  lower: (emit, { x }, attrs) => {
    const { finalShape, begin, end, strides } = slice_util.sliceInfo(
      [...x.shape],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    if (finalShape.includes(0)) return empty(emit, { dtype: x.dtype, shape: finalShape });
    const lengths = slice_util.computeOutShape(begin, end, strides);
    const axes = [...x.shape.keys()].filter((axis) => strides[axis] !== 1 || lengths[axis] !== x.shape[axis]);
    if (axes.length === 0) return reshaped(emit, x, finalShape);
    const pick = (values: readonly number[]) => vector(emit, axes.map((axis) => values[axis]));
    // An end of -1 means "before the first element" here and "before the last" in ONNX.
    const ends = end.map((at, axis) => at < 0 ? at - x.shape[axis] : at);
    const sliced = emit.node("Slice", [x, pick(begin), pick(ends), vector(emit, axes), pick(strides)]);
    return reshaped(emit, sliced, finalShape);
  },
});
