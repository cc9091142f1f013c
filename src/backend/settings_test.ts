import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "./mod.ts";
import { Settings } from "./_settings.ts";
import { random, useBackend } from "./_test_support.ts";

Deno.test("Settings.change() changes what is named, and leaves the rest", () => {
  const settings = new Settings();
  settings.change({ threads: 2, maxSessions: 5 });
  settings.change({ profilePrefix: "p" });
  settings.change({ threads: undefined });
  const { threads, profilePrefix, device } = settings.sessionOptions();
  assert.deepEqual({ threads, profilePrefix, device }, { threads: 2, profilePrefix: "p", device: "cpu" });
  assert.deepEqual([settings.maxSessions, settings.maxPendingNodes], [5, 50_000]);
});

Deno.test("Settings.needNewSessions() is true of what sessions are made with, where it differs", () => {
  const settings = new Settings();
  settings.change({ threads: 2, profilePrefix: "p" });
  const answers = [
    {},
    { threads: 2, profilePrefix: "p", device: "cpu" },
    { maxSessions: 3, maxPendingNodes: 7 },
    { threads: 1 },
    { profilePrefix: "q" },
    { device: "cuda" },
  ] as const;
  assert.deepEqual(answers.map((options) => settings.needNewSessions(options)), [
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

Deno.test("registerBackend() goes on with another number of threads, all tensors as they are", async () => {
  const backend = await useBackend();
  const [x, w] = [random([200, 300], 1), random([300, 100], 2)];
  const product = () => tf.tidy(() => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D).dataSync());
  try {
    await registerBackend({ threads: 1 });
    const expected = product();
    const recorded = tf.keep(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
    // Nothing is made anew for what the backend has already.
    const { sessions } = backend.stats();
    for (const options of [{}, { threads: 1 }, { maxPendingNodes: 50_000 }]) await registerBackend(options);
    assert.ok(backend.stats().sessions >= sessions && sessions > 0);
    assert.equal(await registerBackend({ threads: 2 }), backend);
    assert.equal(backend.stats().sessions, 0);
    assert.deepEqual([recorded.dataSync(), product()], [expected, expected]);
    recorded.dispose();
  } finally {
    tf.dispose([x, w]);
  }
});

Deno.test("registerBackend() refuses numbers that make no sense, and changes nothing", async () => {
  const backend = await useBackend();
  tf.square(tf.scalar(3)).dataSync();
  const { sessions } = backend.stats();
  for (const threads of [0, -1, 1.5, NaN]) {
    await assert.rejects(registerBackend({ threads }), {
      name: "RangeError",
      message: `Cannot use backend "onnxruntime": threads is ${threads}, needed is an integer from 1 on`,
    });
  }
  await assert.rejects(registerBackend({ maxSessions: 0 }), /maxSessions is 0, needed is an integer from 1 on/);
  assert.equal(backend.stats().sessions, sessions);
});

Deno.test("registerBackend() bounds the sessions from the next one made on", async () => {
  const backend = await useBackend();
  const compute = (size: number) => tf.tidy(() => tf.square(tf.ones([size])).dataSync());
  try {
    for (const size of [3, 4, 5]) compute(size);
    assert.ok(backend.stats().sessions >= 3);
    await registerBackend({ maxSessions: 2 });
    compute(6);
    assert.equal(backend.stats().sessions, 2);
  } finally {
    await registerBackend({ maxSessions: 32 });
  }
});
