import type { DepthwiseConv2dNativeBackpropInputInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convGeometry, emitTransposed, flippedAttrs, isFlippable } from "./_conv_geometry.ts";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { flip } from "./conv2d_backprop_input.ts";
import { depthwiseFilterToOnnx } from "./depthwise_conv2d_native.ts";
import { defineOp } from "./op.ts";

/**
 * Gradient of a depthwise convolution by its input.
 *
 * Shapes: dy [n, h', w', in·mult], filter [kh, kw, in, mult] → [n, h, w, in].
 */
export const depthwiseConv2dNativeBackpropInput = defineOp<
  DepthwiseConv2dNativeBackpropInputInputs,
  ConvAttrs & { readonly inputShape: [number, number, number, number] }
>({
  kernel: "DepthwiseConv2dNativeBackpropInput",
  lower: (emit, { dy, filter }, attrs) => {
    const geometry = convGeometry(attrs.inputShape, filter.shape, { ...attrs, depthwise: true });
    const [, , inChannels, multiplier] = filter.shape;
    const dyFirst = toChannelsFirst(emit, dy);
    const dx = isFlippable(geometry) && multiplier === 1
      ? emit.node(
        "Conv",
        [dyFirst, depthwiseFilterToOnnx(emit, flip(emit, filter))],
        flippedAttrs(geometry, inChannels),
      )
      : emitTransposed(emit, { dy: dyFirst, filter: depthwiseFilterToOnnx(emit, filter), group: inChannels }, geometry);
    return toChannelsLast(emit, dx);
  },
});
