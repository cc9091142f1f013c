import type { Conv2DBackpropFilterInputs } from "@tensorflow/tfjs-core";
import { type ConvAttrs, convAttrs, convGeometry, type Geometry } from "./_conv_geometry.ts";
import { reduceSum, reshape, toChannelsFirst } from "./_layout.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * Gathers each output position's patch: [n, c, h, w] → [n, c·kh·kw, h'·w'].
 *
 * A depthwise convolution with one-hot kernels does it at memory speed, pads and strides included.
 */
function patches(emit: Emit, x: Value, geometry: Geometry): Value {
  const [n, channels] = x.shape;
  const taps = geometry.filterHeight * geometry.filterWidth;
  const positions = geometry.outHeight * geometry.outWidth;
  const isPointwise = taps === 1 && geometry.strideHeight === 1 && geometry.strideWidth === 1 &&
    geometry.padInfo.type === "VALID";
  if (isPointwise) return reshape(emit, x, [n, channels, positions]);
  const oneHot = new Float32Array(channels * taps * taps);
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) oneHot[(c * taps + tap) * taps + tap] = 1;
  }
  const kernel = emit.constant(
    "float32",
    [channels * taps, 1, geometry.filterHeight, geometry.filterWidth],
    oneHot,
  );
  const columns = emit.node("Conv", [x, kernel], convAttrs(geometry, channels));
  return reshape(emit, columns, [n, channels * taps, positions]);
}

/**
 * Gradient of a 2-D convolution by its filter: dy · patches(x)ᵀ, summed over the batch.
 *
 * Shapes: x [n, h, w, in], dy [n, h', w', out] → [kh, kw, in, out].
 */
export const conv2dBackpropFilter = defineOp<
  Conv2DBackpropFilterInputs,
  ConvAttrs & { readonly filterShape: [number, number, number, number] }
>({
  kernel: "Conv2DBackpropFilter",
  lower: (emit, { x, dy }, attrs) => {
    const geometry = convGeometry(x.shape, attrs.filterShape, attrs);
    const [kh, kw, inChannels, outChannels] = attrs.filterShape;
    const isFirst = attrs.dataFormat === "NCHW";
    const xFirst = isFirst ? x : toChannelsFirst(emit, x);
    const dyFirst = isFirst ? dy : toChannelsFirst(emit, dy);
    const columns = patches(emit, xFirst, geometry);
    const rows = reshape(emit, dyFirst, [dyFirst.shape[0], outChannels, geometry.outHeight * geometry.outWidth]);
    const products = emit.node("FusedMatMul", [rows, columns], { transB: 1 });
    const sum = reshape(emit, reduceSum(emit, products, { axes: [0] }), [outChannels, inChannels, kh, kw]);
    return emit.node("Transpose", [sum], { perm: [2, 3, 1, 0] });
  },
});
