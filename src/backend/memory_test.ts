import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { batchNormTraining, fakeQuantize, PER_TENSOR, registerQuantKernels } from "../quant/mod.ts";
import { collectGarbage } from "./_collect_garbage.ts";
import { random, useBackend } from "./_test_support.ts";

/** One thing that a program does with its tensors. */
type Action =
  | { readonly kind: "add" | "read" | "dispose" | "chain"; readonly at: number }
  | { readonly kind: "flush" };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add", "read", "dispose", "chain"), at: fc.nat(20) }),
  fc.constant({ kind: "flush" } as const),
);

Deno.test("OnnxRuntimeBackend never writes to an array that it handed out", async () => {
  const backend = await useBackend();
  const run = (actions: readonly Action[]) => {
    // Tensors with the number that all their elements must have, and arrays with what was in them when read.
    const live: { readonly tensor: tf.Tensor; readonly value: number }[] = [{ tensor: tf.ones([64]), value: 1 }];
    const read: { readonly array: ArrayLike<number>; readonly value: number }[] = [];
    const step: Record<string, (at: number) => void> = {
      add: (at) => live.push({ tensor: tf.add(live[at].tensor, 1), value: live[at].value + 1 }),
      chain: (at) => {
        const tensor = tf.tidy(() => tf.sub(tf.mul(tf.add(live[at].tensor, 3), 2), live[at].tensor));
        live.push({ tensor, value: live[at].value + 6 });
      },
      read: (at) => read.push({ array: live[at].tensor.dataSync(), value: live[at].value }),
      dispose: (at) => {
        if (live.length > 1) live.splice(at, 1)[0].tensor.dispose();
      },
      flush: () => backend.flush(),
    };
    for (const a of actions) step[a.kind](a.kind === "flush" ? 0 : a.at % live.length);
    for (const { tensor, value } of live) read.push({ array: tensor.dataSync(), value });
    for (const { tensor } of live) tensor.dispose();
    for (const { array, value } of read) assert.deepEqual(Array.from(array), new Array(64).fill(value));
  };
  fc.assert(fc.property(fc.array(action, { minLength: 5, maxLength: 30, size: "max" }), run), {
    seed: 1,
    numRuns: 150,
  });
});

Deno.test("OnnxRuntimeBackend keeps the array of two equal constants for the one that is left", async () => {
  const backend = await useBackend();
  const [a, b] = [tf.fill([4], 5), tf.fill([4], 5)];
  backend.flush();
  a.dispose();
  backend.flush();
  const others = [1, 2, 3].map((value) => tf.add(tf.fill([4], value), 0));
  backend.flush();
  assert.deepEqual([...b.dataSync()], [5, 5, 5, 5]);
  tf.dispose([b, ...others]);
});

Deno.test("OnnxRuntimeBackend frees the arrays of disposed tensors without waiting for the garbage collector", async () => {
  const backend = await useBackend();
  const bytes = 4 * 2 ** 20;
  const external: number[] = [];
  let x = tf.keep(tf.zeros([bytes / 4]));
  for (let i = 0; i < 12; i++) {
    const next = tf.tidy(() => tf.add(x, 1));
    x.dispose();
    x = next;
    backend.flush();
    external.push(Deno.memoryUsage().external);
  }
  // Without, eight arrays would be 32 MB, unless a collection happened to come.
  assert.ok(external[11] - external[3] < bytes, `${external}`);
  assert.deepEqual([...x.dataSync().slice(0, 2)], [12, 12]);
  x.dispose();
});

Deno.test("a training step leaves no more than one array of each variable, repeated or not", async () => {
  const backend = await useBackend();
  const weights = tf.variable(random([1024, 1024], 1));
  const optimizer = tf.train.momentum(0.01, 0.9);
  // TF.js makes an array of ones for a sum's gradient, which is nobody's to free: here it has 1,024 elements.
  const column = tf.ones([1024, 1]) as tf.Tensor2D;
  const loss = () => tf.mean(tf.matMul(tf.square(weights), column)) as tf.Scalar;
  const step = () => optimizer.minimize(loss)?.dispose();
  const external: number[] = [];
  for (let i = 0; i < 12; i++) {
    step();
    backend.flush();
    external.push(Deno.memoryUsage().external);
  }
  // Of two arrays of 4 MB a step.
  assert.ok(external[11] - external[3] < 4 * 2 ** 20, `${external}`);
  optimizer.dispose();
  tf.dispose([weights, column]);
});

/** Bytes that JavaScript holds on to, and those of the process outside of its heap, after garbage collections. */
function heldBytes(): { readonly held: number; readonly outside: number } {
  // Each gives some of the heap's pages back.
  for (let i = 0; i < 8; i++) collectGarbage();
  const { heapUsed, heapTotal, external, rss } = Deno.memoryUsage();
  return { held: heapUsed + external, outside: rss - heapTotal };
}

Deno.test("OnnxRuntimeBackend keeps memory, sessions and compilations flat over 1,000 training steps", async () => {
  const backend = await useBackend();
  registerQuantKernels();
  // An array of 8 KB, which is made anew each step: those of 800 steps would be 6 MB.
  const inputs = () => random([32, 8, 8, 1], 1) as tf.Tensor4D;
  const targets = random([32, 4], 2);
  const [kernel, gamma, beta] = [random([3, 3, 1, 4], 3), tf.ones([4]), tf.zeros([4])].map((value) =>
    tf.variable(value)
  );
  const optimizer = tf.train.adam(0.01);
  const loss = () => {
    const grid = { scale: 0.05, zeroPoint: 0, qmin: 0, qmax: 255, granularity: PER_TENSOR };
    const { y } = batchNormTraining(tf.conv2d(inputs(), kernel as tf.Tensor4D, 1, "same"), {
      gamma,
      beta,
      epsilon: 1e-3,
    });
    return tf.losses.meanSquaredError(targets, tf.mean(fakeQuantize(tf.relu(y), grid), [1, 2])) as tf.Scalar;
  };
  const losses: number[] = [];
  const counts = () => ({
    tensors: tf.memory().numTensors,
    bytes: tf.memory().numBytes,
    ids: backend.numDataIds(),
    sessions: backend.stats().sessions,
    compilations: backend.stats().compilations,
  });
  const seen: ReturnType<typeof counts>[] = [];
  const memory: ReturnType<typeof heldBytes>[] = [];
  for (let i = 0; i < 1000; i++) {
    const value = optimizer.minimize(loss, true)!;
    losses.push(value.dataSync()[0]);
    value.dispose();
    seen.push(counts());
    if (i + 1 === 200 || i + 1 === 1000) memory.push(heldBytes());
  }
  assert.deepEqual(seen[999], seen[5]);
  // Measured: 0.6 and 3 MB.
  assert.ok(memory[1].held - memory[0].held < 1.5 * 2 ** 20, `${memory.map(({ held }) => held)} bytes`);
  assert.ok(memory[1].outside - memory[0].outside < 6 * 2 ** 20, `${memory.map(({ outside }) => outside)} bytes`);
  assert.ok(losses[999] < losses[0] * 0.9, `${losses[0]} → ${losses[999]}`);
  optimizer.dispose();
  tf.dispose([targets, kernel, gamma, beta]);
});

Deno.test("OnnxRuntimeBackend compiles once more for a number that changes, and never again", async () => {
  const backend = await useBackend();
  const w = tf.variable(random([5], 1));
  const start = backend.stats().compilations;
  const seen: number[] = [];
  for (let i = 0; i < 20; i++) {
    // A learning rate that decays, one that alternates, and one that stays.
    tf.tidy(() => w.assign(tf.sub(w, tf.mul(tf.mul(tf.mul(w, 0.1 / (i + 1)), i % 2), 0.5)) as tf.Tensor1D));
    backend.flush();
    seen.push(backend.stats().compilations - start);
  }
  assert.ok(seen[19] <= 3, `${seen}`);
  assert.equal(seen[19], seen[2]);
  let expected = random([5], 1).dataSync()[0];
  for (let i = 0; i < 20; i++) expected -= expected * (0.1 / (i + 1)) * (i % 2) * 0.5;
  assert.ok(Math.abs(w.dataSync()[0] - expected) < 1e-6);
  w.dispose();
});

Deno.test("OnnxRuntimeBackend lets go of the recordings that a long-lived tensor was part of", async () => {
  const backend = await useBackend();
  const kept: tf.Tensor[] = [];
  const before = heldBytes().held;
  for (let i = 0; i < 20; i++) {
    const x = tf.tensor1d([i, i + 1]);
    kept.push(x);
    // Each recording holds a megabyte of its own.
    const sum = tf.tidy(() => tf.add(tf.slice(tf.tensor1d(new Float32Array(262_144).fill(i)), 0, 2), x));
    kept.push(sum);
    backend.flush();
  }
  const held = heldBytes().held - before;
  assert.ok(held < 5 * 2 ** 20, `${held} bytes`);
  tf.dispose(kept);
});
