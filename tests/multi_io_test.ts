/** Two inputs and two outputs, through the public interface: trained, evaluated, exported, validated and reported by name. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {
  type Answers,
  calibrate,
  classification,
  compareLatency,
  DeployedModel,
  evaluate,
  fit,
  formatReport,
  meanSquaredError,
  measureAll,
  optimizerFor,
  prepareQat,
  qatSchedule,
  registerBackend,
  regression,
  type Report,
  type SampleBatch,
  softmaxCrossEntropy,
  toOnnx,
  validate,
} from "../mod.ts";
import { apply, randomArray } from "./_support/small_models.ts";

const { layers } = tfl;

/** A picture and two numbers in; out come which corner is bright ("corner") and the sum of the numbers ("sum"). */
function makeModel(): tfl.LayersModel {
  const picture = tfl.input({ shape: [6, 6, 1], name: "picture" });
  const numbers = tfl.input({ shape: [2], name: "numbers" });
  const conv = apply(layers.conv2d({ name: "conv", filters: 4, kernelSize: 3, activation: "relu" }), picture);
  const seen = apply(layers.flatten({ name: "flat" }), conv);
  const read = apply(layers.dense({ name: "read", units: 8, activation: "relu" }), numbers);
  const both = apply(layers.concatenate({ name: "both" }), seen, read);
  const corner = apply(layers.dense({ name: "logits", units: 4 }), both);
  return tfl.model({
    name: "two",
    inputs: [picture, numbers],
    outputs: [
      apply(layers.softmax({ name: "corner" }), corner),
      apply(layers.dense({ name: "sum", units: 1 }), both),
    ],
  });
}

const SIZE = 32;

function batch(seed: number): SampleBatch {
  const picture = randomArray(SIZE * 36, seed).map((x) => 0.2 * x);
  const numbers = randomArray(SIZE * 2, seed + 1000);
  const corner = Int32Array.from(randomArray(SIZE, seed + 2000), (x) => Math.floor((x + 1) * 2));
  corner.forEach((where, i) => {
    for (const at of [0, 1, 6, 7]) picture[i * 36 + at + (where % 2 === 1 ? 4 : 0) + (where > 1 ? 24 : 0)] += 1;
  });
  const sum = Float32Array.from({ length: SIZE }, (_, i) => numbers[2 * i] + numbers[2 * i + 1]);
  // Not in the model's order: names decide.
  return { inputs: { numbers, picture }, targets: { sum, corner }, size: SIZE };
}

const train = (epoch: number) => Array.from({ length: 8 }, (_, i) => batch(100 * epoch + i));
const test = Array.from({ length: 4 }, (_, i) => batch(90_000 + i));
const task = [classification({ output: "corner" }), regression({ output: "sum", unit: "m" })];

async function trained() {
  await registerBackend({ threads: 1 });
  tf.env().set("PROD", true);
  const model = makeModel();
  const optimizer = optimizerFor("adam", { learningRate: 0.01 });
  const loss = { corner: softmaxCrossEntropy(), sum: meanSquaredError };
  const history = await fit(model, { train, epochs: 6, stepsPerEpoch: 8, optimizer, loss });
  const float = await evaluate(model, test, { task });
  const prepared = prepareQat(model);
  await calibrate(prepared.model, train(50));
  const schedule = qatSchedule({ freezeObserversAfter: 1 });
  const qat = await fit(prepared.model, {
    train,
    epochs: 2,
    stepsPerEpoch: 8,
    optimizer: optimizerFor("adam"),
    task,
    schedule,
  });
  const simulated = await evaluate(prepared.model, test, { task });
  const [int8, float32] = [await toOnnx(prepared.model), await toOnnx(prepared.model, { precision: "float32" })];
  return { history, float, qat, simulated, int8, float32 };
}

const run = await trained();

Deno.test("fit() trains both outputs from both inputs, by losses and by tasks", () => {
  const { history: { epochs }, qat } = run;
  assert.ok(epochs[5].loss < 0.2 * epochs[0].loss, `${epochs.map(({ loss }) => loss)}`);
  assert.deepEqual(qat.epochs[0].metrics.map(({ name, unit }) => [name, unit]), [
    ["corner accuracy", "fraction"],
    ["sum MAE", "m"],
  ]);
});

Deno.test("evaluate() measures each output by its task, and answers with grids where there are some", () => {
  const { float, simulated } = run;
  for (const { metrics } of [float, simulated]) {
    assert.deepEqual(metrics.map(({ output, name }) => `${output} ${name}`), [
      "corner accuracy",
      "sum MAE",
      "sum RMSE",
      "sum R²",
    ]);
    assert.ok(metrics[0].value > 0.95 && metrics[1].value < 0.2, `${metrics.map(({ value }) => value)}`);
    assert.deepEqual(metrics.map(({ count }) => count), [128, 128, 128, 128]);
  }
  assert.deepEqual(Object.keys(simulated.answers), ["corner", "sum"]);
  assert.equal(simulated.answers.corner.grid?.scale, 1 / 256);
  assert.equal(float.answers.sum.grid, undefined);
});

Deno.test("validate() compares both outputs by name, as codes on their grids", () => {
  const { int8, float32: float, simulated } = run;
  const found = validate({
    int8,
    float,
    batches: test.map(({ inputs }) => inputs),
    simulated: simulated.answers,
    task: simulated.task,
    latency: { runs: 2, threads: 1 },
    precise: true,
  });
  assert.deepEqual(
    found.agreement.map(({ output, samples, same, compared: { kind, count } }) => [output, samples, same, kind, count]),
    [["corner", 128, 1, "codes", 512], ["sum", 128, undefined, "codes", 128]],
  );
  for (const { compared } of found.agreement) assert.ok(compared.maxDifference <= 1);
  const deployed = measureAll(simulated.task, { answers: found.deployed, targets: simulated.targets });
  deployed.forEach(({ value }, i) => assert.ok(Math.abs(value - simulated.metrics[i].value) < 0.02));
  assert.deepEqual(found.fusion.float, []);
});

Deno.test("DeployedModel and compareLatency() take inputs by name, and say what is missing", () => {
  const { int8, float32 } = run;
  const model = new DeployedModel(int8.bytes, { threads: 1 });
  assert.deepEqual(model.sampleShapes, { picture: [6, 6, 1], numbers: [2] });
  const { inputs } = test[0];
  const answers: Answers = model.predict(inputs);
  assert.deepEqual(Object.entries(answers).map(([name, { shape }]) => [name, shape]), [
    ["corner", [SIZE, 4]],
    ["sum", [SIZE, 1]],
  ]);
  assert.throws(() => model.predict({ picture: inputs.picture }), /a batch has no input "numbers", only "picture"/);
  assert.throws(() => model.predict({ ...inputs, numbers: new Float32Array(4) }), /32 samples for "picture" and 2 for/);
  model.dispose();
  const { times: [{ p50 }] } = compareLatency([float32.bytes, int8.bytes], { runs: 2, threads: 1 });
  assert.ok(p50 > 0);
});

Deno.test("formatReport() tells of both outputs by name", () => {
  const { float, simulated } = run;
  const metrics = simulated.metrics.map(({ scores: _, value, ...metric }, i) => ({
    ...metric,
    float: float.metrics[i].value,
    simulated: value,
  }));
  const report: Report = {
    schema: 5,
    task: {
      name: simulated.task.name,
      outputs: Object.entries(simulated.task.heads).map(([name, { task }]) => ({ name, task })),
    },
    metrics,
    train: { epochs: [], firstStepMs: null, stepMs: null, peakRssMb: null },
    rewrites: [],
    seed: 0,
    versions: {},
  };
  const text = formatReport(report);
  for (const words of ["corner", "sum", "MAE", "accuracy"]) assert.ok(text.includes(words), `${words} in ${text}`);
});
