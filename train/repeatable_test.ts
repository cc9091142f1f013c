import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { type OnnxRuntimeBackend, registerBackend } from "../src/backend/mod.ts";
import { FakeQuantize, layersIn } from "../src/quant/mod.ts";
import { isRepeatable, stepKey } from "./_repeatable.ts";
import { epochOf, quarters, tinyNet, weightValues } from "./_test_task.ts";
import { type EpochInfo, fit } from "./fit.ts";
import { headOf, meanSquaredError } from "../tasks/loss.ts";
import { softmaxCrossEntropy } from "../tasks/classification/cross_entropy.ts";
import type { Head, Loss } from "../tasks/task.ts";
import type { Updates } from "./_minimize.ts";
import { optimizerFor } from "./optimizers.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { qatSchedule } from "./schedule.ts";
import type { UpdateOptions } from "./updates.ts";

const EPOCHS = 4;

/** Trains the tiny net, the last batch of an epoch smaller, and returns what came of it. */
async function train(
  loss: Loss,
  onEpochEnd: (info: EpochInfo, model: tfl.LayersModel) => void = () => {},
  updates: UpdateOptions = {},
): Promise<
  { readonly losses: number[]; readonly weights: unknown; readonly repeats: number; readonly iterations: number }
> {
  const backend: OnnxRuntimeBackend = await registerBackend({ threads: 1 });
  const { model } = prepareQat(tinyNet({ dropout: 0.2 }));
  const losses: number[] = [];
  const optimizer = optimizerFor("adam", { learningRate: 0.01 });
  const before = backend.stats().repeats;
  await fit(model, {
    train: (epoch) => epochOf(quarters(176, 1), { batchSize: 32, epoch }),
    epochs: EPOCHS,
    stepsPerEpoch: 6,
    optimizer,
    loss,
    learningRate: ({ epoch, step }) => 0.01 / (1 + step + 6 * epoch),
    schedule: qatSchedule({ freezeObserversAfter: 3, freezeBatchNormAfter: 2 }),
    onStep: (info) => losses.push(info.loss),
    onEpochEnd: (info) => onEpochEnd(info, model),
    ...updates,
  });
  const { repeats } = backend.stats();
  return { losses, weights: weightValues(model), repeats: repeats - before, iterations: optimizer.iterations };
}

/** The same numbers from a loss that nobody knows. */
function unknown(loss = softmaxCrossEntropy()): Loss {
  return (labels, logits) => loss(labels, logits);
}

const UPDATES = { clipNorm: 1, weightDecay: 0.1, averageDecay: 0.9 };

const WEIGHED = softmaxCrossEntropy({ classWeights: [1, 2, 0.5, 1] });

const WAYS: Readonly<Record<string, UpdateOptions & { readonly loss?: Loss }>> = {
  "": {},
  ", clipped, decayed and averaged": UPDATES,
  " with class weights": { loss: WEIGHED },
};

for (const [what, { loss = softmaxCrossEntropy(), ...updates }] of Object.entries(WAYS)) {
  Deno.test(`fit() gives the same losses and weights to the bit whether steps${what} are repeated or recorded`, async () => {
    const nothing = () => {};
    const repeated = await train(loss, nothing, updates);
    const recorded = await train(unknown(loss), nothing, updates);
    assert.equal(recorded.repeats, 0);
    // 3 phases and 2 sizes of batches; a rate that changes takes two recordings to know.
    assert.ok(repeated.repeats >= 10, `${repeated.repeats} steps were repeated`);
    assert.deepEqual(repeated.losses, recorded.losses);
    assert.deepEqual(repeated.weights, recorded.weights);
    assert.equal(repeated.iterations, recorded.iterations);
  });
}

Deno.test("fit() sees that a layer was switched when steps are repeated", async () => {
  const switchOff = ({ epoch }: EpochInfo, model: tfl.LayersModel) => {
    for (const layer of layersIn(model)) if (layer instanceof FakeQuantize && epoch === 1) layer.enabled = false;
  };
  const [repeated, recorded] = [await train(softmaxCrossEntropy(), switchOff), await train(unknown(), switchOff)];
  assert.ok(repeated.repeats > 0);
  assert.deepEqual(repeated.losses, recorded.losses);
  assert.notDeepEqual(repeated.losses, (await train(softmaxCrossEntropy())).losses);
});

class OwnLayer extends tfl.layers.Layer {
  static readonly className = "OwnLayer";
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return Array.isArray(inputs) ? inputs[0] : inputs;
  }
}

class OwnOptimizer extends tf.SGDOptimizer {}

Deno.test("isRepeatable() refuses what may depend on more than tensors", () => {
  const dense = (args = {}) => tfl.layers.dense({ units: 2, inputShape: [3], ...args });
  const modelOf = (...layers: tfl.layers.Layer[]) => tfl.sequential({ layers });
  const optimizer = tf.train.adam(0.1);
  const repeatable = (
    model: tfl.LayersModel,
    { loss = meanSquaredError, ...with_ }: { optimizer?: tf.Optimizer; loss?: Loss } = {},
  ) => isRepeatable(model, { optimizer, heads: [headOf(loss)], ...with_ });
  assert.equal(repeatable(modelOf(dense(), tfl.layers.dropout({ rate: 0.5 }))), true);
  assert.equal(repeatable(modelOf(dense({ kernelRegularizer: "l1l2" }))), true);
  assert.equal(repeatable(modelOf(dense(), new OwnLayer({}))), false);
  assert.equal(repeatable(modelOf(dense(), tfl.layers.gaussianNoise({ stddev: 1 }))), false);
  const lstm = (args = {}) => tfl.layers.lstm({ units: 2, inputShape: [4, 3], recurrentInitializer: "zeros", ...args });
  const both = (args = {}) => tfl.layers.bidirectional({ layer: lstm(args) as tfl.RNN, mergeMode: "sum" });
  assert.equal(repeatable(modelOf(lstm({ returnSequences: true }), both())), true);
  assert.equal(repeatable(modelOf(lstm({ dropout: 0.1 }))), false);
  assert.equal(repeatable(modelOf(lstm({ returnSequences: true }), both({ recurrentDropout: 0.1 }))), false);
  assert.equal(repeatable(modelOf(dense()), { loss: unknown() }), false);
  assert.equal(repeatable(modelOf(dense()), { optimizer: new OwnOptimizer(0.1) }), false);
});

Deno.test("stepKey() differs when the size, the optimizer's settings or a layer's switch does", async () => {
  await registerBackend();
  const { model: view } = prepareQat(tinyNet());
  const optimizer = tf.train.momentum(0.1, 0.9);
  const head = headOf(meanSquaredError);
  const none = {};
  const key = (size = 4, classes = true, changed: Partial<Head> = {}, updates: Updates = none) =>
    stepKey({ view, optimizer, updates, batches: { heads: [{ head: { ...head, ...changed } }] } }, {
      size,
      inputs: [],
      targets: [classes ? new Int32Array(size) : new Float32Array(size)],
    });
  const first = key();
  assert.equal(key(), first);
  assert.notEqual(key(5), first);
  assert.notEqual(key(4, true, {}, { clipNorm: 1 }), first);
  assert.notEqual(key(4, false), first);
  assert.notEqual(key(4, true, { weight: 2 }), first);
  assert.notEqual(key(4, true, { loss: softmaxCrossEntropy() }), first);
  optimizer.setLearningRate(0.2);
  assert.equal(key(), first);
  optimizer.setMomentum(0.8);
  assert.notEqual(key(), first);
  optimizer.setMomentum(0.9);
  view.layers.forEach((layer) => layer instanceof FakeQuantize && (layer.observing = false));
  assert.notEqual(key(), first);
});
