/** Training with TF.js's layers and optimizers on ONNX Runtime and on the cpu backend. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertAgree, onBothBackends } from "./_support/backends.ts";
import { randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

interface Net {
  readonly make: () => readonly tfl.layers.Layer[];
  readonly x: () => tf.Tensor;
  readonly y: () => tf.Tensor;
  readonly loss: string;
}

const classes = () => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], "int32"), 3);
const tokens = () => tf.tensor2d(Array.from({ length: 56 }, (_, i) => (i * 7) % 20), [8, 7], "int32");
const series = () => randomTensor([8, 7, 4], 1);
const targets = () => randomTensor([8, 1], 2);

const NETS: Readonly<Record<string, Net>> = {
  mlp: {
    make: () => [
      layers.dense({ units: 16, activation: "relu", inputShape: [10], kernelRegularizer: "l1l2" }),
      layers.dense({ units: 12, activation: "elu" }),
      layers.dropout({ rate: 0.2, seed: 3 }),
      layers.layerNormalization(),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    x: () => randomTensor([8, 10], 1),
    y: classes,
    loss: "categoricalCrossentropy",
  },
  linear: {
    make: () => [layers.dense({ units: 1, inputShape: [10] })],
    x: () => randomTensor([8, 10], 1),
    y: targets,
    loss: "meanSquaredError",
  },
  // No upsampling: the cpu backend's gradient of it is wrong for batches, see src/ops/resize_cases.ts.
  cnn: {
    make: () => [
      layers.conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "relu", inputShape: [12, 12, 3] }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.depthwiseConv2d({ kernelSize: 3, padding: "same" }),
      layers.leakyReLU(),
      layers.separableConv2d({ filters: 6, kernelSize: 3 }),
      layers.reLU({ maxValue: 6 }),
      layers.averagePooling2d({ poolSize: 2 }),
      layers.zeroPadding2d(),
      layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 }),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    x: () => randomTensor([8, 12, 12, 3], 1),
    y: classes,
    loss: "categoricalCrossentropy",
  },
  lstm: {
    make: () => [
      layers.embedding({ inputDim: 20, outputDim: 6, inputLength: 7 }),
      layers.lstm({ units: 8, returnSequences: true }),
      layers.lstm({ units: 5 }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    x: tokens,
    y: () => tf.tensor2d([0, 1, 1, 0, 1, 0, 0, 1], [8, 1]),
    loss: "binaryCrossentropy",
  },
  "gru and simpleRNN": {
    make: () => [
      layers.gru({ units: 8, inputShape: [7, 4], returnSequences: true }),
      layers.simpleRNN({ units: 5 }),
      layers.dense({ units: 1 }),
    ],
    x: series,
    y: targets,
    loss: "meanSquaredError",
  },
  "masked bidirectional lstm": {
    make: () => [
      layers.masking({ maskValue: 0, inputShape: [7, 4] }),
      // The type that `bidirectional` asks for is that of any recurrent layer.
      layers.bidirectional({ layer: layers.lstm({ units: 4 }) as tfl.RNN, mergeMode: "concat" }),
      layers.dense({ units: 1 }),
    ],
    x: series,
    y: targets,
    loss: "meanSquaredError",
  },
};

const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
  rmsprop: () => tf.train.rmsprop(0.01),
};

/** TF.js takes the root of E[g²] - E[g]² - ε, which is NaN for a weight whose gradient is 0: no net with ReLUs survives. */
const CENTERED = () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true);

const STEPS = 5;

/** Trains a net and returns its losses and what its weights have become. */
async function train(net: Net, optimizer: () => tf.Optimizer): Promise<{ losses: number[]; weights: number[] }> {
  const model = seedWeights(tfl.sequential({ layers: [...net.make()] }));
  model.compile({ optimizer: optimizer(), loss: net.loss, metrics: ["accuracy"] });
  const [x, y] = [net.x(), net.y()];
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const [loss] = await model.trainOnBatch(x, y) as number[];
    losses.push(loss);
  }
  const weights = model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
  tf.dispose([x, y]);
  model.dispose();
  return { losses, weights };
}

async function checkTraining(net: Net, optimizer: () => tf.Optimizer): Promise<void> {
  const { actual, expected, fallbacks } = await onBothBackends(() => train(net, optimizer));
  assert.ok(expected.losses.every(Number.isFinite), `the losses are ${expected.losses}`);
  assert.notEqual(expected.losses[0], expected.losses[STEPS - 1]);
  // Rounding differs with the order of sums, and each step builds on the last.
  assertAgree(actual.losses, expected.losses, 1e-4);
  assertAgree(actual.weights, expected.weights, 1e-3);
  assert.deepEqual(fallbacks, {});
}

for (const [name, net] of Object.entries(NETS)) {
  for (const optimizer of ["momentum", "adam"]) {
    Deno.test(`trainOnBatch() of a ${name} by ${optimizer} does what it does on cpu, without a fallback`, () =>
      checkTraining(net, OPTIMIZERS[optimizer]));
  }
}

for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  Deno.test(`trainOnBatch() by ${name} does what it does on cpu, without a fallback`, () =>
    checkTraining(NETS.mlp, optimizer));
}

Deno.test("trainOnBatch() by centered rmsprop does what it does on cpu, without a fallback", () =>
  checkTraining(NETS.linear, CENTERED));
