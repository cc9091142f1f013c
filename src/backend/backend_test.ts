import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "./_test_support.ts";

Deno.test("OnnxRuntimeBackend gives right answers when a value is read in the middle of a computation", async () => {
  await useBackend();
  const x = tf.tensor1d([1, 2, 3]);
  const doubled = tf.mul(x, 2);
  const squared = tf.square(doubled);
  assert.deepEqual([...doubled.dataSync()], [2, 4, 6]);
  // Recorded before the read and after it.
  const sum = tf.add(squared, tf.add(doubled, x));
  assert.deepEqual([...sum.dataSync()], [7, 22, 45]);
  assert.deepEqual([...squared.dataSync()], [4, 16, 36]);
  assert.deepEqual([...tf.sub(sum, squared).dataSync()], [3, 6, 9]);
});

Deno.test("OnnxRuntimeBackend computes what nobody read, together, at the end of the task", async () => {
  const backend = await useBackend();
  const before = backend.stats();
  const [a, b] = [tf.add(tf.tensor1d([1, 2]), 1), tf.exp(tf.zeros([2]))];
  assert.equal(backend.stats().runs, before.runs);
  await Promise.resolve();
  assert.equal(backend.stats().runs, before.runs + 1);
  assert.deepEqual([...a.dataSync(), ...b.dataSync()], [2, 3, 1, 1]);
  assert.equal(backend.stats().runs, before.runs + 1);
});

Deno.test("OnnxRuntimeBackend does not compute what was disposed before", async () => {
  const backend = await useBackend();
  const { runs } = backend.stats();
  tf.tidy(() => void tf.add(tf.tensor1d([1, 2]), 1));
  tf.exp(tf.zeros([3])).dispose();
  await Promise.resolve();
  assert.equal(backend.stats().runs, runs);
  // A disposed intermediate is still computed with.
  const x = tf.tensor1d([1, 2]);
  const y = tf.add(x, 1);
  const z = tf.mul(y, 3);
  tf.dispose([x, y]);
  assert.deepEqual([...z.dataSync()], [6, 9]);
});

Deno.test("OnnxRuntimeBackend lets tensors of one array have different shapes", async () => {
  await useBackend();
  const x = tf.tensor1d([1, 2, 3, 4, 5, 6]);
  const [matrix, pillar] = [tf.reshape(x, [2, 3]), tf.reshape(x, [3, 1, 2])];
  const product = tf.matMul(matrix, tf.reshape(x, [3, 2]));
  assert.deepEqual([...product.dataSync()], [22, 28, 49, 64]);
  assert.deepEqual([...tf.sum(pillar, [0, 1]).dataSync()], [9, 12]);
  assert.deepEqual([...tf.transpose(matrix).dataSync()], [1, 4, 2, 5, 3, 6]);
  // One array under two shapes, as kernels of TF.js share it.
  const { engine } = tf;
  const backend = await useBackend();
  backend.incRef(x.dataId);
  const shared = engine().makeTensorFromTensorInfo({ dataId: x.dataId, shape: [2, 3], dtype: "float32" });
  const both = [tf.sum(shared, 0), tf.sum(x, 0), tf.sum(shared, 1)];
  assert.deepEqual(both.map((sum) => [...sum.dataSync()]), [[5, 7, 9], [21], [6, 15]]);
  // Of as many sides, too.
  backend.incRef(x.dataId);
  const turnedOver = engine().makeTensorFromTensorInfo({ dataId: x.dataId, shape: [3, 2], dtype: "float32" });
  assert.deepEqual([tf.sum(shared, 0), tf.sum(turnedOver, 0)].map((sum) => [...sum.dataSync()]), [[5, 7, 9], [9, 12]]);
  // The same, of a value that is not computed yet.
  const doubled = tf.mul(x, 2);
  const turned = tf.transpose(tf.reshape(doubled, [2, 3]));
  assert.deepEqual([...tf.add(tf.reshape(turned, [6]), doubled).dataSync()], [4, 12, 10, 18, 16, 24]);
});

Deno.test("OnnxRuntimeBackend runs what computes a weight before an operator reads it, whichever input it is", async () => {
  const backend = await useBackend();
  const weight = tf.variable(tf.tensor1d([1, 2]));
  const range = tf.variable(tf.tensor1d([1, 2]), false);
  const x = tf.tensor1d([10, 20]);
  const runsOf = (read: () => tf.Tensor) => {
    backend.flush();
    const { runs } = backend.stats();
    tf.tidy(() => weight.assign(tf.mul(weight, 2)));
    tf.tidy(() => range.assign(tf.mul(range, 2)));
    const y = read();
    const ran = backend.stats().runs - runs;
    y.dispose();
    return ran;
  };
  for (const read of [() => tf.add(weight, x), () => tf.add(x, weight), () => tf.exp(weight)]) {
    assert.equal(runsOf(read), 1);
  }
  // What is not trained is read in the step that assigns it.
  assert.equal(runsOf(() => tf.add(range, x)), 0);
  assert.deepEqual([...weight.dataSync()], [16, 32]);
  tf.dispose([weight, range, x]);
});

Deno.test("OnnxRuntimeBackend frees an array when the last tensor of it is disposed", async () => {
  const backend = await useBackend();
  const ids = backend.numDataIds();
  const x = tf.tensor1d([1, 2, 3, 4]);
  const [a, b, c] = [tf.reshape(x, [4]), tf.clone(x), tf.cast(x, "float32")];
  assert.equal(backend.numDataIds(), ids + 1);
  tf.dispose([x, b]);
  assert.equal(backend.refCount(a.dataId), 2);
  assert.deepEqual(tf.tidy(() => [...tf.add(a, 1).dataSync()]), [2, 3, 4, 5]);
  tf.dispose([a, c]);
  assert.equal(backend.numDataIds(), ids);
});

Deno.test("OnnxRuntimeBackend keeps a variable's old value for those that recorded it before assign()", async () => {
  await useBackend();
  const v = tf.variable(tf.tensor1d([1, 2]));
  const before = tf.mul(v, 10);
  v.assign(tf.add(v, 1) as tf.Tensor1D);
  const after = tf.mul(v, 10);
  v.assign(tf.tensor1d([7, 8]));
  assert.deepEqual([...before.dataSync()], [10, 20]);
  assert.deepEqual([...after.dataSync()], [20, 30]);
  assert.deepEqual([...v.dataSync()], [7, 8]);
  v.dispose();
});

Deno.test("OnnxRuntimeBackend keeps what tf.keep() and tf.tidy() return", async () => {
  await useBackend();
  let kept: tf.Tensor | undefined;
  const { numTensors } = tf.memory();
  const returned = tf.tidy(() => {
    const x = tf.add(tf.ones([2]), 1);
    kept = tf.keep(tf.square(x));
    return tf.neg(x);
  });
  assert.equal(tf.memory().numTensors, numTensors + 2);
  assert.deepEqual([...kept!.dataSync(), ...returned.dataSync()], [4, 4, -2, -2]);
  tf.dispose([kept!, returned]);
});

Deno.test("OnnxRuntimeBackend computes with tensors without elements", async () => {
  await useBackend();
  const nothing = tf.add(tf.zeros([0, 3]), 1);
  assert.deepEqual(nothing.shape, [0, 3]);
  assert.deepEqual([...nothing.dataSync()], []);
  assert.deepEqual([...tf.concat([tf.mul(nothing, 2), tf.ones([1, 3])]).dataSync()], [1, 1, 1]);
});

Deno.test("OnnxRuntimeBackend tells constants 0 and -0 apart", async () => {
  await useBackend();
  for (const zero of [0, -0, 0]) {
    assert.deepEqual([...tf.div(1, tf.fill([2], zero)).dataSync()], [1 / zero, 1 / zero]);
  }
});

Deno.test("OnnxRuntimeBackend takes ints and bools, and gives them back", async () => {
  await useBackend();
  const x = tf.tensor1d([1.9, -1.9, 0], "int32");
  const isPositive = tf.greater(x, 0);
  assert.equal(isPositive.dtype, "bool");
  assert.deepEqual(isPositive.dataSync(), Uint8Array.of(1, 0, 0));
  const doubled = tf.add(x, x);
  assert.equal(doubled.dtype, "int32");
  assert.deepEqual(doubled.dataSync(), Int32Array.of(2, -2, 0));
});

Deno.test("OnnxRuntimeBackend computes the same after the program went to another backend and back", async () => {
  await useBackend();
  const x = tf.add(tf.tensor1d([1, 2]), 1);
  await tf.setBackend("cpu");
  const y = tf.mul(x, 3);
  await useBackend();
  const z = tf.add(y, x);
  assert.deepEqual([...z.dataSync()], [8, 12]);
});

Deno.test("OnnxRuntimeBackend runs a long recording in parts, between operators", async () => {
  const { OnnxRuntimeBackend } = await import("./backend.ts");
  const { registerKernels } = await import("./kernels.ts");
  await useBackend();
  const backend = new OnnxRuntimeBackend({ maxPendingNodes: 7, threads: 1 });
  tf.registerBackend("onnxruntime-small", () => backend);
  registerKernels("onnxruntime-small");
  await tf.setBackend("onnxruntime-small");
  try {
    let x: tf.Tensor = tf.tensor2d([[1, 2, 3, 4]]);
    for (let i = 0; i < 40; i++) {
      // Two outputs of one operator, at every offset to the limit.
      const [a, b] = tf.split(x, 2, 1);
      x = tf.concat([b, i % 3 === 0 ? tf.neg(tf.neg(a)) : a], 1);
    }
    assert.deepEqual([...x.dataSync()], [1, 2, 3, 4]);
    assert.ok(backend.stats().runs > 5);
  } finally {
    tf.removeBackend("onnxruntime-small");
    await useBackend();
  }
});

Deno.test("OnnxRuntimeBackend throws what ONNX Runtime refuses when the value is read, and goes on", async () => {
  await useBackend();
  // An index out of range is not known before it is computed.
  const wrong = tf.gather(tf.tensor1d([1, 2]), tf.add(tf.tensor1d([1], "int32"), tf.tensor1d([5], "int32")));
  await Promise.resolve();
  assert.throws(() => wrong.dataSync(), /out of (data )?bounds|out of range|indices/i);
  assert.deepEqual([...tf.add(tf.ones([2]), 1).dataSync()], [2, 2]);
  wrong.dispose();
});
