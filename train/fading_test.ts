import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { BACKEND, type OnnxRuntimeBackend, registerBackend } from "../src/backend/mod.ts";
import { fadeActivation, FadingReLU, rewriteModel } from "../src/rewrite/mod.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { assertClose } from "./_test_support.ts";
import { epochOf, quarters, SIDE, useBackend, weightValues } from "./_test_task.ts";
import { fit } from "./fit.ts";
import { optimizerFor } from "./optimizers.ts";
import { fadingSchedule } from "./schedule.ts";

const EPOCHS = 4;
const STEPS = 5;
const ALPHA = 0.2;

function fadingNet(): tfl.LayersModel {
  const { layers } = tfl;
  const leaky = seedWeights(tfl.sequential({
    layers: [
      layers.conv2d({
        filters: 16,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        inputShape: [SIDE, SIDE, 2],
        name: "conv",
      }),
      layers.batchNormalization({ name: "bn" }),
      layers.leakyReLU({ alpha: ALPHA, name: "leaky" }),
      layers.globalAveragePooling2d({ name: "pool" }),
      layers.dense({ units: 4, activation: "softmax", name: "fc" }),
    ],
  }));
  return rewriteModel(leaky, [fadeActivation()]).model;
}

/** The slope of the net's activation. */
function slopeOf(model: tfl.LayersModel): number {
  const layer = model.getLayer("leaky");
  assert.ok(layer instanceof FadingReLU);
  return layer.getWeights()[0].dataSync()[0];
}

async function train(backend: string) {
  await useBackend(backend);
  const model = fadingNet();
  const losses: number[] = [];
  const slopes: number[] = [];
  const judged: number[] = [];
  const history = await fit(model, {
    train: (epoch) => epochOf(quarters(160, 1), { batchSize: 32, epoch }),
    epochs: EPOCHS,
    stepsPerEpoch: STEPS,
    optimizer: optimizerFor("adam", { learningRate: 0.01 }),
    learningRate: () => 0.01,
    fading: fadingSchedule(2),
    onStep: ({ loss }) => {
      losses.push(loss);
      slopes.push(slopeOf(model));
    },
    onEpochEnd: ({ epoch }) => {
      judged.push(slopeOf(model));
      return -epoch;
    },
  });
  return { losses, slopes, judged, history, weights: weightValues(model) };
}

Deno.test("fit() takes slopes to 0 over the first epochs, and chooses among the epochs after", async () => {
  const { slopes, judged, history } = await train("cpu");
  const expected = Array.from({ length: EPOCHS * STEPS }, (_, i) => ALPHA * Math.max(0, 1 - i / (2 * STEPS)));
  assertClose(slopes, expected, 1e-6);
  assertClose(judged, [ALPHA / 2, 0, 0, 0], 1e-6);
  // The first would be the best, were its slope not half of what it was.
  assert.deepEqual(history.epochs.map(({ score }) => score), [undefined, -2, -3, -4]);
  assert.equal(history.bestEpoch, 2);
});

Deno.test("fit() changes slopes without another graph, and takes the steps of the cpu backend", async () => {
  const expected = await train("cpu");
  const backend: OnnxRuntimeBackend = await registerBackend({ threads: 1 });
  const before = backend.stats();
  const actual = await train(BACKEND);
  const after = backend.stats();
  assertClose(actual.losses, expected.losses, 1e-5);
  assert.deepEqual(actual.slopes, expected.slopes);
  for (const name of Object.keys(expected.weights)) assertClose(actual.weights[name], expected.weights[name], 1e-4);
  assert.ok(
    after.repeats - before.repeats >= EPOCHS * STEPS - 4,
    `${after.repeats - before.repeats} steps were repeated`,
  );
  const compiled = after.compilations - before.compilations;
  assert.ok(compiled <= 6, `${compiled} graphs were compiled`);
});

Deno.test("fadingSchedule() refuses what is no number of epochs", () => {
  for (const epochs of [0, -1, NaN]) assert.throws(() => fadingSchedule(epochs), /a number above 0 is needed/);
  assert.equal(fadingSchedule(Infinity)({ epoch: 9, step: 0, stepsPerEpoch: 1 }), 1);
});
