import type { FusedDepthwiseConv2DInputs } from "@tensorflow/tfjs-core";
import { activate, type FusedActivation } from "./_activation.ts";
import { type ConvAttrs, convGeometry } from "./_conv_geometry.ts";
import { inChannelsFirst } from "./_layout.ts";
import { emitDepthwise } from "./depthwise_conv2d_native.ts";
import { biasVector } from "./fused_conv2d.ts";
import { defineOp } from "./op.ts";

/** Depthwise convolution, bias and activation. Shapes: x [n, h, w, in], filter [kh, kw, in, mult] → [n, h', w', in·mult]. */
export const fusedDepthwiseConv2d = defineOp<FusedDepthwiseConv2DInputs, ConvAttrs & FusedActivation>({
  kernel: "FusedDepthwiseConv2D",
  lower: (emit, { x, filter, bias, preluActivationWeights }, attrs) => {
    const geometry = convGeometry(x.shape, filter.shape, { ...attrs, depthwise: true });
    const { dataFormat = "NHWC" } = attrs;
    const vector = biasVector(emit, bias, geometry.outChannels);
    const y = inChannelsFirst(
      emit,
      { x, dataFormat },
      (x) => emitDepthwise(emit, { x, filter, bias: vector }, geometry),
    );
    return activate(emit, y, { ...attrs, preluActivationWeights });
  },
});
