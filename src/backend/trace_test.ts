import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "./_test_support.ts";

const X = { name: "x", shape: [2, 2], dtype: "float32" } as const;

Deno.test("trace() records without running, and without leaving tensors", async () => {
  const backend = await useBackend();
  const weight = tf.tensor2d([[1, 2], [3, 4]]);
  const { runs } = backend.stats();
  const { numTensors } = tf.memory();
  const ids = backend.numDataIds();
  const graph = backend.trace([X], ([x]) => [tf.relu(tf.matMul(x as tf.Tensor2D, weight))]);
  await Promise.resolve();
  assert.equal(backend.stats().runs, runs);
  assert.equal(tf.memory().numTensors, numTensors);
  assert.equal(backend.numDataIds(), ids);
  assert.deepEqual(graph.inputs, ["x"]);
  assert.deepEqual(graph.nodes.map(({ op }) => op).filter((op) => op !== "Reshape"), ["MatMul", "Relu"]);
  assert.deepEqual(
    [...graph.initializers.values()].find(({ dtype }) => dtype === "float32")?.data,
    Float32Array.of(1, 2, 3, 4),
  );
});

Deno.test("trace() throws when a traced value is read, and records again afterwards", async () => {
  const backend = await useBackend();
  assert.throws(() => backend.trace([X], ([x]) => [tf.mul(x, tf.exp(x).dataSync()[0])]), {
    name: "TypeError",
    message: /^Cannot read a tensor while a graph is traced/,
  });
  assert.deepEqual([...tf.add(tf.ones([2]), 1).dataSync()], [2, 2]);
  assert.equal(backend.trace([X], ([x]) => [tf.neg(x)]).nodes.length, 1);
});

Deno.test("trace() lets what does not depend on the inputs be read", async () => {
  const backend = await useBackend();
  const known = tf.tensor1d([5, 6]);
  const graph = backend.trace([X], ([x]) => [tf.mul(x, known.dataSync()[1])]);
  assert.deepEqual(graph.nodes.map(({ op }) => op), ["Mul"]);
});

Deno.test("trace() is not disturbed by a flush within", async () => {
  const backend = await useBackend();
  const graph = backend.trace([X], ([x]) => {
    const y = tf.neg(x);
    backend.flush();
    return [tf.exp(y)];
  });
  assert.deepEqual(graph.nodes.map(({ op }) => op), ["Neg", "Exp"]);
});

Deno.test("trace() takes what was recorded before it and not yet run", async () => {
  const backend = await useBackend();
  const pending = tf.add(tf.ones([2]), 1);
  const graph = backend.trace([X], ([x]) => [tf.mul(x, pending)]);
  assert.deepEqual([...graph.initializers.values()].map(({ data }) => [...data]), [[2, 2]]);
  assert.deepEqual([...pending.dataSync()], [2, 2]);
});

Deno.test("trace() copies what it reads: a variable may change afterwards", async () => {
  const backend = await useBackend();
  const v = tf.variable(tf.tensor1d([1, 2]));
  const graph = backend.trace([X], ([x]) => [tf.mul(x, v)]);
  v.dataSync()[0] = 9;
  assert.deepEqual([...graph.initializers.values()].map(({ data }) => [...data]), [[1, 2]]);
  v.dispose();
});

Deno.test("trace() names initializers as asked, each by a name of its own", async () => {
  const backend = await useBackend();
  const [v, w] = [tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])];
  const graph = backend.trace([X], ([x]) => [tf.add(tf.mul(x, v), w)], { nameOf: () => "conv/kernel" });
  const named = [...graph.initializers].filter(([name]) => name.startsWith("conv/kernel"));
  assert.deepEqual(named.map(([, { data }]) => [...data]), [[1, 2, 3, 4], [5, 6, 7, 8]]);
});

Deno.test("trace() takes inputs whose names the recording would give itself", async () => {
  const backend = await useBackend();
  const graph = backend.trace(["c0", "v1", "c2"].map((name) => ({ ...X, name })), ([a, b, c]) => {
    return [tf.add(tf.mul(a, 3), tf.mul(tf.sub(b, 4), c))];
  });
  assert.deepEqual(graph.inputs, ["c0", "v1", "c2"]);
  const defined = [...graph.inputs, ...graph.initializers.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  assert.equal(new Set(defined).size, defined.length);
});

Deno.test("trace() gives outputs in the order asked, inputs and repeated values among them", async () => {
  const backend = await useBackend();
  const graph = backend.trace([X, { ...X, name: "y" }], ([x, y]) => {
    const sum = tf.add(x, y);
    return [y, sum, tf.neg(sum), sum];
  });
  const [sum, negated] = graph.nodes.map(({ outputs }) => outputs[0]);
  assert.deepEqual(graph.outputs, ["y", sum, negated, sum]);
});

Deno.test("trace() says what is wrong with a tensor that it left behind", async () => {
  const backend = await useBackend();
  let left: tf.Tensor | undefined;
  backend.trace([X], ([x]) => {
    left = tf.keep(tf.neg(x));
    return [x];
  });
  assert.throws(() => left!.dataSync(), { name: "TypeError", message: /traced/ });
  assert.throws(() => tf.neg(left!), { name: "TypeError", message: /traced/ });
  left!.dispose();
});
