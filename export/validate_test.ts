import assert from "node:assert/strict";
import type * as tf from "@tensorflow/tfjs-core";
import { registerBackend } from "../src/backend/mod.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { predict, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { prepareCalibrated, relativeError, runExported, samplesFor } from "./_test_support.ts";
import { classification } from "../tasks/classification/classification.ts";
import type { Answers } from "../models/answers.ts";
import { DeployedModel, type Samples } from "./deployed.ts";
import { compareLatency } from "./latency.ts";
import { type OnnxModel, toOnnx } from "./to_onnx.ts";
import { predictAll, validate } from "./validate.ts";

async function exportBoth(): Promise<
  { int8: OnnxModel; float: OnnxModel; x: tf.Tensor; simulated: Float32Array; scale: number }
> {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const [x] = samplesFor(model, 12);
  const output = model.getLayer("fc_quant");
  assert.ok(output instanceof FakeQuantize);
  const [simulated] = predict(model, [x]);
  const int8 = await toOnnx(model);
  return { int8, float: await toOnnx(model, { precision: "float32" }), x, simulated, scale: output.readGrid().scale };
}

function answersOf(values: Float32Array, scale: number): Answers {
  return { fc: { values, shape: [values.length / 5, 5], grid: { scale, zeroPoint: 0 } } };
}

/** Cuts 12 samples into batches of 5, 5 and 2. */
function batches(x: tf.Tensor): Samples[] {
  const width = x.size / 12;
  const values = x.dataSync<"float32">();
  const parts = [values.slice(0, 5 * width), values.slice(5 * width, 10 * width), values.slice(10 * width)];
  return parts.map((x) => ({ x }));
}

Deno.test("validate() compares the deployed model with the simulation, and both files", async () => {
  const { int8, float, x, simulated, scale } = await exportBoth();
  const found = validate({
    int8,
    float,
    batches: batches(x),
    simulated: answersOf(simulated, scale),
    task: classification().bind([{ name: "fc", shape: [5] }], "seq"),
    latency: { runs: 5, threads: 1 },
    precise: true,
  });
  const [{ output, same, compared }] = found.agreement;
  assert.deepEqual([output, same, compared.kind, compared.count], ["fc", 1, "codes", 60]);
  assert.ok(compared.maxDifference <= 1);
  assert.deepEqual(found.deployed.fc.grid, { scale, zeroPoint: 0 });
  assert.ok(relativeError(found.deployed.fc.values, simulated) <= scale / Math.max(...simulated) + 1e-6);
  assert.deepEqual(found.bytes, { float: float.bytes.length, deployed: int8.bytes.length });
  assert.equal(found.fusion.int8.QLinearConv, 2);
  assert.deepEqual([found.latencyMs.batch, found.latencyMs.threads], [1, 1]);
  for (const { p50, p95 } of [found.latencyMs.float, found.latencyMs.deployed]) assert.ok(p50 > 0 && p95 >= p50);
});

Deno.test("validate() counts and times what a task makes of answers, and what a run takes", async () => {
  const { int8, float, x, simulated, scale } = await exportBoth();
  const given = { int8, float, batches: batches(x), simulated: answersOf(simulated, scale), latency: { runs: 2 } };
  const { heads } = classification().bind([{ name: "fc", shape: [5] }], "seq");
  const counted: Answers[] = [];
  const agreement = (a: Answers, b: Answers) => {
    counted.push(a, b);
    return { what: "things", same: 7, of: 9 };
  };
  const decode = (answers: Answers) => assert.deepEqual(answers.fc.shape, [1, 5]);
  const found = validate({ ...given, task: { heads, agreement, decode } });
  assert.deepEqual(found.taskAgreement, { what: "things", same: 7, of: 9 });
  assert.deepEqual(counted, [given.simulated, found.deployed]);
  assert.ok(found.latencyMs.decoding!.p50 >= 0);
  for (const { float, deployed } of [found.work.cpuMs, found.work.singleCpuMs]) assert.ok(float > 0 && deployed > 0);
  const plain = validate({ ...given, task: { heads } });
  assert.deepEqual([plain.taskAgreement, plain.latencyMs.decoding], [undefined, undefined]);
});

Deno.test("validate() tells when the simulation answered otherwise", async () => {
  const { int8, float, x, simulated, scale } = await exportBoth();
  const wrong = simulated.map((value, i) => i === 7 ? value + 3 * scale : value);
  const { agreement: [{ compared }] } = validate({
    int8,
    float,
    batches: batches(x),
    simulated: answersOf(wrong, scale),
    latency: { runs: 1 },
  });
  assert.ok(compared.kind === "codes" && compared.different >= 1 && compared.maxDifference >= 2);
});

Deno.test("validate() refuses a simulation of other samples", async () => {
  const { int8, float, x, simulated, scale } = await exportBoth();
  const simulation = answersOf(simulated.slice(5), scale);
  assert.throws(
    () => validate({ int8, float, batches: batches(x), simulated: simulation }),
    /one model gave 55 values for output "fc" \(\[11,5\]\), the other 60/,
  );
});

Deno.test("predictAll() gives the answers of all batches in their order", async () => {
  const { int8, x } = await exportBoth();
  const { fc: { values, shape } } = predictAll(int8.bytes, batches(x), { threads: 1, precise: true });
  assert.deepEqual(shape, [12, 5]);
  assert.deepEqual(values, runExported(int8, [x])[0]);
});

Deno.test("predictAll() gives all outputs by name", async () => {
  await registerBackend();
  const model = skipModel();
  const exported = await toOnnx(model);
  const [x] = samplesFor(model, 2);
  const answers = predictAll(exported.bytes, [{ image: x.dataSync<"float32">() }], { precise: true });
  const [score, map] = runExported(exported, [x]);
  assert.deepEqual(answers, {
    score: { values: score, shape: [2, 1] },
    conv_map: { values: map, shape: [2, 8, 8, 2] },
  });
});

Deno.test("DeployedModel refuses batches that are not whole samples, and names that it does not have", async () => {
  const { int8 } = await exportBoth();
  const model = new DeployedModel(int8.bytes, { threads: 1 });
  assert.deepEqual(model.sampleShapes, { conv1_input: [8, 8, 3] });
  for (const length of [0, 100]) {
    assert.throws(
      () => model.predict({ x: new Float32Array(length) }),
      new TypeError(
        `Cannot predict: the batch has ${length} numbers for "conv1_input", a multiple of 192 ([8,8,3]) is needed`,
      ),
    );
  }
  const x = new Float32Array(192);
  assert.throws(
    () => model.predict({ conv1_imput: x, conv1_input: x }),
    new RangeError(
      'Cannot predict: there is no input "conv1_imput", needed is one of conv1_input (did you mean "conv1_input"?)',
    ),
  );
  model.dispose();
});

Deno.test("compareLatency() runs files of a fixed batch beside others, at any number of samples", async () => {
  const { int8, float } = await exportBoth();
  // Files that take batches of 3: fewer samples are filled up.
  const fixed = [float, int8].map(({ graph }) => {
    const types = new Map([...graph.types].map(([name, { dtype, shape }]) => {
      return [name, { dtype, shape: shape.map((dim) => dim === "batch" ? 3 : dim) }] as const;
    }));
    return encodeModel({ ...graph, types }, { valueInfo: false });
  });
  for (const models of [[fixed[0], int8.bytes], [float.bytes, fixed[1]]] as const) {
    for (const batch of [2, 3, 4]) {
      assert.equal(compareLatency(models, { runs: 2, threads: 1, batch }).times.length, 2);
    }
  }
});

Deno.test("validate() runs files for ARM as they run there when int8 activations are allowed", async () => {
  await registerBackend();
  const { model, islands } = await prepareCalibrated(skipModel(), { target: "arm" });
  const [int8, float] = [await toOnnx(model), await toOnnx(model, { precision: "float32" })];
  const [x] = samplesFor(model, 4);
  const samples = Object.fromEntries(int8.graph.inputs.map((name) => [name, x.dataSync<"float32">()]));
  const simulated = predictAll(int8.bytes, [samples], { int8Activations: true });
  const look = (int8Activations: boolean) =>
    validate({
      int8,
      float,
      batches: [samples],
      simulated,
      islands,
      int8Activations,
      latency: { runs: 1, threads: 1 },
    });
  const allowed = look(true);
  assert.deepEqual(allowed.fusion.float, []);
  assert.deepEqual(allowed.deployed, simulated);
  assert.ok(look(false).fusion.float.length > 0);
});
