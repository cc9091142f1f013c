import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { assertClose, randomValues, useCpu } from "./_test_support.ts";
import { batchNormFrozen } from "./batch_norm_frozen.ts";

const EPSILON = 1e-3;

for (const shape of [[4, 3, 3, 2], [16, 5], [2, 6, 3]]) {
  Deno.test(`batchNormFrozen() agrees with tf.batchNorm() and its gradient when x is [${shape}]`, async () => {
    await useCpu();
    const channels = shape[shape.length - 1];
    const size = shape.reduce((a, b) => a * b);
    const vector = (seed: number, low = -1) =>
      tf.tensor1d(randomValues(channels, { seed }).map((value) => low + 1 + value));
    const [gamma, beta, mean, variance] = [vector(2), vector(3), vector(4), vector(5, 1)];
    const x = tf.tensor(randomValues(size, { seed: 1, span: 3 }), shape);
    const weights = tf.tensor(randomValues(size, { seed: 6 }), shape);
    const run = (normalize: (x: tf.Tensor, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor) =>
      tf.valueAndGrads((x, gamma, beta) =>
        // Called with the three tensors below.
        tf.sum(tf.mul(normalize(x, gamma as tf.Tensor1D, beta as tf.Tensor1D), weights))
      )([x, gamma, beta]);
    const own = run((x, gamma, beta) => batchNormFrozen(x, { gamma, beta, mean, variance, epsilon: EPSILON }));
    const composite = run((x, gamma, beta) => tf.batchNorm(x, mean, variance, beta, gamma, EPSILON));
    assert.deepEqual([...own.value.dataSync()], [...composite.value.dataSync()]);
    own.grads.forEach((grad, i) => {
      assert.deepEqual(grad.shape, composite.grads[i].shape);
      assertClose(grad.dataSync(), composite.grads[i].dataSync(), 1e-5);
    });
  });
}

Deno.test("batchNormFrozen() gives the statistics no gradient", async () => {
  await useCpu();
  const [gamma, beta, variance] = [tf.tensor1d([2]), tf.tensor1d([1]), tf.tensor1d([4])];
  const mean = tf.variable(tf.tensor1d([3]));
  const loss = () => tf.sum(batchNormFrozen(tf.tensor2d([[5]]), { gamma, beta, mean, variance, epsilon: 0 }));
  assert.deepEqual([...loss().dataSync()], [3]);
  assert.throws(() => tf.variableGrads(loss as () => tf.Scalar, [mean]), /Cannot find a connection/);
  mean.dispose();
});
