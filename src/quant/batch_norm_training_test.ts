import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { assertClose, randomValues, useCpu } from "./_test_support.ts";
import { batchNormTraining } from "./batch_norm_training.ts";

const EPSILON = 1e-3;

interface Problem {
  readonly shape: number[];
  readonly x: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  /** Weights of the outputs in the loss sum(y * weights). */
  readonly weights: Float32Array;
}

function problemOf(shape: number[], seed: number): Problem {
  const size = shape.reduce((a, b) => a * b);
  const channels = shape[shape.length - 1];
  return {
    shape,
    x: randomValues(size, { seed, span: 3 }).map((value, i) => value + (i % channels)),
    gamma: randomValues(channels, { seed: seed + 1, span: 2 }),
    beta: randomValues(channels, { seed: seed + 2 }),
    weights: randomValues(size, { seed: seed + 3 }),
  };
}

Deno.test("batchNormTraining() gives hand-computed values when there are two rows", async () => {
  await useCpu();
  const { y, mean, variance } = batchNormTraining(tf.tensor2d([[1, 10], [3, 30]]), {
    gamma: tf.tensor1d([2, 1]),
    beta: tf.tensor1d([5, 0]),
    epsilon: 0,
  });
  assert.deepEqual([...mean.dataSync()], [2, 20]);
  assert.deepEqual([...variance.dataSync()], [1, 100]);
  assert.deepEqual([...y.dataSync()], [3, -1, 7, 1]);
});

for (const shape of [[4, 3, 3, 2], [16, 5], [2, 6, 3]]) {
  Deno.test(`batchNormTraining() agrees with TF.js's composite when x is [${shape}]`, async () => {
    await useCpu();
    const { x, gamma, beta, weights } = problemOf(shape, 100);
    const inputs = [tf.tensor(x, shape), tf.tensor1d(gamma), tf.tensor1d(beta)];
    const axes = shape.map((_, i) => i).slice(0, -1);
    const loss = (y: tf.Tensor) => tf.sum(tf.mul(y, tf.tensor(weights, shape)));
    const composite = tf.valueAndGrads((a, g, b) => {
      const { mean, variance } = tf.moments(a, axes);
      return loss(tf.batchNorm(a, mean, variance, b, g, EPSILON));
    })(inputs);
    const fused = tf.valueAndGrads((a, g, b) => loss(batchNormTraining(a, { gamma: g, beta: b, epsilon: EPSILON }).y))(
      inputs,
    );
    assertClose(fused.value.dataSync(), composite.value.dataSync(), 1e-5);
    for (const i of [0, 1, 2]) {
      assert.deepEqual(fused.grads[i].shape, composite.grads[i].shape);
      assertClose(fused.grads[i].dataSync(), composite.grads[i].dataSync(), 1e-5);
    }
    const { mean, variance } = tf.moments(inputs[0], axes);
    const own = batchNormTraining(inputs[0], { gamma: inputs[1], beta: inputs[2], epsilon: EPSILON });
    assertClose(own.mean.dataSync(), mean.dataSync(), 1e-5);
    assertClose(own.variance.dataSync(), variance.dataSync(), 1e-5);
  });
}

/** The loss in float64, written from the definition alone. */
function lossInDouble({ shape, x, gamma, beta, weights }: Record<keyof Problem, ArrayLike<number>>): number {
  const channels = shape[shape.length - 1];
  const rows = x.length / channels;
  let loss = 0;
  for (let c = 0; c < channels; c++) {
    const column = Array.from({ length: rows }, (_, row) => x[row * channels + c]);
    const mean = column.reduce((a, b) => a + b) / rows;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows;
    for (const [row, value] of column.entries()) {
      const y = gamma[c] * (value - mean) / Math.sqrt(variance + EPSILON) + beta[c];
      loss += y * weights[row * channels + c];
    }
  }
  return loss;
}

Deno.test("batchNormTraining() has the gradient of finite differences when the loss is computed in float64", async () => {
  await useCpu();
  const problem = problemOf([2, 2, 3, 3], 7);
  const { shape, x, gamma, beta, weights } = problem;
  const grads = tf.grads((a, g, b) =>
    tf.sum(tf.mul(batchNormTraining(a, { gamma: g, beta: b, epsilon: EPSILON }).y, tf.tensor(weights, shape)))
  )([tf.tensor(x, shape), tf.tensor1d(gamma), tf.tensor1d(beta)]);

  const h = 1e-5;
  for (const [i, key] of (["x", "gamma", "beta"] as const).entries()) {
    const numeric = Array.from(problem[key], (_, at) => {
      const moved = (by: number) => {
        const values = Float64Array.from(problem[key]);
        values[at] += by;
        return lossInDouble({ ...problem, [key]: values });
      };
      return (moved(h) - moved(-h)) / (2 * h);
    });
    // Central differences err by h² · third derivative, about 1e-10 here, and by 1e-16 / h from rounding: 1e-11. What
    // remains is float32 in the kernel's input (mean and variance) and output: some units of 6e-8 of the largest.
    assertClose(grads[i].dataSync(), numeric, 2e-6);
  }
});

Deno.test("batchNormTraining() refuses when x or gamma does not fit", async () => {
  await useCpu();
  const options = { gamma: tf.ones([2]), beta: tf.ones([2]), epsilon: EPSILON };
  assert.throws(() => batchNormTraining(tf.zeros([4, 3]), options), TypeError);
  assert.throws(() => batchNormTraining(tf.zeros([2]), options), TypeError);
  assert.throws(() => batchNormTraining(tf.zeros([4, 2], "int32"), options), TypeError);
  assert.throws(() => batchNormTraining(tf.zeros([4, 2]), { ...options, beta: tf.ones([1, 2]) }), TypeError);
});
