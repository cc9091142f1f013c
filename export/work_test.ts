import assert from "node:assert/strict";
import { registerBackend } from "../src/backend/mod.ts";
import { shadow } from "../src/shadow.ts";
import { sequentialModel } from "../tests/_support/small_models.ts";
import { prepareCalibrated } from "./_test_support.ts";
import { cpuMsOf } from "./_timed_model.ts";
import { DeployedModel } from "./deployed.ts";
import type { EnergyMeter } from "./energy.ts";
import { toOnnx } from "./to_onnx.ts";
import { measureWork } from "./work.ts";

async function exportBoth(): Promise<readonly [Uint8Array, Uint8Array]> {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  return [(await toOnnx(model, { precision: "float32" })).bytes, (await toOnnx(model)).bytes];
}

/** A processor of 5 W by a clock that runs of models move: 30 ms a run of the float file, 10 ms of the int8 file. */
function withClock<T>(work: (meter: EnergyMeter) => T): T {
  using stack = new DisposableStack();
  let now = 0;
  stack.defer(shadow(performance, "now", () => now));
  stack.defer(shadow(DeployedModel.prototype, "predict", (next, x) => {
    const answers = next(x);
    now += Object.values(answers)[0].grid === undefined ? 30 : 10;
    return answers;
  }));
  const start = () => {
    const from = now;
    return () => 5 * (now - from) / 1000;
  };
  return work({ kind: "meter", start });
}

Deno.test("measureWork() gives joules a run, of the float file and of the int8 file", async () => {
  const files = await exportBoth();
  const { joules } = withClock((meter) => measureWork(files, { batch: 1, meter }));
  assert.ok("float" in joules);
  assert.deepEqual([joules.float.toFixed(6), joules.deployed.toFixed(6)], ["0.150000", "0.050000"]);
});

Deno.test("measureWork() says why there are no joules, and counts CPU time all the same", async () => {
  const files = await exportBoth();
  const because = (meter: EnergyMeter) => {
    const { joules, singleCpuMs } = measureWork(files, { batch: 2, threads: 1, meter });
    assert.ok(singleCpuMs.float > 0 && singleCpuMs.deployed > 0);
    return "because" in joules ? joules.because : undefined;
  };
  assert.equal(because({ kind: "none", because: "it is dark" }), "it is dark");
  const still = "the counters of energy did not move";
  withClock(() => {
    assert.equal(because({ kind: "meter", start: () => () => 0 }), still);
    assert.equal(because({ kind: "meter", start: () => () => undefined }), still);
  });
});

Deno.test("measureWork() takes the threads that are asked for beside one", async () => {
  const files = await exportBoth();
  // A number that ONNX Runtime takes for none shows that it gets there; without a meter only one thread is measured.
  withClock((meter) => assert.throws(() => measureWork(files, { batch: 1, threads: -3, meter }), /thread/i));
  measureWork(files, { batch: 1, threads: -3, meter: { kind: "none", because: "" } });
});

Deno.test("cpuMsOf() counts what is computed, in ms", () => {
  let sum = 0;
  const ms = cpuMsOf(() => {
    for (let i = 0; i < 2e7; i++) sum += Math.sqrt(i);
  });
  // Some 20 to 100 ms on any machine; in µs or s it would be far off.
  assert.ok(sum > 0 && ms > 1 && ms < 10_000, `${ms}`);
});
