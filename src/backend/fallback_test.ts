import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { assertClose, computedOn, random, useBackend } from "./_test_support.ts";

/** Counts of the kernels that `fn` runs on the cpu backend. */
async function fallbacksOf(fn: () => void): Promise<Readonly<Record<string, number>>> {
  const backend = await useBackend();
  const before = new Map(backend.fallbacks());
  fn();
  const counted = [...backend.fallbacks()].map(([kernel, n]) => [kernel, n - (before.get(kernel) ?? 0)] as const);
  return Object.fromEntries(counted.filter(([, n]) => n > 0));
}

Deno.test("fallBack() computes on the cpu what ONNX has no operator for, and counts it", async () => {
  await useBackend();
  const { numTensors } = tf.memory();
  const counts = await fallbacksOf(() => {
    const strings = tf.tensor1d(["a", "b", "a"]);
    assert.deepEqual([...tf.equal(strings, tf.tensor1d(["a", "a", "a"])).dataSync()], [1, 0, 1]);
    const { values, indices } = tf.unique(tf.tensor1d([7, 3, 7]));
    assert.deepEqual([...values.dataSync(), ...indices.dataSync()], [7, 3, 0, 1, 0]);
    tf.dispose([strings, values, indices]);
  });
  assert.deepEqual(counts, { Equal: 1, Unique: 1 });
  assert.ok(tf.memory().numTensors >= numTensors);
});

Deno.test("fallBack() reads what is recorded and not yet computed, and goes on with its results", async () => {
  await useBackend();
  const x = tf.mul(tf.tensor1d([1, 2, 1]), 2);
  const { values } = tf.unique(tf.add(x, 1));
  assert.deepEqual([...tf.add(tf.mul(values, 10), 1).dataSync()], [31, 51]);
});

Deno.test("fallBack() computes what an op refuses, as the cpu backend does", async () => {
  const fused = () => {
    const conv = {
      x: random([1, 2, 5, 5], 1),
      filter: random([3, 3, 2, 4], 2),
      strides: 1,
      pad: "same",
      dataFormat: "NCHW",
    } as const;
    return tf.fused.conv2d({
      ...conv,
      x: conv.x as tf.Tensor4D,
      filter: conv.filter as tf.Tensor4D,
      activation: "prelu",
      preluActivationWeights: tf.tensor1d([0.1, 0.2, 0.3, 0.4]),
    });
  };
  const [expected] = await computedOn("cpu", fused);
  await useBackend();
  let actual: ArrayLike<number> = [];
  const counts = await fallbacksOf(() => actual = tf.tidy(() => fused().dataSync()));
  assertClose(actual, expected, 1e-5);
  assert.equal(counts.FusedConv2D, 1);
});

Deno.test("fallBack() shares an input that the kernel returns as it is", async () => {
  await useBackend();
  const strings = tf.tensor1d(["a", "b"]);
  const column = tf.reshape(strings, [2, 1]);
  assert.equal(column.dataId, strings.dataId);
  strings.dispose();
  assert.deepEqual(column.arraySync(), [["a"], ["b"]]);
  column.dispose();
});

Deno.test("fallBack() leaves no tensor on the cpu backend", async () => {
  await useBackend();
  const ids = () => tf.findBackend("cpu").numDataIds();
  const before = ids();
  tf.tidy(() => {
    tf.unique(tf.tensor1d([1, 2, 1])).values.dataSync();
    tf.image.nonMaxSuppression(tf.tensor2d([[0, 0, 1, 1], [0, 0, 1, 1]]), tf.tensor1d([0.9, 0.8]), 2);
  });
  assert.equal(ids(), before);
});

Deno.test("fallBack() does not lend the array of a result out twice", async () => {
  const backend = await useBackend();
  const x = tf.tensor1d([3, 1, 2]);
  const read = tf.unique(x).values.dataSync();
  x.dispose();
  backend.flush();
  const others = [1, 2, 3].map((value) => tf.add(tf.fill([3], value), 0).dataSync());
  assert.deepEqual([...read], [3, 1, 2]);
  assert.deepEqual(others.map((array) => array[0]), [1, 2, 3]);
});
