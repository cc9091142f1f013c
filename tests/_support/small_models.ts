/** Small hand-made models with seeded weights: one of each shape that rewriting and preparing must cope with. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

const { layers } = tfl;

/** Uniform numbers in [-1, 1), the same for the same seed (mulberry32). */
export function randomArray(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** A tensor of seeded random numbers in [-1, 1). */
export function randomTensor(shape: readonly number[], seed = 1): tf.Tensor {
  return tf.tensor(randomArray(shape.reduce((a, b) => a * b, 1), seed), [...shape]);
}

/** Gives every weight of `model` seeded random values, variances positive ones, and returns `model`. */
export function seedWeights<M extends tfl.LayersModel>(model: M, seed = 7): M {
  const values = model.weights.map((variable, i) => {
    const value = randomTensor(variable.shape.map((dim) => dim ?? 1), seed + i);
    return variable.originalName.includes("variance") ? tf.tidy(() => tf.add(tf.abs(value), 0.5)) : value;
  });
  model.setWeights(values);
  tf.dispose(values);
  return model;
}

/** Input for `model`: seeded, batch of 2. */
export function inputFor(model: tfl.LayersModel, seed = 3): tf.Tensor[] {
  return model.inputs.map((input, i) => randomTensor(input.shape.map((dim) => dim ?? 2), seed + i));
}

/** The outputs of `model` as plain arrays. */
export function predict(model: tfl.LayersModel, inputs: readonly tf.Tensor[]): Float32Array[] {
  return tf.tidy(() => {
    const output = model.predict(inputs.length === 1 ? inputs[0] : [...inputs]);
    return (Array.isArray(output) ? output : [output]).map((tensor) => Float32Array.from(tensor.dataSync()));
  });
}

/** Sequential: fused activations, BN, pooling, dropout, softmax. */
export function sequentialModel(): tfl.Sequential {
  return seedWeights(tfl.sequential({
    name: "seq",
    layers: [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        inputShape: [8, 8, 3],
        name: "conv1",
      }),
      layers.batchNormalization({ name: "bn1" }),
      layers.activation({ activation: "relu6", name: "act1" }),
      layers.maxPooling2d({ poolSize: 2, name: "pool1" }),
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: "relu", name: "dw" }),
      layers.flatten({ name: "flat" }),
      layers.dropout({ rate: 0.5, name: "drop" }),
      layers.dense({ units: 5, activation: "softmax", name: "fc" }),
    ],
  }));
}

/** Functional: skip connection, Concatenate, ZeroPadding, upsampling, two outputs. */
export function skipModel(): tfl.LayersModel {
  const input = tfl.input({ shape: [8, 8, 3], name: "image" });
  const conv = (name: string, filters: number) => layers.conv2d({ filters, kernelSize: 3, padding: "same", name });
  const a = apply(layers.reLU({ name: "relu_a" }), apply(conv("conv_a", 4), input));
  const b = apply(conv("conv_b", 4), a);
  const sum = apply(layers.reLU({ name: "relu_sum" }), apply(layers.add({ name: "sum" }), a, b));
  const small = apply(layers.averagePooling2d({ poolSize: 2, name: "avg" }), sum);
  const up = apply(layers.upSampling2d({ size: [2, 2], name: "up" }), small);
  const cat = apply(layers.concatenate({ name: "cat" }), up, a);
  const padded = apply(layers.zeroPadding2d({ padding: 1, name: "pad" }), cat);
  const map = apply(layers.conv2d({ filters: 2, kernelSize: 3, name: "conv_map" }), padded);
  const pooled = apply(layers.globalAveragePooling2d({ name: "gap" }), map);
  const score = apply(layers.dense({ units: 1, activation: "sigmoid", name: "score" }), pooled);
  return seedWeights(tfl.model({ inputs: input, outputs: [score, map], name: "skip" }));
}

/** A Sequential within a functional model within a Sequential, with layer names that clash. */
export function nestedModel(): tfl.LayersModel {
  const block = tfl.sequential({
    name: "block",
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 1, inputShape: [4, 4, 3], name: "conv" }),
      layers.batchNormalization({ name: "bn" }),
      layers.leakyReLU({ alpha: 0.1, name: "leaky" }),
    ],
  });
  const input = tfl.input({ shape: [4, 4, 3], name: "inner_image" });
  const first = apply(layers.conv2d({ filters: 3, kernelSize: 1, name: "conv" }), input);
  const body = tfl.model({
    inputs: input,
    outputs: apply(layers.add({ name: "sum" }), first, apply(block, first)),
    name: "body",
  });
  return seedWeights(tfl.sequential({
    name: "outer",
    layers: [body, layers.flatten({ name: "flat" }), layers.dense({ units: 2, name: "conv_fc" })],
  }));
}

/** Every layer kind that stays in float between layers that do not. */
export function islandModel(): tfl.LayersModel {
  const input = tfl.input({ shape: [6, 6, 3], name: "image" });
  const conv1 = apply(layers.conv2d({ filters: 4, kernelSize: 1, name: "conv1" }), input);
  const selu = apply(layers.activation({ activation: "selu", name: "selu" }), conv1);
  const norm = apply(layers.batchNormalization({ name: "lone_bn" }), selu);
  const conv2 = apply(layers.conv2d({ filters: 4, kernelSize: 1, name: "conv2" }), norm);
  const elu = apply(layers.elu({ name: "elu" }), conv2);
  return seedWeights(
    tfl.model({ inputs: input, outputs: apply(layers.flatten({ name: "flat" }), elu), name: "islands" }),
  );
}

/** Applies `layer` to symbolic tensors. */
export function apply(layer: tfl.layers.Layer, ...inputs: readonly tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  const output = layer.apply(inputs.length === 1 ? inputs[0] : [...inputs]);
  if (output instanceof tfl.SymbolicTensor) return output;
  throw new TypeError(`Cannot use layer "${layer.name}": it has several outputs`);
}
