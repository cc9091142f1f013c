import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { prepareQat } from "../quantize/prepare.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import { fit } from "./fit.ts";
import { qatSchedule } from "./schedule.ts";

const { layers } = tfl;

tf.env().set("PROD", true);
await registerBackend();

/** Two convolutions with batch normalization, of which the first does not train, and a dense layer. */
function net(frozen: readonly string[] = ["conv1", "bn1"]): tfl.LayersModel {
  const model = seedWeights(tfl.sequential({
    name: "net",
    layers: [
      layers.conv2d({ name: "conv1", filters: 3, kernelSize: 3, inputShape: [6, 6, 2] }),
      layers.batchNormalization({ name: "bn1" }),
      layers.reLU({ name: "relu1" }),
      layers.conv2d({ name: "conv2", filters: 3, kernelSize: 3, useBias: false }),
      layers.batchNormalization({ name: "bn2" }),
      layers.flatten({ name: "flat" }),
      layers.dense({ name: "fc", units: 2, activation: "softmax" }),
    ],
  }));
  for (const name of frozen) model.getLayer(name).trainable = false;
  return model;
}

/** A batch of 8 samples whose class shows. */
const BATCH = {
  inputs: { x: Float32Array.from({ length: 8 * 72 }, (_, i) => Math.sin(i * i) + (Math.floor(i / 72) % 2)) },
  targets: { fc: Int32Array.from({ length: 8 }, (_, i) => i % 2) },
  size: 8,
};

function weightsOf(model: tfl.LayersModel): Readonly<Record<string, readonly number[]>> {
  const all = model.layers.flatMap(({ weights }) => weights).map((weight) =>
    [weight.originalName, [...weight.read().dataSync()]] as const
  );
  return Object.fromEntries(all);
}

/** Trains, and lists the weights that changed. */
async function changed(model: tfl.LayersModel, schedule?: ReturnType<typeof qatSchedule>): Promise<readonly string[]> {
  const before = weightsOf(model);
  const optimizer = tf.train.adam(0.05);
  const options = { train: () => [BATCH, BATCH], epochs: 2, stepsPerEpoch: 2, optimizer };
  await fit(model, schedule === undefined ? options : { ...options, schedule });
  const after = weightsOf(model);
  return Object.keys(before).filter((name) => before[name].join() !== after[name].join()).toSorted();
}

const BEHIND = [
  "bn2/beta",
  "bn2/gamma",
  "bn2/moving_mean",
  "bn2/moving_variance",
  "conv2/kernel",
  "fc/bias",
  "fc/kernel",
];

Deno.test("fit() leaves weights and statistics of layers that do not train as they are, in float", async () => {
  assert.deepEqual(await changed(net()), BEHIND);
  assert.ok((await changed(net([]))).includes("bn1/moving_mean"), "of layers that train they follow the batches");
});

Deno.test("fit() leaves them with fake quantization too, and goes on observing", async () => {
  const { model } = prepareQat(net());
  await calibrate(model, [BATCH], { beforeTraining: true });
  const all = await changed(model, qatSchedule({ freezeBatchNormAfter: 2, freezeObserversAfter: 2 }));
  const isWeight = (name: string) => !/_quant\/|_scale/.test(name);
  assert.deepEqual(all.filter(isWeight), BEHIND.map((name) => name.replace("fc/", "fc_linear/")));
  assert.ok(all.some((name) => name.startsWith("relu1_quant/")), `${all}`);
});

Deno.test("fit() trains layers before batch normalization that does not train, through its moving statistics", async () => {
  const model = net(["bn1"]);
  const twin = net(["bn1"]);
  const all = await changed(model);
  assert.ok(all.includes("conv1/kernel") && !all.some((name) => name.startsWith("bn1/")));
  // The same function by hand: with moving statistics the layer is a factor and an offset.
  const [gamma, beta, mean, variance] = twin.getLayer("bn1").getWeights();
  const x = tf.tensor(BATCH.inputs.x, [8, 6, 6, 2]);
  const y = tf.tidy(() => twin.getLayer("conv1").apply(x) as tf.Tensor);
  const wanted = tf.tidy(() => tf.add(tf.mul(tf.div(tf.sub(y, mean), tf.sqrt(tf.add(variance, 1e-3))), gamma), beta));
  const given = tf.tidy(() => twin.getLayer("bn1").apply(y) as tf.Tensor);
  const apart = tf.tidy(() => tf.max(tf.abs(tf.sub(wanted, given))).dataSync()[0]);
  assert.ok(apart < 1e-4, `${apart}`);
});

Deno.test("fit() gives layers back as they were, trained by other means afterwards", async () => {
  const model = net(["bn1"]);
  await changed(model);
  const [, , before] = model.getLayer("bn1").getWeights().map((weight) => [...weight.dataSync()]);
  tf.tidy(() => void model.apply(tf.tensor(BATCH.inputs.x, [8, 6, 6, 2]), { training: true }));
  const [, , after] = model.getLayer("bn1").getWeights().map((weight) => [...weight.dataSync()]);
  assert.notDeepEqual(after, before);
});
