/**
 * The table of layer types: how each is quantized. Read by `quantize/prepare.ts` and by the docs.
 *
 * Which ops have int8 kernels in ONNX Runtime 1.30 was measured; see docs/quantization.md, section 7.
 */
import { activationRule } from "./activations.ts";
import { operationRule } from "./operations.ts";
import {
  float,
  type LayerDescription,
  type LayerRow,
  type LayerRule,
  noExport,
  noKernel,
  passthrough,
  relu,
  rescale,
  sameScale,
  split,
  unitInterval,
  weighted,
} from "./layer_rule.ts";

export { codedWeights, LAYER_KINDS } from "./layer_rule.ts";
export type { LayerDescription, LayerKind, LayerRow, LayerRule } from "./layer_rule.ts";

/** The layer classes of TF.js 4.22 that a model can hold, and ours. Models are flattened before. */
export type LayerClass =
  | "Activation"
  | "Add"
  | "AlphaDropout"
  | "Attention"
  | "AttentionContext"
  | "AttentionScores"
  | "AttentionWeights"
  | "Average"
  | "AveragePooling1D"
  | "AveragePooling2D"
  | "AveragePooling3D"
  | "BatchNormalization"
  | "Bidirectional"
  | "CategoryEncoding"
  | "ChannelShuffle"
  | "ChannelSplit"
  | "CenterCrop"
  | "Concatenate"
  | "Conv1D"
  | "Conv2D"
  | "Conv2DTranspose"
  | "Conv3D"
  | "Conv3DTranspose"
  | "ConvLSTM2D"
  | "ConvLSTM2DCell"
  | "Cropping2D"
  | "Dense"
  | "DepthwiseConv2D"
  | "Dot"
  | "Dropout"
  | "ELU"
  | "Embedding"
  | "Flatten"
  | "GRU"
  | "GRUCell"
  | "GaussianDropout"
  | "GaussianNoise"
  | "GlobalAveragePooling1D"
  | "GlobalAveragePooling2D"
  | "GlobalMaxPooling1D"
  | "GlobalMaxPooling2D"
  | "GroupConv2D"
  | "InputLayer"
  | "LSTM"
  | "LSTMCell"
  | "LayerNormalization"
  | "LeakyReLU"
  | "Masking"
  | "MaxPooling1D"
  | "MaxPooling2D"
  | "MaxPooling3D"
  | "Maximum"
  | "Minimum"
  | "Multiply"
  | "Operation"
  | "PReLU"
  | "PaddingMask"
  | "Permute"
  | "PositionEmbedding"
  | "RNN"
  | "RandomWidth"
  | "ReLU"
  | "RepeatVector"
  | "Rescaling"
  | "ResetAfterGRUCell"
  | "Reshape"
  | "Resizing"
  | "SeparableConv2D"
  | "SimpleRNN"
  | "SimpleRNNCell"
  | "Softmax"
  | "SpatialDropout1D"
  | "StackedRNNCells"
  | "ThresholdedReLU"
  | "TimeDistributed"
  | "TokenAt"
  | "UpSampling2D"
  | "ZeroPadding2D";

const INDICES = "its input is indices, not numbers on a grid";

/** Rules by layer class. */
export const LAYER_ROWS: Readonly<Record<LayerClass, LayerRow>> = {
  Activation: (config) => activationRule(config.activation),
  Add: rescale,
  AlphaDropout: passthrough,
  Attention: split("AttentionScores, Softmax and AttentionContext", "its two products are one layer"),
  AttentionContext: rescale,
  AttentionScores: rescale,
  AttentionWeights: {
    ...float("scores of padding are far below all others, which no grid holds beside them"),
    interval: "unit",
  },
  Average: noKernel("Average, a sum and a division"),
  AveragePooling1D: rescale,
  AveragePooling2D: rescale,
  AveragePooling3D: noExport("pooling over three dimensions"),
  BatchNormalization: {
    kind: "batch-norm",
    because: "it normalizes another axis than the last",
  },
  Bidirectional: noKernel("recurrent layers"),
  CategoryEncoding: noExport("category encoding"),
  ChannelShuffle: sameScale,
  ChannelSplit: sameScale,
  CenterCrop: noExport("CenterCrop, which may resize,"),
  Concatenate: rescale,
  Conv1D: weighted({ name: "kernel", axis: 2 }),
  Conv2D: weighted({ name: "kernel", axis: 3 }),
  Conv2DTranspose: noKernel("ConvTranspose"),
  Conv3D: noExport("convolution over three dimensions"),
  Conv3DTranspose: noExport("transposed convolution over three dimensions"),
  ConvLSTM2D: noKernel("recurrent layers"),
  ConvLSTM2DCell: noKernel("recurrent layers"),
  Cropping2D: sameScale,
  Dense: weighted({ name: "kernel", axis: 1 }),
  DepthwiseConv2D: weighted({ name: "depthwise_kernel", axis: 3, depthwise: true }),
  Dot: noKernel("a product of two activations as TF.js's Dot computes it"),
  Dropout: passthrough,
  ELU: noKernel("Elu"),
  Embedding: { ...float(INDICES), weights: [{ name: "embeddings", axis: 1 }] },
  Flatten: sameScale,
  GRU: noKernel("recurrent layers"),
  GRUCell: noKernel("recurrent layers"),
  GaussianDropout: passthrough,
  GaussianNoise: passthrough,
  GlobalAveragePooling1D: rescale,
  GlobalAveragePooling2D: rescale,
  GlobalMaxPooling1D: sameScale,
  GlobalMaxPooling2D: sameScale,
  GroupConv2D: weighted({ name: "kernel", axis: 3 }),
  InputLayer: passthrough,
  LSTM: noKernel("recurrent layers"),
  LSTMCell: noKernel("recurrent layers"),
  LayerNormalization: noKernel("LayerNormalization"),
  LeakyReLU: rescale,
  Masking: noKernel("Masking"),
  MaxPooling1D: sameScale,
  MaxPooling2D: sameScale,
  MaxPooling3D: noExport("pooling over three dimensions"),
  Maximum: noKernel("Max"),
  Minimum: noKernel("Min"),
  Multiply: rescale,
  Operation: (config) => operationRule(config),
  PReLU: noKernel("PRelu"),
  PaddingMask: float(INDICES),
  Permute: sameScale,
  PositionEmbedding: float("it adds to what an embedding gives, before that is put on a grid"),
  RNN: noKernel("recurrent layers"),
  RandomWidth: float("TF.js 4.22 cannot run it within a model"),
  ReLU: relu,
  RepeatVector: sameScale,
  Rescaling: float("it brings the input into the range that the model expects, before that is put on a grid"),
  ResetAfterGRUCell: noKernel("recurrent layers"),
  Reshape: sameScale,
  Resizing: float("TF.js 4.22 cannot run it within a model"),
  SeparableConv2D: split(
    "DepthwiseConv2D and Conv2D",
    "its two kernels are one TF.js op that no int8 kernel computes",
  ),
  SimpleRNN: noKernel("recurrent layers"),
  SimpleRNNCell: noKernel("recurrent layers"),
  Softmax: unitInterval,
  SpatialDropout1D: passthrough,
  StackedRNNCells: noKernel("recurrent layers"),
  ThresholdedReLU: noKernel("ThresholdedRelu"),
  TimeDistributed: noKernel("layers applied step by step"),
  TokenAt: sameScale,
  UpSampling2D: (config) => resize(config.interpolation),
  ZeroPadding2D: sameScale,
};

/**
 * Returns how a layer is quantized. A class that the table does not know stays in float.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ruleOf } from "./mod.ts";
 *
 * assert.equal(ruleOf({ className: "Add", config: {} }).kind, "rescale");
 * assert.deepEqual(ruleOf({ className: "Conv2D", config: {} }), { kind: "weighted", weights: [{ name: "kernel", axis: 3 }] });
 * ```
 */
export function ruleOf({ className, config }: LayerDescription): LayerRule {
  if (!isLayerClass(className)) return noKernel(`"${className}", a layer of an unknown class`);
  const row = LAYER_ROWS[className];
  return typeof row === "function" ? row(config) : row;
}

function isLayerClass(className: string): className is LayerClass {
  return Object.hasOwn(LAYER_ROWS, className);
}

function resize(interpolation: unknown): LayerRule {
  // A linear Resize stays in float in ONNX Runtime 1.30 (microsoft/onnxruntime#21319).
  return interpolation === "nearest" || interpolation === undefined ? sameScale : noKernel("Resize by interpolation");
}
