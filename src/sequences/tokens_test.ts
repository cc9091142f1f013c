import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Attention, PaddingMask, PositionEmbedding, TokenAt } from "./mod.ts";

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

Deno.test("layers of tokens take one input of their rank, start from defaults, and are kept by name", () => {
  const x = tf.zeros([1, 2, 3]);
  for (const layer of [new PaddingMask(), new PositionEmbedding(), new TokenAt()]) {
    assert.throws(() => layer.apply([x, x]), /it is given 2 inputs, needed are 1: a sequence/);
    assert.throws(() => layer.call([]), /it is given 0 inputs, needed are 1: a sequence/);
  }
  assert.throws(() => new PositionEmbedding().build([null, 2, 3, 4]), /sequences \[\?, time, width\] of known length/);
  assert.throws(() => new TokenAt().build([null, 2]), /sequences \[\?, time, width\] of more than 0 positions/);
  assert.deepEqual([new PaddingMask().padding, new TokenAt().position], [0, 0]);
  assert.deepEqual(new TokenAt({ name: "first", position: 2 }).getConfig(), {
    ...new TokenAt().getConfig(),
    name: "first",
    position: 2,
  });
  const layer = new PositionEmbedding();
  layer.apply(x);
  assert.equal(layer.built, true);
});

Deno.test("layers of sequences pass on which tokens are masked", () => {
  const tokens = tfl.input({ shape: [4], dtype: "int32" });
  const embedded = tfl.layers.embedding({ inputDim: 3, outputDim: 2, maskZero: true }).apply(tokens);
  const placed = new PositionEmbedding({ initializer: tfl.initializers.ones() }).apply(embedded as tfl.SymbolicTensor);
  const seen = new Attention().apply([placed, placed, placed] as tfl.SymbolicTensor[]) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: tokens, outputs: seen });
  // TF.js refuses masks before layers that do not say that they pass them on.
  assert.deepEqual((model.predict(tf.tensor2d([[1, 2, 0, 0]], [1, 4], "int32")) as tf.Tensor).shape, [1, 4, 2]);
});
