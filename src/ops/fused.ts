/** Convolutions and matrix products with bias and activation. */
import type { _FusedMatMulInputs, FusedConv2DInputs, FusedDepthwiseConv2DInputs } from "@tensorflow/tfjs-core";
import { activate, type FusedActivation } from "./_activation.ts";
import { type ConvAttrs, convGeometry } from "./_conv_geometry.ts";
import { reshaped } from "./_emit.ts";
import { inChannelsFirst } from "./_layout.ts";
import { emitMatMul } from "./batch_mat_mul.ts";
import { emitConv } from "./conv2d.ts";
import { emitDepthwise } from "./depthwise_conv2d_native.ts";
import { defineOp, type Emit, Unsupported, type Value } from "./op.ts";

/** A fused kernel's bias as a vector of `channels`, in which form Conv takes it. */
function biasVector(emit: Emit, bias: Value | undefined, channels: number): Value | undefined {
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

/** Matrix product, bias and activation. Shapes: a […, m, k], b […, k, n], bias broadcast → […, m, n]. */
export const fusedMatMul = defineOp<
  _FusedMatMulInputs,
  FusedActivation & { readonly transposeA?: boolean; readonly transposeB?: boolean }
>({
  kernel: "_FusedMatMul",
  lower: (emit, { a, b, bias, preluActivationWeights }, attrs) => {
    const product = emitMatMul(emit, { a, b }, attrs);
    const sum = bias === undefined ? product : addBias(emit, product, bias);
    return activate(emit, sum, { ...attrs, preluActivationWeights });
  },
});

/** Adds a bias vector to a matrix before it becomes a batch of one, so that both are seen as one Gemm. */
function addBias(emit: Emit, product: Value, bias: Value): Value {
  const [rows, columns] = product.shape.slice(-2);
  const isVector = bias.shape.reduce((a, b) => a * b, 1) === columns && bias.shape.at(-1) === columns;
  const isMatrix = product.shape.reduce((a, b) => a * b, 1) === rows * columns;
  if (!isVector || !isMatrix) return emit.node("Add", [product, bias]);
  const sum = emit.node("Add", [reshaped(emit, product, [rows, columns]), reshaped(emit, bias, [columns])]);
  return reshaped(emit, sum, product.shape);
}
