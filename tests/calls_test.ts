/** Models whose layers are called several times, through all of the job: trained, saved, loaded, trained on, deployed. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { type HostTensor, Session } from "../src/runtime/session.ts";
import { CLASSES, epochOf, quarters, SIDE } from "../train/_test_task.ts";
import { fit } from "../train/fit.ts";
import { optimizerFor } from "../train/optimizers.ts";
import { qatSchedule } from "../train/schedule.ts";
import { apply, predict, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

/** A convolution with batch normalization that looks at an image of two sizes: one backbone, called twice. */
function twoScales(): tfl.LayersModel {
  const backbone = tfl.sequential({
    name: "backbone",
    layers: [
      layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", inputShape: [null, null, 4], name: "shared" }),
      layers.batchNormalization({ name: "shared_bn" }),
      layers.reLU({ name: "shared_relu" }),
    ],
  });
  const image = tfl.input({ shape: [SIDE, SIDE, 2], name: "image" });
  const stem = apply(layers.conv2d({ filters: 4, kernelSize: 1, activation: "relu", name: "stem" }), image);
  const half = apply(layers.averagePooling2d({ poolSize: 2, name: "half" }), stem);
  const views = [stem, half].map((x, i) =>
    apply(
      layers.flatten({ name: `flat${i}` }),
      apply(layers.maxPooling2d({ poolSize: 2, name: `pool${i}` }), apply(backbone, x)),
    )
  );
  const joined = apply(layers.concatenate({ name: "join" }), ...views);
  const score = apply(layers.dense({ units: CLASSES, activation: "softmax", name: "score" }), joined);
  return seedWeights(tfl.model({ inputs: image, outputs: score, name: "two_scales" }));
}

/** Trains for `epochs` and returns the losses of its steps. */
async function train(model: tfl.LayersModel, epochs: number): Promise<number[]> {
  const losses: number[] = [];
  await fit(model, {
    train: (epoch) => epochOf(quarters(96, 1), { batchSize: 32, epoch }),
    epochs,
    stepsPerEpoch: 3,
    optimizer: optimizerFor("adam", { learningRate: 0.01 }),
    onStep: ({ loss }) => losses.push(loss),
    schedule: qatSchedule({ freezeObserversAfter: 2, freezeBatchNormAfter: 2 }),
  });
  return losses;
}

async function saveAndLoad(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  const dir = Deno.makeTempDirSync();
  try {
    await saveLayersModel(model, dir);
    return (await loadLayersModel(dir)).model;
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

function run(bytes: Uint8Array, x: tf.Tensor): Float32Array {
  const session = new Session(bytes, { precise: true });
  try {
    const [{ name }] = session.inputs;
    const feed: HostTensor = { dtype: "float32", shape: x.shape, data: x.dataSync<"float32">() };
    return session.run({ [name]: feed })[session.outputs[0].name].data as Float32Array;
  } finally {
    session.dispose();
  }
}

Deno.test("a backbone called twice is trained, saved, loaded, trained on, and deployed as it is simulated", async () => {
  registerQuantKernels();
  registerQuantLayers();
  await registerBackend();
  await tf.setBackend(BACKEND);
  const { model } = prepareQat(await saveAndLoad(twoScales()));
  const names = model.weights.map(({ originalName }) => originalName).filter((name) => name.startsWith("shared"));
  assert.deepEqual(names.filter((name) => !name.includes("quant")).sort(), [
    "shared/bias",
    "shared/kernel",
    "shared/kernel_scale",
    "shared_bn/beta",
    "shared_bn/gamma",
    "shared_bn/moving_mean",
    "shared_bn/moving_variance",
  ]);
  const losses = await train(model, 4);
  assert.ok(losses[11] < losses[0], String(losses));
  const loaded = await saveAndLoad(model);
  const x = randomTensor([16, SIDE, SIDE, 2], 5);
  assert.deepEqual(predict(loaded, [x]), predict(model, [x]));
  assert.deepEqual(await train(loaded, 3), await train(model, 3));
  const [simulated] = predict(loaded, [x]);
  const { bytes, graph } = await toOnnx(loaded);
  assert.deepEqual(run(bytes, x), simulated);
  assert.deepEqual(graph.nodes.filter(({ op }) => op === "Conv").map(({ name }) => name), [
    "stem",
    "shared",
    "backbone/shared",
  ]);
});
