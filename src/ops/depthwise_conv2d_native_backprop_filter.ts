import type { DepthwiseConv2dNativeBackpropFilterInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convGeometry } from "./_conv_geometry.ts";
import { reshaped } from "./_emit.ts";
import { cropped, reduceSum, toChannelsFirst } from "./_layout.ts";
import { reachOf } from "./conv2d_backprop_filter.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Repeats each channel `times` times: [n, c, h, w] → [n, c·times, h, w]. */
function repeatChannels(emit: Emit, x: Value, times: number): Value {
  if (times === 1) return x;
  const [n, c, h, w] = x.shape;
  const expanded = emit.node("Expand", [
    reshaped(emit, x, [n, c, 1, h, w]),
    emit.constant("int64", [5], [n, c, times, h, w]),
  ]);
  return reshaped(emit, expanded, [n, c * times, h, w]);
}

/**
 * Gradient of a depthwise convolution by its filter.
 *
 * Every (image, channel) is a convolution of x's plane with dy's plane as the kernel, dilated by the stride: one Conv
 * with n·in·mult groups, then a sum over the batch.
 *
 * Shapes: x [n, h, w, in], dy [n, h', w', in·mult] → [kh, kw, in, mult].
 */
export const depthwiseConv2dNativeBackpropFilter = defineOp<
  DepthwiseConv2dNativeBackpropFilterInputs,
  ConvAttrs & { readonly filterShape: [number, number, number, number] }
>({
  kernel: "DepthwiseConv2dNativeBackpropFilter",
  lower: (emit, { x, dy }, attrs) => {
    const g = convGeometry(x.shape, attrs.filterShape, { ...attrs, depthwise: true });
    const [kh, kw, inChannels, multiplier] = attrs.filterShape;
    const groups = x.shape[0] * inChannels * multiplier;
    const planes = reshaped(emit, repeatChannels(emit, toChannelsFirst(emit, x), multiplier), [
      1,
      groups,
      g.inHeight,
      g.inWidth,
    ]);
    const kernels = reshaped(emit, toChannelsFirst(emit, dy), [groups, 1, g.outHeight, g.outWidth]);
    const { ends, pads } = reachOf(g);
    const products = emit.node("Conv", [cropped(emit, planes, ends), kernels], {
      kernel_shape: [g.outHeight, g.outWidth],
      dilations: [g.strideHeight, g.strideWidth],
      strides: [g.dilationHeight, g.dilationWidth],
      pads,
      group: groups,
    });
    const perImage = reshaped(emit, products, [x.shape[0], inChannels, multiplier, kh, kw]);
    return emit.node("Transpose", [reduceSum(emit, perImage, { axes: [0] })], { perm: [2, 3, 0, 1] });
  },
});
