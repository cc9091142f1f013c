import type { DepthwiseConv2dNativeInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convAttrs, convGeometry, endsOf, type Geometry } from "./_conv_geometry.ts";
import { reshaped } from "./_emit.ts";
import { cropped, inChannelsFirst } from "./_layout.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** [kh, kw, in, multiplier] → [in·multiplier, 1, kh, kw], a grouped convolution's filter. */
export function depthwiseFilterToOnnx(emit: Emit, filter: Value): Value {
  const [kh, kw, inChannels, multiplier] = filter.shape;
  const moved = emit.node("Transpose", [filter], { perm: [2, 3, 0, 1] });
  return reshaped(emit, moved, [inChannels * multiplier, 1, kh, kw]);
}

/** Emits the depthwise convolution of a channels-first `x`. */
export function emitDepthwise(
  emit: Emit,
  inputs: { readonly x: Value; readonly filter: Value; readonly bias?: Value | undefined },
  geometry: Geometry,
): Value {
  const operands = [cropped(emit, inputs.x, endsOf(geometry)), depthwiseFilterToOnnx(emit, inputs.filter)];
  if (inputs.bias !== undefined) operands.push(inputs.bias);
  return emit.node("Conv", operands, convAttrs(geometry, inputs.filter.shape[2]));
}

/** Depthwise convolution. Shapes: x [n, h, w, in], filter [kh, kw, in, mult] → [n, h', w', in·mult]. */
export const depthwiseConv2dNative = defineOp<DepthwiseConv2dNativeInputs, ConvAttrs>({
  kernel: "DepthwiseConv2dNative",
  lower: (emit, { x, filter }, attrs) => {
    const geometry = convGeometry(x.shape, filter.shape, { ...attrs, depthwise: true });
    const { dataFormat = "NHWC" } = attrs;
    return inChannelsFirst(emit, { x, dataFormat }, (x) => emitDepthwise(emit, { x, filter }, geometry));
  },
});
