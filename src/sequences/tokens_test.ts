import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { PaddingMask, PositionEmbedding, TokenAt } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

Deno.test("PaddingMask is 0 where the token is padding, of integers and of real numbers", () => {
  for (const dtype of ["int32", "float32"] as const) {
    const mask = new PaddingMask({ padding: 3 }).apply(tf.tensor2d([[1, 3, 0], [3, 3, 2]], [2, 3], dtype)) as tf.Tensor;
    assert.deepEqual([mask.dtype, mask.arraySync()], ["float32", [[1, 0, 1], [0, 0, 1]]]);
  }
});

Deno.test("PositionEmbedding adds a vector a position to every sample, and learns it", () => {
  const layer = new PositionEmbedding({ initializer: tfl.initializers.constant({ value: 2 }) });
  const x = tf.tensor3d([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
  assert.deepEqual((layer.apply(x) as tf.Tensor).arraySync(), [[[3, 4], [5, 6]], [[7, 8], [9, 10]]]);
  const [positions] = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { grads } = tf.variableGrads(() => tf.sum(tf.square(layer.apply(x) as tf.Tensor)) as tf.Scalar, [positions]);
  // 2·(x + p), summed over both samples.
  assert.deepEqual(grads[positions.name].arraySync(), [[20, 24], [28, 32]]);
  assert.throws(() => new PositionEmbedding().build([null, null, 4]), /sequences \[\?, time, width\] of known length/);
});

Deno.test("TokenAt picks one position, to which alone its gradient goes", () => {
  const layer = new TokenAt({ position: 1 });
  const x = tf.tensor3d([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
  assert.deepEqual((layer.apply(x) as tf.Tensor).arraySync(), [[3, 4], [7, 8]]);
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(layer.apply(x) as tf.Tensor)))(x);
  assert.deepEqual(gradient.arraySync(), [[[0, 0], [6, 8]], [[0, 0], [14, 16]]]);
  assert.deepEqual(layer.getConfig().position, 1);
  assert.throws(() => new TokenAt({ position: 2 }).apply(x), /sequences .* of more than 2 positions are needed/);
  for (const position of [-1, 0.5]) assert.throws(() => new TokenAt({ position }), RangeError);
});
