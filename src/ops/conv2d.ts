import type { Conv2DInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convAttrs, convGeometry, endsOf, type Geometry } from "./_conv_geometry.ts";
import { cropped, inChannelsFirst } from "./_layout.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** [kh, kw, in, out] → [out, in, kh, kw]. */
export function filterToOnnx(emit: Emit, filter: Value): Value {
  return emit.node("Transpose", [filter], { perm: [3, 2, 0, 1] });
}

/** Emits the convolution of a channels-first `x`, in `group` groups of channels. */
export function emitConv(
  emit: Emit,
  inputs: {
    readonly x: Value;
    readonly filter: Value;
    readonly bias?: Value | undefined;
    readonly group?: number;
  },
  geometry: Geometry,
): Value {
  const operands = [cropped(emit, inputs.x, endsOf(geometry)), filterToOnnx(emit, inputs.filter)];
  if (inputs.bias !== undefined) operands.push(inputs.bias);
  return emit.node("Conv", operands, convAttrs(geometry, inputs.group));
}

/** 2-D convolution. Shapes: x [n, h, w, in], filter [kh, kw, in, out] → [n, h', w', out]. */
export const conv2d = defineOp<Conv2DInputs, ConvAttrs>({
  kernel: "Conv2D",
  lower: (emit, { x, filter }, attrs) => {
    const geometry = convGeometry(x.shape, filter.shape, attrs);
    const { dataFormat = "NHWC" } = attrs;
    return inChannelsFirst(emit, { x, dataFormat }, (x) => emitConv(emit, { x, filter }, geometry));
  },
});
