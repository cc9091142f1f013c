/** Quantization: numbers, observers, TF.js kernels and TF.js layers. */
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
export { type QuantizedWeight, QuantizedWeights, type QuantizedWeightsArgs } from "./layers/quantized_weights.ts";
export {
  FreezableBatchNormalization,
  type FreezableBatchNormalizationArgs,
  fromBatchNormalization,
  type SerializedLayer,
} from "./layers/freezable_batch_normalization.ts";
export { CALL_AT, type Callable, calledLayer, SharedCall, type SharedCallArgs } from "./layers/shared_call.ts";
export type { CallArgs, Layer, LayerArgs, Shapes } from "./layers/layer.ts";
export { registerQuantLayers } from "./layers/register.ts";
