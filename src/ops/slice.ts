import { slice_util, type SliceAttrs, type SliceInputs, type Tensor } from "@tensorflow/tfjs-core";
import { vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** `size` elements from `begin` on; a size of -1 takes all that are left. Axes taken whole are not named. */
export const slice = defineOp<SliceInputs, SliceAttrs>({
  kernel: "Slice",
  lower: (emit, { x }, attrs) => {
    // slice_util reads the shape of its tensor alone.
    const shaped = { shape: x.shape } as Tensor;
    const [begin, size] = slice_util.parseSliceParams(shaped, attrs.begin, attrs.size);
    slice_util.assertParamsValid(shaped, begin, size);
    const axes = [...x.shape.keys()].filter((axis) => size[axis] !== x.shape[axis]);
    if (axes.length === 0) return x;
    const starts = axes.map((axis) => begin[axis]);
    const ends = axes.map((axis) => begin[axis] + size[axis]);
    return emit.node("Slice", [x, vector(emit, starts), vector(emit, ends), vector(emit, axes)]);
  },
});
