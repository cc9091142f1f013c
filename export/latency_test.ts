/** What latency is made of, by a clock that only runs of a model move: nothing here depends on the machine. */
import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { registerBackend } from "../src/backend/mod.ts";
import { shadow } from "../src/shadow.ts";
import { sequentialModel } from "../tests/_support/small_models.ts";
import { prepareCalibrated, samplesFor } from "./_test_support.ts";
import { DeployedModel } from "./deployed.ts";
import { compareLatency, timeDecoding, whyUnsteady } from "./latency.ts";
import { toOnnx } from "./to_onnx.ts";
import { predictAll, validate } from "./validate.ts";

async function exportBoth() {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  return { model, int8: await toOnnx(model), float: await toOnnx(model, { precision: "float32" }) };
}

/** Runs `work` on a clock: each run of the int8 file takes as many ms as it has had runs, of the float file ten times that. */
function withClock<T>(work: () => T): { result: T; rests: readonly number[] } {
  using stack = new DisposableStack();
  let now = 0;
  const runs = { int8: 0, float: 0 };
  const rests: number[] = [];
  stack.defer(shadow(performance, "now", () => now));
  stack.defer(shadow(DeployedModel.prototype, "predict", (next, x) => {
    const answers = next(x);
    const kind = Object.values(answers)[0].grid === undefined ? "float" : "int8";
    now += ++runs[kind] * (kind === "float" ? 10 : 1);
    return answers;
  }));
  stack.defer(shadow(Atomics, "wait", (_next, ...args: readonly unknown[]) => {
    rests.push(Number(args[3]));
    return "timed-out" as const;
  }));
  return { result: work(), rests };
}

Deno.test("compareLatency() gives the median and the 95th percentile of the runs behind the warm-up, in the order given", async () => {
  const { int8, float } = await exportBoth();
  // 10 runs to warm up, 3 to settle, then runs 14 to 33 count: the 10th and the 19th of 20.
  const { result: { times: [first, second] } } = withClock(() =>
    compareLatency([float.bytes, int8.bytes], { runs: 20, threads: 1 })
  );
  assert.deepEqual([first.p50, first.p95], [230, 320]);
  assert.deepEqual([second.p50, second.p95], [23, 32]);
});

Deno.test("compareLatency() says what a run takes of the processor, which all runs together do not exceed", async () => {
  const { int8, float } = await exportBoth();
  const runs = 30;
  const before = cpuUsage();
  const { cpuMs } = compareLatency([float.bytes, int8.bytes], { runs, threads: 1 });
  const { user, system } = cpuUsage(before);
  assert.ok(cpuMs[0] >= 0 && cpuMs[1] >= 0);
  assert.ok((cpuMs[0] + cpuMs[1]) * runs <= (user + system) / 1000, `${cpuMs} ms of ${user + system} µs`);
});

Deno.test("compareLatency() rests and settles before each turn of 25 runs", async () => {
  const { int8, float } = await exportBoth();
  // Runs 14 to 38, then 39 to 41 settle, then 42 to 46: the 15th and the 29th of 30.
  const { result: { times: [first] }, rests } = withClock(() =>
    compareLatency([int8.bytes, float.bytes], { runs: 30, threads: 1 })
  );
  assert.deepEqual([first.p50, first.p95], [28, 45]);
  assert.equal(rests.length, 4);
  assert.ok(rests.every((ms) => ms >= 5), `rests of ${rests} ms`);
});

Deno.test("validate() gives each file its own times, at one sample a run unless asked otherwise", async () => {
  const { model, int8, float } = await exportBoth();
  const samples = [{ x: samplesFor(model, 1)[0].dataSync<"float32">() }];
  const simulated = predictAll(int8.bytes, samples, { threads: 1 });
  const { result: { latencyMs } } = withClock(() =>
    validate({ int8, float, batches: samples, simulated, latency: { runs: 3 } })
  );
  // The int8 file has answered once more: its answers are what is compared.
  assert.deepEqual([latencyMs.deployed.p50, latencyMs.float.p50], [16, 150]);
  assert.deepEqual([latencyMs.batch, latencyMs.threads], [1, navigator.hardwareConcurrency]);
});

Deno.test("timeDecoding() decodes the answers to one sample after the other, each anew", () => {
  using stack = new DisposableStack();
  let now = 0;
  stack.defer(shadow(performance, "now", () => now));
  const answers = {
    a: { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2], grid: { scale: 1, zeroPoint: 0 } },
    b: { values: Float32Array.of(7, 8, 9), shape: [3, 1, 1] },
  };
  const seen: unknown[] = [];
  const times = timeDecoding((one) => {
    seen.push(one);
    // Samples take 1, 3 and 5 ms.
    now += one.a.values[0];
  }, answers);
  assert.deepEqual(times, { p50: 3, p95: 5 });
  const grid = { scale: 1, zeroPoint: 0 };
  assert.deepEqual(
    seen.slice(0, 3),
    [[1, 2, 7], [3, 4, 8], [5, 6, 9]].map(([a0, a1, b]) => ({
      a: { values: Float32Array.of(a0, a1), shape: [1, 2], grid },
      b: { values: Float32Array.of(b), shape: [1, 1, 1] },
    })),
  );
  // A task may remember what it made of answers that it has seen.
  assert.equal(new Set(seen).size, seen.length);
});

Deno.test("whyUnsteady() says what betrays a busy machine, and nothing of a quiet one", () => {
  const quiet = Array.from({ length: 100 }, (_, i) => 1 + 0.3 * ((i * 37) % 100) / 100);
  assert.equal(whyUnsteady([quiet, quiet.map((ms) => 4 * ms)]), undefined);
  // Six runs in a hundred that wait for a core; five would still be the slowest twentieth.
  const waits = (count: number) => quiet.map((ms, i) => i % 16 === 3 && i < 16 * count ? 20 * ms : ms);
  assert.match(whyUnsteady([quiet, waits(6)]) ?? "", /^the slowest twentieth of the runs took [\d.]+ times the median/);
  assert.equal(whyUnsteady([waits(4), quiet]), undefined);
  // Somebody comes halfway, or goes.
  for (const slow of [(i: number) => i < 50, (i: number) => i >= 50]) {
    const drifting = quiet.map((ms, i) => slow(i) ? 1.5 * ms : ms);
    assert.match(
      whyUnsteady([quiet, drifting]) ?? "",
      /^the median of one half of the runs is 1\.5 times that of the other$/,
    );
  }
  assert.equal(whyUnsteady([[1, 50], [1, 1]]), undefined);
  // Of 39 runs the slowest twentieth is one, of 40 it is two.
  const slow = (runs: number) => Array.from({ length: runs }, (_, i) => i < 3 ? 20 : 1);
  assert.equal(whyUnsteady([slow(39)]), undefined);
  assert.match(whyUnsteady([slow(40)]) ?? "", /^the slowest twentieth/);
});

Deno.test("compareLatency() runs with the threads that are asked for", async () => {
  const { int8, float } = await exportBoth();
  // A number that ONNX Runtime takes for none shows that it gets there.
  assert.throws(() => compareLatency([float.bytes, int8.bytes], { runs: 1, threads: -3 }), /thread/i);
});
