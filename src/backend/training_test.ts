import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { batchNormTraining, fakeQuantize, PER_TENSOR, registerQuantKernels } from "../quant/mod.ts";
import { BACKEND } from "./mod.ts";
import { assertClose, random, useBackend } from "./_test_support.ts";

const [N, SIZE, CLASSES] = [6, 8, 3];

/** Variables of a small net: a strided convolution, a depthwise and a pointwise one with batch norm, a dense layer. */
function variables(): tf.Variable[] {
  const shapes = [[3, 3, 2, 4], [4], [3, 3, 4, 1], [1, 1, 4, 6], [6], [6], [6, CLASSES], [CLASSES]];
  return shapes.map((shape, i) => tf.tidy(() => tf.variable(tf.mul(random(shape, i + 1), 0.7))));
}

/** Cross-entropy of the net's answers. */
function loss(
  [k1, b1, k2, k3, gamma, beta, dense, bias]: readonly tf.Tensor[],
  x: tf.Tensor,
  labels: tf.Tensor,
): tf.Scalar {
  const first = tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, k1 as tf.Tensor4D, 2, "same"), b1));
  const deep = tf.conv2d(
    tf.depthwiseConv2d(first as tf.Tensor4D, k2 as tf.Tensor4D, 1, "same"),
    k3 as tf.Tensor4D,
    1,
    "same",
  );
  const { y } = batchNormTraining(deep, { gamma, beta, epsilon: 1e-3 });
  const pooled = tf.maxPool(tf.leakyRelu(y, 0.1) as tf.Tensor4D, 2, 2, "valid");
  const logits = tf.add(tf.matMul(tf.mean(pooled, [1, 2]), dense as tf.Tensor2D), bias);
  return tf.losses.softmaxCrossEntropy(labels, logits);
}

/** Trains for `steps` on `backend` and returns the loss and all variables after every step. */
async function train(backend: string, make: () => tf.Optimizer, steps: number): Promise<readonly Float32Array[][]> {
  await tf.setBackend(backend);
  const weights = variables();
  const optimizer = make();
  const history: Float32Array[][] = [];
  for (let step = 0; step < steps; step++) {
    const cost = tf.tidy(() => {
      const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], "int32"), CLASSES);
      return optimizer.minimize(() => loss(weights, random([N, SIZE, SIZE, 2], 100 + step), labels), true, weights)!;
    });
    history.push([cost, ...weights].map((tensor) => Float32Array.from(tensor.dataSync())));
    cost.dispose();
  }
  optimizer.dispose();
  tf.dispose(weights);
  return history;
}

const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9),
  "Nesterov momentum": () => tf.train.momentum(0.05, 0.9, true),
  // A larger epsilon than TF.js's own: where a gradient is next to 0, its sign is all that matters, and that is noise.
  adam: () => tf.train.adam(0.01, 0.9, 0.999, 1e-3),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-3),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0, 1e-3),
  // Not centered: there TF.js takes a root of (variance - epsilon), NaN on any backend.
  "rmsprop with momentum": () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-3),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.5),
};

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  Deno.test(`OnnxRuntimeBackend trains with ${name} step by step as the cpu backend does`, async () => {
    const backend = await useBackend();
    registerQuantKernels();
    const fallbacks = new Map(backend.fallbacks());
    const steps = 8;
    const [expected, actual] = [await train("cpu", make, steps), await train(BACKEND, make, steps)];
    for (let step = 0; step < steps; step++) {
      // Float32 sums in another order, carried from step to step.
      expected[step].forEach((values, i) => assertClose(actual[step][i], values, 1e-4));
    }
    const moved = expected[0].slice(1).map((values, i) => values.some((x, j) => x !== expected[steps - 1][i + 1][j]));
    assert.ok(moved.every((hasMoved) => hasMoved), `${moved}`);
    assert.deepEqual(new Map(backend.fallbacks()), fallbacks);
  });
}

Deno.test("OnnxRuntimeBackend makes one recording of a training step, optimizer included", async () => {
  const backend = await useBackend();
  registerQuantKernels();
  const { runs } = backend.stats();
  await train(BACKEND, () => tf.train.adam(0.01), 5);
  // One a step; what was written down when variables were made is another.
  assert.ok(backend.stats().runs - runs <= 6, `${backend.stats().runs - runs} runs`);
});

/** Takes steps one after another without waiting, and returns the weights that come out and what was run and compiled. */
async function loop(
  make: () => tf.Optimizer,
  { steps, after }: { readonly steps: number; readonly after: () => void },
): Promise<{ readonly weights: readonly Float32Array[]; readonly runs: number; readonly compilations: number }> {
  const backend = await useBackend();
  const [weights, optimizer, x] = [variables(), make(), random([N, SIZE, SIZE, 2], 9)];
  const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], "int32"), CLASSES);
  const before = backend.stats();
  for (let step = 0; step < steps; step++) {
    optimizer.minimize(() => loss(weights, x, labels), false, weights);
    after();
  }
  const read = weights.map((tensor) => Float32Array.from(tensor.dataSync()));
  const { runs, compilations } = backend.stats();
  optimizer.dispose();
  tf.dispose([...weights, x, labels]);
  return { weights: read, runs: runs - before.runs, compilations: compilations - before.compilations };
}

for (const name of ["sgd", "momentum", "adam"]) {
  Deno.test(`OnnxRuntimeBackend runs steps of ${name} one by one in a loop that waits for nothing`, async () => {
    const backend = await useBackend();
    registerQuantKernels();
    const steps = 30;
    const flushed = await loop(OPTIMIZERS[name], { steps, after: () => backend.flush() });
    const waitless = await loop(OPTIMIZERS[name], { steps, after: () => {} });
    assert.deepEqual(waitless.weights, flushed.weights);
    assert.ok(waitless.runs >= steps && waitless.runs <= steps + 2, `${waitless.runs} runs`);
    assert.ok(waitless.compilations <= 3, `${waitless.compilations} compilations`);
  });
}

Deno.test("OnnxRuntimeBackend takes a state that is assigned and read in one step for part of it", async () => {
  const backend = await useBackend();
  const [weight, range] = [tf.variable(tf.scalar(3)), tf.variable(tf.scalar(1), false)];
  backend.flush();
  const { runs } = backend.stats();
  tf.tidy(() => {
    range.assign(tf.maximum(range, weight));
    weight.assign(tf.sub(weight, tf.div(weight, range)));
  });
  assert.deepEqual([range.dataSync()[0], weight.dataSync()[0]], [3, 2]);
  assert.equal(backend.stats().runs, runs + 1);
  tf.dispose([weight, range]);
});

/** Directional derivatives by finite differences: (f(x + h·v) - f(x - h·v)) / 2h against v·∇f(x). */
function checkGradient(x: tf.Tensor, f: (x: tf.Tensor) => tf.Tensor, h = 1e-2): void {
  tf.tidy(() => {
    const weights = random([f(x).size], 77);
    const scalar = (x: tf.Tensor) => tf.sum(tf.mul(tf.reshape(f(x), [-1]), weights)) as tf.Scalar;
    const gradient = tf.grad(scalar)(x);
    for (const seed of [5, 6, 7]) {
      const v = random(x.shape, seed);
      const [up, down] = [1, -1].map((sign) => scalar(tf.add(x, tf.mul(v, sign * h))).dataSync()[0]);
      const [expected, actual] = [(up - down) / (2 * h), tf.sum(tf.mul(gradient, v)).dataSync()[0]];
      assert.ok(
        Math.abs(actual - expected) <= 2e-2 * Math.max(1, Math.abs(expected)),
        `${actual}, expected ${expected}`,
      );
    }
  });
}

/** Functions whose gradients have kernels of their own. */
const DIFFERENTIABLE: Readonly<Record<string, { readonly shape: number[]; readonly f: (x: tf.Tensor) => tf.Tensor }>> =
  {
    "conv2d by its input": {
      shape: [2, 6, 5, 3],
      f: (x) => tf.conv2d(x as tf.Tensor4D, random([3, 3, 3, 2], 1) as tf.Tensor4D, 2, "same"),
    },
    "conv2d by its filter": {
      shape: [3, 2, 3, 2],
      f: (w) => tf.conv2d(random([2, 6, 5, 3], 1) as tf.Tensor4D, w as tf.Tensor4D, [1, 2], "same"),
    },
    "depthwiseConv2d by its input": {
      shape: [2, 6, 5, 3],
      f: (x) => tf.depthwiseConv2d(x as tf.Tensor4D, random([3, 3, 3, 2], 1) as tf.Tensor4D, 1, "same"),
    },
    "depthwiseConv2d by its filter": {
      shape: [3, 3, 3, 2],
      f: (w) => tf.depthwiseConv2d(random([2, 6, 5, 3], 1) as tf.Tensor4D, w as tf.Tensor4D, 2, "valid"),
    },
    "conv2dTranspose by its input": {
      shape: [2, 3, 3, 2],
      f: (x) => tf.conv2dTranspose(x as tf.Tensor4D, random([3, 3, 4, 2], 1) as tf.Tensor4D, [2, 6, 6, 4], 2, "same"),
    },
    // Border windows excepted, where TF.js's own gradient is another.
    "avgPool": { shape: [2, 6, 6, 3], f: (x) => tf.avgPool(x as tf.Tensor4D, 3, 1, "valid") },
    "batchNormTraining by x": {
      shape: [3, 4, 4, 2],
      f: (x) => batchNormTraining(x, { gamma: tf.tensor1d([0.7, -1.2]), beta: tf.zeros([2]), epsilon: 1e-3 }).y,
    },
    "batchNormTraining by gamma": {
      shape: [2],
      f: (gamma) => batchNormTraining(random([3, 4, 4, 2], 1), { gamma, beta: tf.zeros([2]), epsilon: 1e-3 }).y,
    },
  };

for (const [name, { shape, f }] of Object.entries(DIFFERENTIABLE)) {
  Deno.test(`OnnxRuntimeBackend differentiates ${name} as finite differences do`, async () => {
    await useBackend();
    registerQuantKernels();
    checkGradient(random(shape, 3), f);
  });
}

Deno.test("OnnxRuntimeBackend differentiates maxPool as finite differences do, windows overlapping", async () => {
  await useBackend();
  // A permutation of numbers that lie further apart than the steps taken.
  const x = tf.tensor4d(Array.from({ length: 98 }, (_, i) => (i * 37 % 98) / 10), [2, 7, 7, 1]);
  checkGradient(x, (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, "same"));
});

Deno.test("OnnxRuntimeBackend lets gradients through a fake quantizer inside its range alone", async () => {
  await useBackend();
  registerQuantKernels();
  const x = tf.tensor1d([-0.1, 0, 0.3, 12.7, 25.5, 25.54, 25.6, -9]);
  const grid = { scale: 0.1, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR };
  const dx = tf.grad((x: tf.Tensor) => tf.mul(fakeQuantize(x, grid), tf.range(1, 9)))(x);
  assert.deepEqual([...dx.dataSync()], [0, 2, 3, 4, 5, 6, 0, 0]);
});
