/**
 * Quantization: numbers, observers, TF.js kernels and TF.js layers, on any backend of TF.js.
 *
 * @example Rounding to a grid, with a gradient that comes straight through
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { computeQParams, fakeQuantize, PER_TENSOR, registerQuantKernels, UINT8_AFFINE } from "./mod.ts";
 *
 * registerQuantKernels();
 * await tf.setBackend("cpu");
 * const params = computeQParams({ min: -1, max: 1.55 }, UINT8_AFFINE); // steps of 0.01
 * const grid = { ...params, qmin: 0, qmax: 255, granularity: PER_TENSOR };
 * const round = (x: tf.Tensor) => fakeQuantize(x, grid);
 * const x = tf.tensor1d([-7, 0.994, 1.006]);
 * assert.deepEqual([...round(x).dataSync()].map((y) => y.toFixed(2)), ["-1.00", "0.99", "1.01"]);
 * assert.deepEqual([...tf.grad(round)(x).dataSync()], [0, 1, 1]); // -7 lies outside the grid
 * ```
 *
 * @module
 */
export * from "../numbers/codes.ts";
export * from "../numbers/scheme.ts";
export * from "../numbers/qparams.ts";
export * from "../numbers/quantize.ts";
export * from "./observers/mod.ts";
export type * from "./kernel_types.ts";
export { FAKE_QUANTIZE, FAKE_QUANTIZE_GRAD, fakeQuantize } from "./fake_quantize.ts";
export {
  BATCH_NORM_TRAINING,
  BATCH_NORM_TRAINING_GRAD,
  batchNormTraining,
  type BatchNormTrainingOptions,
  type BatchNormTrainingResult,
} from "./batch_norm_training.ts";
export { registerQuantKernels } from "./kernels.ts";
export { FakeQuantize, type FakeQuantizeArgs } from "./layers/fake_quantize_layer.ts";
export type { QuantizedWeight } from "./layers/weight_channels.ts";
export { QuantizedWeights, type QuantizedWeightsArgs } from "./layers/quantized_weights.ts";
export {
  FreezableBatchNormalization,
  type FreezableBatchNormalizationArgs,
  fromBatchNormalization,
  type SerializedLayer,
} from "./layers/freezable_batch_normalization.ts";
export { type Alone, CALL_AT, type Callable, SharedCall, type SharedCallArgs } from "./layers/shared_call.ts";
export {
  type BiasFolding,
  isQuantizedClass,
  layersIn,
  type NamedGrid,
  NonFiniteError,
  outputGridOf,
  type QatPhase,
  QUANTIZED,
  type QuantizedLayer,
  quantizedLayer,
  QuantizedLayerError,
  quantizedLayersIn,
  setQatPhase,
} from "./layers/quantized_layer.ts";
export type { CallArgs, Layer, LayerArgs, Shapes } from "./layers/layer.ts";
export { registerQuantLayers } from "./layers/register.ts";
