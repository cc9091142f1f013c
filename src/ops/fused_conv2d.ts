import type { FusedConv2DInputs } from "@tensorflow/tfjs-core";
import { activate, type FusedActivation } from "./_activation.ts";
import { type ConvAttrs, convGeometry } from "./_conv_geometry.ts";
import { reshaped } from "./_emit.ts";
import { inChannelsFirst } from "./_layout.ts";
import { emitConv } from "./conv2d.ts";
import { defineOp, type Emit, Unsupported, type Value } from "./op.ts";

/** A fused kernel's bias as a vector of `channels`, in which form Conv takes it. */
export function biasVector(emit: Emit, bias: Value | undefined, channels: number): Value | undefined {
  if (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === channels)) return bias;
  if (bias.shape.reduce((a, b) => a * b, 1) === channels) return reshaped(emit, bias, [channels]);
  throw new Unsupported(`Cannot fuse a bias of shape [${bias.shape}] into a convolution with ${channels} outputs`);
}

/** 2-D convolution, bias and activation. Shapes: x [n, h, w, in], filter [kh, kw, in, out] → [n, h', w', out]. */
export const fusedConv2d = defineOp<FusedConv2DInputs, ConvAttrs & FusedActivation>({
  kernel: "FusedConv2D",
  lower: (emit, { x, filter, bias, preluActivationWeights }, attrs) => {
    const geometry = convGeometry(x.shape, filter.shape, attrs);
    const { dataFormat = "NHWC" } = attrs;
    if (dataFormat !== "NHWC" && preluActivationWeights) {
      throw new Unsupported("Cannot fuse PReLU into a channels-first convolution: its slopes are channels-last");
    }
    const vector = biasVector(emit, bias, geometry.outChannels);
    const y = inChannelsFirst(emit, { x, dataFormat }, (x) => emitConv(emit, { x, filter, bias: vector }, geometry));
    return activate(emit, y, { ...attrs, preluActivationWeights });
  },
});
