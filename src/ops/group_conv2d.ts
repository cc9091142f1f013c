/** Convolution in groups of channels, and its gradients: kernels of this project, see src/grouped. */
import type { Conv2DBackpropFilterInputs, Conv2DBackpropInputInputs, Conv2DInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convGeometry, emitTransposed, flippedAttrs, isFlippable } from "./_conv_geometry.ts";
import { reshaped } from "./_emit.ts";
import { cropped, inChannelsFirst, toChannelsFirst } from "./_layout.ts";
import { emitConv, filterToOnnx } from "./conv2d.ts";
import { reachOf } from "./conv2d_backprop_filter.ts";
import { flip } from "./conv2d_backprop_input.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Attributes of these kernels. */
interface GroupConvAttrs extends ConvAttrs {
  readonly groups: number;
}

type Shape = [number, number, number, number];

/** Grouped convolution. Shapes: x [n, h, w, in], filter [kh, kw, in / groups, out] → [n, h', w', out]. */
export const groupConv2d = defineOp<Conv2DInputs, GroupConvAttrs>({
  kernel: "GroupConv2D",
  lower: (emit, { x, filter }, attrs) => {
    const geometry = convGeometry(x.shape, filter.shape, attrs);
    return inChannelsFirst(emit, { x }, (x) => emitConv(emit, { x, filter, group: attrs.groups }, geometry));
  },
});

/** [kh, kw, in / groups, out] → [in, out / groups, kh, kw], which leads from outputs back to inputs. */
function backwardFilter(emit: Emit, filter: Value, groups: number): Value {
  const [kh, kw, inside, outs] = filter.shape;
  const split = reshaped(emit, filter, [kh, kw, inside, groups, outs / groups]);
  const moved = emit.node("Transpose", [split], { perm: [3, 2, 4, 0, 1] });
  return reshaped(emit, moved, [groups * inside, outs / groups, kh, kw]);
}

/**
 * Gradient of a grouped convolution by its input; as for one group, a convolution with the flipped kernel where strides
 * are 1.
 *
 * Shapes: dy [n, h', w', out], filter [kh, kw, in / groups, out] → [n, h, w, in].
 */
export const groupConv2dBackpropInput = defineOp<
  Conv2DBackpropInputInputs,
  GroupConvAttrs & { readonly inputShape: Shape }
>({
  kernel: "GroupConv2DBackpropInput",
  lower: (emit, { dy, filter }, attrs) => {
    const { groups } = attrs;
    const geometry = convGeometry(attrs.inputShape, filter.shape, attrs);
    return inChannelsFirst(emit, { x: dy }, (dy) => {
      if (isFlippable(geometry)) {
        const kernel = backwardFilter(emit, flip(emit, filter), groups);
        return emit.node("Conv", [dy, kernel], flippedAttrs(geometry, groups));
      }
      return emitTransposed(emit, { dy, filter: filterToOnnx(emit, filter), group: groups }, geometry);
    });
  },
});

/**
 * Gradient of a grouped convolution by its filter.
 *
 * As for one group, the batch takes the place of the channels: x [in / groups, groups · n, h, w] is convolved with dy
 * [out, n, h', w'] in as many groups, dilated by the stride.
 *
 * Shapes: x [n, h, w, in], dy [n, h', w', out] → [kh, kw, in / groups, out].
 */
export const groupConv2dBackpropFilter = defineOp<
  Conv2DBackpropFilterInputs,
  GroupConvAttrs & { readonly filterShape: Shape }
>({
  kernel: "GroupConv2DBackpropFilter",
  lower: (emit, { x, dy }, attrs) => {
    const { groups } = attrs;
    const g = convGeometry(x.shape, attrs.filterShape, attrs);
    const { ends, pads } = reachOf(g);
    const pictures = cropped(emit, toChannelsFirst(emit, x), ends);
    const [n, ins, h, w] = pictures.shape;
    const split = reshaped(emit, pictures, [n, groups, ins / groups, h, w]);
    const moved = emit.node("Transpose", [split], { perm: [2, 1, 0, 3, 4] });
    const gradient = emit.node("Conv", [
      reshaped(emit, moved, [ins / groups, groups * n, h, w]),
      emit.node("Transpose", [toChannelsFirst(emit, dy)], { perm: [1, 0, 2, 3] }),
    ], {
      kernel_shape: [g.outHeight, g.outWidth],
      dilations: [g.strideHeight, g.strideWidth],
      strides: [g.dilationHeight, g.dilationWidth],
      pads,
      group: groups,
    });
    return emit.node("Transpose", [gradient], { perm: [2, 3, 0, 1] });
  },
});
