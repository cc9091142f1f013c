/** Tensors of several backends together: TF.js's specs "Switching cpu backends", which run on cpu alone, told again. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";

/** Makes tensors in scopes of their own, so that the counts are the test's. */
async function inScope(fn: () => Promise<void>): Promise<void> {
  await registerBackend();
  tf.engine().startScope();
  try {
    await fn();
  } finally {
    tf.engine().endScope();
    await tf.setBackend(BACKEND);
  }
}

Deno.test("data() reads a tensor wherever it lives, on either backend", () =>
  inScope(async () => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const onnx = tf.add(tf.scalar(2), tf.scalar(3));
    await tf.setBackend("cpu");
    const cpu = tf.scalar(3);
    assert.deepEqual([...await onnx.data(), ...await cpu.data()], [5, 3]);
    await tf.setBackend(BACKEND);
    assert.deepEqual([...await onnx.data(), ...await cpu.data()], [5, 3]);
    tf.dispose([onnx, cpu]);
    // The two scalars added are the scope's.
    assert.deepEqual(
      [tf.memory().numTensors, tf.memory().numDataBuffers, tf.memory().numBytes],
      [numTensors + 2, numDataBuffers + 2, numBytes + 8],
    );
  }));

Deno.test("a kernel moves the tensors of other backends to its own", () =>
  inScope(async () => {
    await tf.setBackend("cpu");
    const cpu = tf.tensor1d([1, 2, 3]);
    const backend = await registerBackend();
    const before = { cpu: tf.findBackend("cpu").numDataIds(), onnx: backend.numDataIds() };
    const onnx = tf.tensor1d([10, 20, 30]);
    const sum = tf.add(cpu, onnx);
    assert.deepEqual([...sum.dataSync()], [11, 22, 33]);
    assert.equal(tf.findBackend("cpu").numDataIds(), before.cpu - 1);
    assert.equal(backend.numDataIds(), before.onnx + 3);
    await tf.setBackend("cpu");
    const product = tf.mul(sum, cpu);
    assert.deepEqual([...product.dataSync()], [11, 44, 99]);
    assert.equal(backend.numDataIds(), before.onnx + 1);
  }));

Deno.test("tensors that share their elements move together", () =>
  inScope(async () => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const y = tf.reshape(x, [2, 2]);
    x.dispose();
    await tf.setBackend("cpu");
    assert.deepEqual(tf.transpose(y).arraySync(), [[1, 3], [2, 4]]);
    await tf.setBackend(BACKEND);
    assert.deepEqual(tf.transpose(y).arraySync(), [[1, 3], [2, 4]]);
  }));

Deno.test("strings, bools and complex numbers move to ONNX Runtime and compute there", () =>
  inScope(async () => {
    await tf.setBackend("cpu");
    const words = tf.tensor1d(["a", "b"]);
    const flags = tf.tensor1d([true, false], "bool");
    const numbers = tf.complex([1, 2], [3, 4]);
    const backend = await registerBackend();
    const before = new Map(backend.fallbacks());
    assert.deepEqual(tf.concat([words, tf.tensor1d(["c"])]).arraySync(), ["a", "b", "c"]);
    assert.deepEqual([...tf.logicalNot(flags).dataSync()], [0, 1]);
    assert.deepEqual([...tf.mul(numbers, numbers).dataSync()], [-8, 6, -12, 16]);
    const fallen = [...backend.fallbacks()].filter(([kernel, count]) => count !== before.get(kernel));
    assert.deepEqual(fallen.map(([kernel]) => kernel).sort(), ["Concat", "Multiply"]);
  }));
