import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose } from "./_test_support.ts";
import { batchOf, CLASSES, epochOf, quarters, SIDE, tinyNet, useBackend, weightValues } from "./_test_task.ts";
import { evaluate } from "./evaluate.ts";
import { type EpochInfo, fit, type FitOptions, type StepInfo } from "./fit.ts";
import { classification } from "../tasks/classification/classification.ts";
import { meanSquaredError } from "../tasks/loss.ts";
import { optimizerFor } from "./optimizers.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { qatSchedule } from "./schedule.ts";

const TRAIN = quarters(160, 1);
const TEST = quarters(100, 2);
const BATCH = 32;

/** The share of images that were classified right in training. */
function accuracyOf({ metrics: [{ name, value }] }: EpochInfo): number {
  assert.equal(name, "accuracy");
  return value;
}

/** Options for a few epochs of the task. */
function options(given: Partial<FitOptions> = {}): FitOptions {
  return {
    train: (epoch) => epochOf(TRAIN, { batchSize: BATCH, epoch }),
    epochs: 3,
    stepsPerEpoch: TRAIN.size / BATCH,
    // Not made unless needed: an optimizer has tensors of its own.
    optimizer: given.optimizer ?? optimizerFor("adam", { learningRate: 0.01 }),
    ...given,
  };
}

Deno.test("fit() learns when it trains a float model", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const { epochs, firstStepMs, stepMs, samplesPerSecond, peakRssMb, bestEpoch } = await fit(
    model,
    options({ epochs: 6 }),
  );
  assert.ok(epochs[5].loss < 0.3 * epochs[0].loss, `${epochs.map(({ loss }) => loss)}`);
  assert.ok(accuracyOf(epochs[5]) > 0.9 && accuracyOf(epochs[0]) < 0.8, `${epochs.map(accuracyOf)}`);
  const { metrics: [{ value }] } = await evaluate(model, [TEST]);
  assert.ok(value > 0.9, `${value} on images not trained on`);
  assert.ok(firstStepMs > 0 && stepMs > 0 && samplesPerSecond > 0 && peakRssMb > 1);
  assert.equal(bestEpoch, undefined);
});

Deno.test("fit() equals TF.js's own fit when the model has no dropout", async () => {
  await useBackend("cpu");
  const [ours, theirs] = [tinyNet({ dropout: 0 }), tinyNet({ dropout: 0 })];
  const optimizer = () => optimizerFor("momentum", { learningRate: 0.05 });
  await fit(ours, options({ epochs: 2, optimizer: optimizer() }));
  theirs.compile({ optimizer: optimizer(), loss: "categoricalCrossentropy" });
  for (const epoch of [0, 1]) {
    for (const { x, y, size } of epochOf(TRAIN, { batchSize: BATCH, epoch })) {
      await theirs.trainOnBatch(tf.tensor(x, [size, SIDE, SIDE, 2]), tf.oneHot(tf.tensor1d(y, "int32"), CLASSES));
    }
  }
  const [a, b] = [weightValues(ours), weightValues(theirs)];
  // TF.js takes the logarithm of the clipped softmax instead of the logits': float rounding differs, step by step.
  for (const name of Object.keys(a)) assertClose(a[name], b[name], 1e-4);
});

Deno.test("fit() reports the mean loss and accuracy of the steps when batches differ in size", async () => {
  await useBackend("cpu");
  const steps: StepInfo[] = [];
  const train = (epoch: number) => epochOf(quarters(50, 1), { batchSize: BATCH, epoch });
  const { epochs } = await fit(
    tinyNet(),
    options({ train, stepsPerEpoch: 2, epochs: 1, onStep: (s) => steps.push(s) }),
  );
  assert.deepEqual(steps.map(({ epoch, step }) => [epoch, step]), [[1, 1], [1, 2]]);
  assertClose([epochs[0].loss], [(32 * steps[0].loss + 18 * steps[1].loss) / 50], 1e-12);
  assert.equal(epochs[0].loss, steps[1].meanLoss);
  assert.deepEqual(epochs[0].metrics, steps[1].metrics);
  assertClose([accuracyOf(epochs[0]) * 50], [Math.round(accuracyOf(epochs[0]) * 50)], 1e-12);
  assert.equal(epochs[0].steps, 2);
});

Deno.test("fit() takes loss and accuracy from the weights before the update", async () => {
  await useBackend("cpu");
  const model = tinyNet({ dropout: 0 });
  const [batch] = epochOf(TRAIN, { batchSize: BATCH, epoch: 0 });
  const view = tf.tidy(() => {
    const x = tf.tensor(batch.x, [batch.size, SIDE, SIDE, 2]);
    return [...(model.apply(x, { training: true }) as tf.Tensor).dataSync()];
  });
  const rows = [...batch.y].map((label, i) => ({ label, row: view.slice(i * CLASSES, (i + 1) * CLASSES) }));
  const loss = rows.reduce((sum, { label, row }) => sum - Math.log(row[label]), 0) / BATCH;
  const right = rows.filter(({ label, row }) => row.indexOf(Math.max(...row)) === label).length;
  const { epochs } = await fit(model, options({ train: () => [batch], stepsPerEpoch: 1, epochs: 1 }));
  assertClose([epochs[0].loss], [loss], 1e-5);
  assert.equal(accuracyOf(epochs[0]), right / BATCH);
});

Deno.test("fit() gives the same weights twice when seed and data are the same, dropout included", async () => {
  await useBackend("cpu");
  const run = async (seed: number) => {
    const model = tinyNet({ dropout: 0.5 });
    await fit(model, options({ epochs: 2, seed }));
    return weightValues(model);
  };
  const [first, second, other] = [await run(7), await run(7), await run(8)];
  assert.deepEqual(first, second);
  assert.notDeepEqual(first, other);
});

Deno.test("fit() follows the schedule and keeps what is frozen when it trains a prepared model", async () => {
  await useBackend("cpu");
  const { model } = prepareQat(tinyNet());
  const states: Record<string, number[]>[] = [];
  const schedule = qatSchedule({ freezeObserversAfter: 2, freezeBatchNormAfter: 1 });
  const onEpochEnd = () => void states.push(weightValues(model));
  const { epochs } = await fit(model, options({ schedule, onEpochEnd, epochs: 4 }));
  assert.deepEqual(epochs.map(({ observing }) => observing), [true, true, false, false]);
  assert.deepEqual(epochs.map(({ trainingBatchNorm }) => trainingBatchNorm), [true, false, false, false]);
  assert.deepEqual(epochs.map(({ fakeQuantizing }) => fakeQuantizing), [true, true, true, true]);
  const changes = (from: number, to: number) =>
    Object.keys(states[0]).filter((name) => states[from][name].join() !== states[to][name].join());
  const ranges = (names: string[]) => names.filter((name) => /\/(scale|min|max|count)$|_scale$/.test(name));
  const statistics = (names: string[]) => names.filter((name) => name.includes("moving_"));
  assert.ok(ranges(changes(0, 1)).length > 8 && statistics(changes(0, 1)).length === 0, `${changes(0, 1)}`);
  assert.deepEqual(ranges(changes(1, 3)), []);
  assert.deepEqual(statistics(changes(1, 3)), []);
  assert.ok(
    changes(1, 3).some((name) => name.endsWith("kernel")) && changes(1, 3).some((name) => name.endsWith("gamma")),
  );
  assert.ok(epochs[3].loss < epochs[0].loss);
});

Deno.test("fit() ends with the weights of the best epoch when epochs are scored", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  const states: Record<string, number[]>[] = [];
  const scores = [0.5, 0.9, 0.9, 0.7];
  const onEpochEnd = ({ epoch }: EpochInfo) => {
    states.push(weightValues(model));
    return Promise.resolve(scores[epoch - 1]);
  };
  const history = await fit(model, options({ epochs: 4, onEpochEnd }));
  assert.equal(history.bestEpoch, 3);
  assert.deepEqual(history.epochs.map(({ score }) => score), scores);
  assert.deepEqual(weightValues(model), states[2]);
  assert.notDeepEqual(states[2], states[3]);
});

Deno.test("fit() leaves the last weights when no epoch is scored or all scores are NaN", async () => {
  await useBackend("cpu");
  for (const score of [undefined, NaN]) {
    const model = tinyNet();
    let last: unknown;
    const onEpochEnd = () => {
      last = weightValues(model);
      return score;
    };
    const { bestEpoch } = await fit(model, options({ epochs: 2, onEpochEnd }));
    assert.equal(bestEpoch, undefined);
    assert.deepEqual(weightValues(model), last);
  }
});

Deno.test("fit() leaves no tensors behind when steps follow each other, nor when it ends", async () => {
  await useBackend("cpu");
  const { model } = prepareQat(tinyNet());
  const optimizer = optimizerFor("adam");
  const counts: number[] = [];
  const onStep = () => void counts.push(tf.memory().numTensors);
  await fit(model, options({ optimizer, epochs: 1, onStep }));
  const after = tf.memory().numTensors;
  await fit(model, options({ optimizer, onStep, learningRate: ({ step }) => 0.01 / (step + 1), onEpochEnd: () => 1 }));
  assert.equal(tf.memory().numTensors, after);
  assert.equal(new Set(counts.slice(0, 5)).size, 1, `${counts}`);
});

Deno.test("fit() trains towards real targets when the loss wants them", async () => {
  await useBackend("cpu");
  const dense = tfl.layers.dense({ units: 1, inputShape: [1], kernelInitializer: "zeros" });
  const model = tfl.sequential({ layers: [dense] });
  const batch = {
    inputs: { x: Float32Array.of(-1, 0, 1, 2) },
    targets: { y: Float32Array.of(-1, 1, 3, 5) },
    size: 4,
  };
  const { epochs } = await fit(model, {
    train: () => [batch],
    epochs: 200,
    stepsPerEpoch: 1,
    optimizer: tf.train.sgd(0.2),
    loss: meanSquaredError,
  });
  assertClose(dense.getWeights().flatMap((weight) => [...weight.dataSync()]), [2, 1], 1e-5);
  assert.deepEqual(epochs[0].metrics, []);
});

Deno.test("fit() adds the regularization of the layers to the loss", async () => {
  await useBackend("cpu");
  const kernelRegularizer = tfl.regularizers.l2({ l2: 0.5 });
  const dense = tfl.layers.dense({ units: 2, inputShape: [1], kernelInitializer: "ones", kernelRegularizer });
  const model = tfl.sequential({ layers: [dense] });
  const batch = batchOf(Float32Array.of(1), Int32Array.of(0));
  const { epochs } = await fit(model, {
    train: () => [batch],
    epochs: 1,
    stepsPerEpoch: 1,
    optimizer: tf.train.sgd(1),
  });
  assertClose([epochs[0].loss], [Math.log(2) + 0.5 * 2], 1e-6);
});

Deno.test("fit() ends with the weights of the lowest score when the task's metric is better lower", async () => {
  await useBackend("cpu");
  const task = classification();
  const inverse: typeof task = {
    ...task,
    bind: (...port) => {
      const bound = task.bind(...port);
      return { ...bound, metrics: bound.metrics.map((metric) => ({ ...metric, better: "lower" })) };
    },
  };
  const scores = [0.5, 0.1, 0.1, 0.7];
  const { bestEpoch } = await fit(
    tinyNet(),
    options({ task: inverse, epochs: 4, onEpochEnd: ({ epoch }) => scores[epoch - 1] }),
  );
  assert.equal(bestEpoch, 3);
});

Deno.test("fit() reports no frozen batch normalization of a model that has none", async () => {
  await useBackend("cpu");
  const float = tfl.sequential({ name: "dense", layers: [tfl.layers.dense({ units: 2, inputShape: [1] })] });
  const { model } = prepareQat(float);
  const { epochs } = await fit(model, {
    train: () => [batchOf(Float32Array.of(-1, 1), Int32Array.of(0, 1))],
    epochs: 2,
    stepsPerEpoch: 1,
    optimizer: tf.train.sgd(0.1),
    schedule: qatSchedule({ freezeBatchNormAfter: 1 }),
  });
  assert.deepEqual(epochs.map(({ trainingBatchNorm }) => trainingBatchNorm), [true, true]);
});

Deno.test("fit() names epoch and step and asks for a lower rate when the loss is no number", async () => {
  await useBackend("cpu");
  const optimizer = optimizerFor("sgd", { learningRate: 1e30 });
  await assert.rejects(fit(tinyNet(), options({ optimizer })), {
    name: "Error",
    message:
      /^Cannot go on training "tiny": the loss is NaN at epoch 1, step \d, a lower learning rate than 1e\+30 is needed$/,
  });
});

Deno.test("fit() stops with the signal's reason and gives dropout back when it is aborted", async () => {
  await useBackend("cpu");
  const abort = new AbortController();
  const model = tinyNet();
  let steps = 0;
  const onStep = () => {
    if (++steps === 3) abort.abort(new Error("enough"));
  };
  await assert.rejects(fit(model, options({ signal: abort.signal, onStep })), { message: "enough" });
  assert.equal(steps, 3);
  assert.ok(!Object.hasOwn(model.getLayer("dropout"), "call"));
});

Deno.test("fit() hears a signal that a timer sends when it is in the middle of training", async () => {
  await useBackend("cpu");
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("time is up")), 100);
  await assert.rejects(fit(tinyNet(), options({ epochs: 100, signal: abort.signal })), { message: "time is up" });
  clearTimeout(timer);
});

Deno.test("fit() refuses to train when ranges are neither observed nor calibrated", async () => {
  await useBackend("cpu");
  const { model } = prepareQat(tinyNet());
  const schedule = qatSchedule({ freezeObserversAfter: 0 });
  await assert.rejects(fit(model, options({ schedule })), /the range of "conv1_input_quant" and \d+ more is unknown/);
});

Deno.test("fit() refuses to train when ranges that only calibration sets are unknown, though it observes", async () => {
  const recipe = { rules: [{ match: { kind: "weighted" }, then: { observer: "histogram" } }] } as const;
  const { model } = prepareQat(tinyNet(), { recipe });
  const unknown = /the range of "\w+_quant"( and \d+ more)? is unknown and training does not observe it/;
  await assert.rejects(fit(model, options({ schedule: qatSchedule({}) })), unknown);
});

Deno.test("fit() says what is needed when counts, batches or labels do not fit", async () => {
  await useBackend("cpu");
  const cases: [Partial<FitOptions>, RegExp][] = [
    [{ epochs: 0 }, /^Cannot train "tiny": epochs is 0, needed is a positive integer$/],
    [{ stepsPerEpoch: NaN }, /stepsPerEpoch is NaN/],
    [{ train: () => [] }, /^Cannot train "tiny": epoch 1 has no batch, at least 1 is needed$/],
    [{ train: () => [{ ...TRAIN, size: 3 }] }, /a batch of 3 has 20480 numbers, needed are 384 \(3 of \[8,8,2\]\)/],
    [
      { train: () => [batchOf(TRAIN.x, Int32Array.of(1), 160)] },
      /the targets of output "softmax" are 1 for a batch of 160/,
    ],
    [{ train: () => [batchOf(TRAIN.x, TRAIN.y.map(() => 4))] }, /is 4 .*needed is 0 to 3, as the output has 4 numbers/],
    [{ inputShape: [8, 8, 3] }, /its input is \[8,8,2\], the data's is \[8,8,3\]/],
    [{ seed: -1 }, /the seed is -1/],
  ];
  for (const [given, message] of cases) await assert.rejects(fit(tinyNet(), options(given)), { message });
});

Deno.test("fit() refuses a model when nothing in it can be trained", async () => {
  await useBackend("cpu");
  const model = tinyNet();
  for (const layer of model.layers) layer.trainable = false;
  await assert.rejects(fit(model, options()), /it has no trainable weights, at least 1 is needed/);
});
