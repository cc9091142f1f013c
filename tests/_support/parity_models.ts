/** Small models in which every rule of quantization meets, with weights as training leaves them and worse. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, randomArray } from "./small_models.ts";

const { layers } = tfl;
const IMAGE = [16, 16, 3];

/** Models without batch normalization: there the file computes what the simulation computes, in the same order. */
export const PLAIN_MODELS: Readonly<Record<string, () => tfl.LayersModel>> = {
  convolutions: () =>
    chain(
      layers.conv2d({ filters: 16, kernelSize: 3, activation: "relu" }),
      layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, padding: "same" }),
    ),
  "depthwise convolutions": () =>
    chain(
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 4, activation: "relu" }),
      layers.depthwiseConv2d({ kernelSize: 3, strides: 2 }),
    ),
  "a separable convolution": () =>
    chain(
      layers.separableConv2d({ filters: 16, kernelSize: 3, activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.zeroPadding2d({ padding: 1 }),
      layers.conv2d({ filters: 8, kernelSize: 3, activation: "sigmoid" }),
    ),
  "dense layers": () =>
    chain(
      layers.flatten(),
      layers.dense({ units: 64, activation: "relu" }),
      layers.dense({ units: 10, activation: "softmax" }),
    ),
  "one-dimensional convolutions": () =>
    chain(
      layers.reshape({ targetShape: [16, 48] }),
      layers.conv1d({ filters: 16, kernelSize: 3, activation: "relu" }),
      layers.dense({ units: 8 }),
      layers.globalAveragePooling1d({}),
    ),
  "float islands": () =>
    chain(
      layers.conv2d({ filters: 8, kernelSize: 3, activation: "tanh" }),
      layers.conv2d({ filters: 8, kernelSize: 3, activation: "elu" }),
      layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" }),
      layers.conv2d({ filters: 8, kernelSize: 3 }),
    ),
};

/** Models with batch normalization, which the file folds: there sums are rounded in another order. */
export const FOLDED_MODELS: Readonly<Record<string, () => tfl.LayersModel>> = {
  "convolutions and batch normalization": () =>
    chain(
      layers.conv2d({ filters: 32, kernelSize: 3 }),
      layers.batchNormalization(),
      layers.reLU(),
      layers.conv2d({ filters: 32, kernelSize: 3, useBias: false }),
      layers.batchNormalization(),
      layers.reLU({ maxValue: 6 }),
    ),
  "depthwise convolutions and batch normalization": () =>
    chain(
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 4 }),
      layers.batchNormalization({ scale: false }),
      layers.reLU({ maxValue: 6 }),
      layers.conv2d({ filters: 32, kernelSize: 1 }),
      layers.batchNormalization({ center: false }),
      layers.reLU(),
    ),
  "dense layers and batch normalization": () =>
    chain(layers.flatten(), layers.dense({ units: 64 }), layers.batchNormalization(), layers.dense({ units: 10 })),
  "skips and pools": skips,
};

function skips(): tfl.LayersModel {
  const image = tfl.input({ shape: IMAGE });
  const conv = (x: tfl.SymbolicTensor) =>
    apply(layers.batchNormalization(), apply(layers.conv2d({ filters: 16, kernelSize: 3, padding: "same" }), x));
  const first = apply(layers.reLU(), conv(image));
  const sum = apply(layers.reLU(), apply(layers.add(), first, conv(first)));
  const both = apply(layers.concatenate(), sum, first);
  const product = apply(
    layers.multiply(),
    apply(layers.averagePooling2d({ poolSize: 2 }), both),
    apply(layers.maxPooling2d({ poolSize: 2 }), both),
  );
  const pooled = apply(layers.globalAveragePooling2d({}), product);
  return tfl.model({ inputs: image, outputs: apply(layers.dense({ units: 10, activation: "softmax" }), pooled) });
}

function chain(...parts: tfl.layers.Layer[]): tfl.LayersModel {
  return tfl.sequential({ layers: [layers.inputLayer({ inputShape: IMAGE }), ...parts] });
}

/** Pictures for these models: seeded, in [-1, 1). */
export function pictures(count: number, seed = 5): tf.Tensor {
  return tf.tensor(randomArray(count * 16 * 16 * 3, seed), [count, ...IMAGE]);
}

/** What the weights are like. */
export type Weights = "usual" | "worst";

/**
 * Gives `model` seeded weights: kernels that keep activations of the order of 1, biases and offsets in [-1, 1), factors
 * of both signs. "worst" adds dead and dying channels: factors 0, 1e-9, 1e-20 and 1e-42, kernels 0 and 1e-9, variances
 * near 0.
 */
export function fill<M extends tfl.LayersModel>(model: M, weights: Weights, seed = 100): M {
  const values = model.weights.map((variable, i) => {
    const shape = variable.shape.map((dim) => dim ?? 1);
    const values = randomArray(shape.reduce((a, b) => a * b, 1), seed + i);
    const spread = spreadOf(variable.originalName, shape);
    const channels = shape[shape.length - 1];
    return tf.tensor(values.map((value, at) => spread(value, weights === "worst" ? at % channels : undefined)), shape);
  });
  model.setWeights(values);
  tf.dispose(values);
  return model;
}

/** Turns a number in [-1, 1) into a weight; `channel` is told where some of them are to be extreme. */
type Spread = (value: number, channel?: number) => number;

function spreadOf(name: string, shape: readonly number[]): Spread {
  if (name.includes("variance")) {
    return (value, channel) =>
      channel !== undefined && channel % 4 === 1 ? 1e-6 * Math.abs(value) : value ** 2 * 3 + 0.05;
  }
  if (name.includes("gamma")) {
    const factors = new Map([[0, 0], [3, 1e-9], [5, 1e-20], [6, 1e-42]]);
    return (value, channel) => value * (channel === undefined ? 1 : factors.get(channel % 8) ?? 1);
  }
  if (!name.includes("kernel")) return (value) => value;
  const inputs = name.includes("depthwise") ? shape[0] * shape[1] : shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const factors = new Map([[2, 1e-9], [7, 0]]);
  return (value, channel) => value * 1.7 / Math.sqrt(inputs) * (factors.get(channel ?? -1) ?? 1);
}
