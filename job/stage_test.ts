/** What sets the stages of training apart, and what a stage does. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { fadeActivation, rewriteModel } from "../src/rewrite/mod.ts";
import { fit } from "../train/fit.ts";
import { trainingBatches } from "./_data.ts";
import type { StageName } from "./events.ts";
import type { TrainingJob } from "./_job.ts";
import { lineModel, points, pointsJob } from "./_test_support.ts";
import { decidingMetrics, planOf, trainStage } from "./_stage.ts";
import { tasksFor } from "./_task.ts";
import { resolveOptions } from "./options.ts";

/** Losses of all steps where nothing is learned: they tell which samples the steps saw. */
const STILL = { optimizer: "sgd", lr: 1e-30, floatLr: 1e-30, batchSize: 16, floatEpochs: 3, adaptEpochs: 2 };

async function lossesOf(job: TrainingJob, name: StageName): Promise<readonly number[]> {
  const losses: number[] = [];
  const model = lineModel();
  await trainStage({ ...job, events: { onStep: ({ loss }) => losses.push(loss) } }, { name, model, epochs: 2 });
  model.dispose();
  return losses;
}

Deno.test("trainStage() gives each stage orders of the data that no stage before it had, and the controls those of QAT", async () => {
  const job = await pointsJob(STILL);
  const first: Readonly<Record<Exclude<StageName, "qat">, number>> = {
    float: 0,
    adapted: 3,
    "own-adapted": 3,
    control: 5,
    "own-control": 5,
  };
  for (const [name, epoch] of Object.entries(first)) {
    const expected: number[] = [];
    const model = lineModel();
    await fit(model, {
      task: tasksFor(model, job.options, job.data),
      train: (later) => trainingBatches(model, job.data, { epoch: epoch + later }),
      epochs: 2,
      stepsPerEpoch: 3,
      optimizer: tf.train.sgd(1e-30),
      onStep: ({ loss }) => expected.push(loss),
    });
    model.dispose();
    assert.deepEqual(await lossesOf(job, name as StageName), expected, name);
  }
});

Deno.test("trainStage() trains the stages at their own rates, along a cosine", async () => {
  const job = await pointsJob({ optimizer: "sgd", lr: 0.25, floatLr: 0.5, batchSize: 48 });
  for (const [name, peak] of [["float", 0.5], ["adapted", 0.5], ["control", 0.25], ["own-control", 0.25]] as const) {
    const model = lineModel();
    const { epochs } = await trainStage(job, { name, model, epochs: 2 });
    model.dispose();
    assert.deepEqual(epochs.map(({ learningRate }) => learningRate), [peak, peak / 2]);
  }
});

Deno.test("trainStage() ends with the epoch that is the best on the validation samples, and says which", async () => {
  const log: string[] = [];
  // What there is to choose by is labelled otherwise, so that the model leaves its best state again.
  const options = { optimizer: "sgd", floatLr: 0.3, batchSize: 16 };
  const job = await pointsJob(options, { validation: points(30, { seed: 5, noise: -1.5 }), log });
  const model = lineModel();
  const { history, epochs } = await trainStage(job, { name: "float", model, epochs: 6 });
  const values = epochs.map(({ float }) => float![0].value);
  const best = values.findLastIndex((value) => value === Math.max(...values)) + 1;
  assert.ok(best < 6 && values[best - 1] > values[5], `${values}`);
  assert.equal(history.bestEpoch, best);
  assert.equal(
    log.at(-1),
    `float: epoch ${best} of 6 is the best on 30 validation samples, accuracy: ${
      (100 * values[best - 1]).toFixed(2)
    } %.`,
  );
  // What is kept of an epoch can be written down and read again.
  assert.deepEqual(JSON.parse(JSON.stringify({ history, epochs })), { history, epochs });
  model.dispose();
});

Deno.test("trainStage() takes the last epoch where there are no validation samples, and measures nothing", async () => {
  const log: string[] = [];
  const job = await pointsJob({ batchSize: 16 }, { log });
  const model = lineModel();
  const { history, epochs } = await trainStage(job, { name: "control", model, epochs: 3 });
  assert.deepEqual([history.bestEpoch, epochs.map(({ float }) => float)], [undefined, [
    undefined,
    undefined,
    undefined,
  ]]);
  assert.equal(log.at(-1), "control: the last of 3 epochs is taken.");
  model.dispose();
});

Deno.test("trainStage() takes slopes to 0 in the epochs that are asked for, of the model that is swapped alone", async () => {
  const slopeAfter = async (name: StageName, swapEpochs: number) => {
    const { layers } = tfl;
    const { model } = rewriteModel(
      tfl.sequential({
        layers: [
          layers.dense({ units: 4, inputShape: [2] }),
          layers.leakyReLU({ alpha: 0.25, name: "leaky" }),
          layers.dense({ units: 2, activation: "softmax", name: "fc" }),
        ],
      }),
      [fadeActivation()],
    );
    const job = await pointsJob({ ...STILL, swapEpochs });
    await trainStage(job, { name, model, epochs: 2 });
    const [slope] = model.getLayer("leaky").getWeights()[0].dataSync();
    model.dispose();
    return slope;
  };
  assert.equal(await slopeAfter("adapted", 1), 0);
  assert.equal(await slopeAfter("adapted", 0), 0.25);
  assert.equal(await slopeAfter("own-adapted", 1), 0.25);
});

Deno.test("decidingMetrics() takes the file's, where there is none the simulation's, of a float model its own", () => {
  const metric = (value: number) =>
    [{ name: "accuracy", output: "y", unit: "fraction", better: "higher", count: 1, value }] as const;
  const [float, simulated, deployed] = [metric(1), metric(2), metric(3)];
  assert.equal(decidingMetrics({ simulated, deployed }), deployed);
  assert.equal(decidingMetrics({ deployed, simulated }), deployed);
  assert.equal(decidingMetrics({ simulated }), simulated);
  assert.equal(decidingMetrics({ float }), float);
  assert.equal(decidingMetrics({}), undefined);
});

const OPTIONS = resolveOptions({
  task: "detection",
  floatLr: 0.01,
  lr: 0.002,
  floatEpochs: 5,
  adaptEpochs: 3,
  freezeObserversAfter: 2,
  freezeBnAfter: 1,
});

function plan(name: Parameters<typeof planOf>[0]) {
  return planOf(name, { options: { ...OPTIONS, task: "detection" } });
}

Deno.test("trainStage() trains float models at the rate for them, in orders that no stage before has had", () => {
  for (const [name, firstEpoch] of [["float", 0], ["adapted", 5], ["own-adapted", 5]] as const) {
    const { rate, firstEpoch: first } = plan(name);
    assert.deepEqual([name, rate, first], [name, 0.01, firstEpoch]);
  }
});

Deno.test("trainStage() trains the controls at the rate and in the orders of the training that they are a control of", () => {
  for (const name of ["qat", "control", "own-control"] as const) {
    const { rate, firstEpoch, mosaicUntil } = plan(name);
    assert.deepEqual([name, rate, firstEpoch, mosaicUntil], [name, 0.002, 8, 4]);
  }
  assert.equal(plan("float").mosaicUntil, undefined);
});

Deno.test("trainStage() rounds in quantization-aware training only, and freezes there when it is asked to", () => {
  const at = (epoch: number) => ({ epoch, step: 0, stepsPerEpoch: 10 });
  for (const name of ["float", "adapted", "own-adapted", "control", "own-control"] as const) {
    for (const epoch of [0, 9]) assert.equal(plan(name).schedule(at(epoch)).fakeQuantizing, false);
  }
  const phases = [0, 1, 2].map((epoch) => plan("qat").schedule(at(epoch)));
  assert.ok(phases.every(({ fakeQuantizing }) => fakeQuantizing));
  assert.deepEqual(phases.map(({ observing }) => observing), [true, true, false]);
  assert.deepEqual(phases.map(({ trainingBatchNorm }) => trainingBatchNorm), [true, false, false]);
});
