/** Shared layers, layers of several outputs and constants, through all of the job: trained, saved, trained on, deployed. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { loadLayersModel, saveLayersModel } from "../models/import/layers_model.ts";
import { outputNames } from "../models/ports.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { ConstantValue, fixInputShape, fromModel, keepOutputs, toModel, withOutputs } from "../src/rewrite/mod.ts";
import { type HostTensor, Session } from "../src/runtime/session.ts";
import { CLASSES, epochOf, quarters, SIDE } from "../train/_test_task.ts";
import { fit } from "../train/fit.ts";
import { optimizerFor } from "../train/optimizers.ts";
import { qatSchedule } from "../train/schedule.ts";
import { applyBoth, ChannelHalves } from "./_support/channel_halves.ts";
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
  registerQuantKernels();
  registerQuantLayers();
  const dir = Deno.makeTempDirSync();
  try {
    await saveLayersModel(model, dir);
    return (await loadLayersModel(dir)).model;
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

function run(bytes: Uint8Array, x: tf.Tensor): Float32Array {
  return runAll(bytes, x)[0];
}

function runAll(bytes: Uint8Array, x: tf.Tensor): readonly Float32Array[] {
  const session = new Session(bytes, { precise: true });
  try {
    const [{ name }] = session.inputs;
    const feed: HostTensor = { dtype: "float32", shape: x.shape, data: x.dataSync<"float32">() };
    const answers = session.run({ [name]: feed });
    return session.outputs.map((output) => answers[output.name].data as Float32Array);
  } finally {
    session.dispose();
  }
}

/** image → convolution → channels split: one half convolved, the other an output as it is. */
function splitNet(): tfl.LayersModel {
  const image = tfl.input({ shape: [SIDE, SIDE, 2], name: "image" });
  const before = apply(layers.conv2d({ filters: 4, kernelSize: 1, activation: "relu", name: "before" }), image);
  const [a, b] = applyBoth(new ChannelHalves({ name: "halves" }), before);
  const left = apply(layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "left" }), a);
  const flat = apply(layers.flatten({ name: "flat" }), apply(layers.add({ name: "sum" }), left, b));
  const score = apply(layers.dense({ units: CLASSES, activation: "softmax", name: "score" }), flat);
  return seedWeights(tfl.model({ inputs: image, outputs: score, name: "halves" }));
}

/** image plus a constant picture → convolution, and constant channels beside it → scores. */
function constantNet(): tfl.LayersModel {
  const image = tfl.input({ shape: [SIDE, SIDE, 2], name: "image" });
  const constant = (name: string, shape: number[]) => apply(new ConstantValue({ name, shape }), image);
  const shifted = apply(layers.add({ name: "shifted" }), image, constant("shift", [1, 1, 2]));
  const conv = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", name: "conv" }), shifted);
  const places = apply(layers.concatenate({ name: "cat" }), conv, constant("places", [SIDE, SIDE, 2]));
  const score = apply(layers.dense({ units: CLASSES, name: "score" }), apply(layers.flatten({ name: "flat" }), places));
  return seedWeights(tfl.model({ inputs: image, outputs: score, name: "constants" }));
}

for (const make of [twoScales, splitNet, constantNet]) {
  Deno.test(`${make.name}() is trained, saved, loaded, trained on, and deployed as it is simulated`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    const float = make();
    const x = randomTensor([16, SIDE, SIDE, 2], 5);
    const [expected] = predict(float, [x]);
    const size = Math.max(...expected.map(Math.abs));
    run((await toOnnx(float)).bytes, x).forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) <= 1e-5 * size, `${value}, not ${expected[i]}`);
    });
    const { model } = prepareQat(await saveAndLoad(float));
    const losses = await train(model, 4);
    assert.ok(losses[11] < losses[0], String(losses));
    const loaded = await saveAndLoad(model);
    assert.deepEqual(predict(loaded, [x]), predict(model, [x]));
    assert.deepEqual(await train(loaded, 3), await train(model, 3));
    const { bytes } = await toOnnx(loaded);
    assert.deepEqual(run(bytes, x), predict(loaded, [x])[0]);
  });
}

Deno.test("prepareQat() keeps the weights of a shared layer once, and names its calls in the file", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const { model, units } = prepareQat(twoScales());
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
  await calibrate(model, [randomTensor([8, SIDE, SIDE, 2])]);
  const { graph } = await toOnnx(model);
  const convs = graph.nodes.filter(({ op }) => op === "Conv").map(({ name }) => name);
  assert.deepEqual(convs, ["stem", "shared", "backbone/shared"]);
  assert.ok(convs.every((name) => units.some(({ layer }) => layer === name)));
  // Codes are in the file once a call: ONNX Runtime 1.30 refuses two convolutions that read the same ones.
  const kernels = [...graph.initializers.keys()].filter((name) => name.endsWith("/kernel"));
  assert.deepEqual(kernels.sort(), ["backbone/shared/kernel", "score_linear/kernel", "shared/kernel", "stem/kernel"]);
});

Deno.test("prepareQat() puts each output of a layer on a grid of its own", () => {
  const { quantizers } = prepareQat(splitNet());
  const behind = quantizers.filter(({ of }) => of.startsWith("halves")).map(({ of, name }) => [of, name]);
  assert.deepEqual(behind, [["halves", "halves_quant"], ["halves:1", "halves_1_quant"]]);
});

Deno.test("toOnnx() answers a constant that is an output once for every sample", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const image = tfl.input({ shape: [3], name: "image" });
  const k = apply(new ConstantValue({ name: "k", shape: [2] }), image);
  const dense = apply(layers.dense({ units: 2, name: "fc" }), image);
  const model = seedWeights(tfl.model({ inputs: image, outputs: [k, apply(layers.add({ name: "sum" }), dense, k)] }));
  const { model: prepared } = prepareQat(model);
  const x = randomTensor([5, 3]);
  await calibrate(prepared, [x]);
  const { bytes } = await toOnnx(prepared);
  assert.deepEqual(run(bytes, x), predict(prepared, [x])[0]);
  const graph = fromModel(model);
  const only = toModel(keepOutputs(graph, ["k"]));
  assert.deepEqual(predict(only, [x]), predict(model, [x]).slice(0, 1));
});

Deno.test("toOnnx() writes a layer of two outputs once, and calls its second one after it", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const image = tfl.input({ shape: [4, 4, 4], name: "image" });
  const [a, b] = applyBoth(new ChannelHalves({ name: "halves" }), image);
  const left = apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "left" }), a);
  const model = seedWeights(tfl.model({ inputs: image, outputs: [left, b] }));
  for (const each of [model, prepareQat(model).model]) {
    await calibrate(each, [randomTensor([8, 4, 4, 4])]);
    const { graph } = await toOnnx(each);
    assert.deepEqual(graph.outputs, ["left", "halves:1"]);
    assert.equal(graph.nodes.filter(({ op }) => op === "Split").length, 1);
  }
});

for (const inputLayout of ["nhwc", "nchw"] as const) {
  Deno.test(`toOnnx() gives values that are outputs twice or inputs too, each by its own name, from ${inputLayout}`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    const image = tfl.input({ shape: [4, 5, 3], name: "image" });
    const conv = apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }), image);
    const dropped = apply(layers.dropout({ rate: 0.5, name: "drop" }), conv);
    const model = seedWeights(tfl.model({ inputs: image, outputs: [conv, image, dropped] }));
    const { model: prepared } = prepareQat(model);
    const x = randomTensor([2, 4, 5, 3]);
    await calibrate(prepared, [x]);
    for (const each of [model, prepared]) {
      const { bytes, graph } = await toOnnx(each, { inputLayout });
      assert.deepEqual([graph.inputs, graph.outputs], [["image"], ["conv", "image_1", "drop"]]);
      const fed = inputLayout === "nchw" ? tf.transpose(x, [0, 3, 1, 2]) : x;
      const [first, input, copy] = runAll(bytes, fed);
      assert.deepEqual(input, x.dataSync());
      assert.deepEqual(copy, first);
      if (each === prepared) assert.deepEqual(first, predict(prepared, [x])[0]);
    }
  });
}

Deno.test("fixInputShape() and withOutputs() keep calls of a prepared model calls of their layer, and its record", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [null, null, 2], name }));
  const conv = layers.conv2d({ filters: 2, kernelSize: 3, name: "conv" });
  const norm = layers.batchNormalization({ name: "norm" });
  const outputs = inputs.map((input) => apply(norm, apply(conv, input)));
  const { model } = prepareQat(seedWeights(tfl.model({ inputs, outputs })));
  const fixed = fixInputShape(model, { a: [6, 6, 2], b: [4, 5, 2] });
  assert.deepEqual(fixed.getUserDefinedMetadata(), model.getUserDefinedMetadata());
  const x = [randomTensor([3, 6, 6, 2]), tf.mul(randomTensor([3, 4, 5, 2], 2), 5)];
  await calibrate(fixed, [x]);
  const simulated = predict(fixed, x);
  const session = new Session((await toOnnx(fixed)).bytes, { precise: true });
  const feeds = x.map((t, i): [string, HostTensor] => [
    "ab"[i],
    { dtype: "float32", shape: t.shape, data: t.dataSync<"float32">() },
  ]);
  const answers = session.run(Object.fromEntries(feeds));
  assert.deepEqual(session.outputs.map(({ name }) => answers[name].data), simulated);
  session.dispose();
  const second = withOutputs(fixed, fromModel(fixed).outputs.slice(1));
  assert.deepEqual(second.weights.length, fixed.weights.length - 5, "all but the other output's quantizer is needed");
  assert.deepEqual(predict(second, x), simulated.slice(1));
});

Deno.test("outputNames() calls outputs of shared layers alike in a model, when it is prepared, and in its files", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  const x = tfl.input({ shape: [3], name: "x" });
  const shared = layers.dense({ units: 3, activation: "sigmoid", name: "shared" });
  const act = layers.reLU({ name: "act" });
  const first = apply(shared, x);
  const second = apply(shared, apply(act, first));
  const model = seedWeights(tfl.model({ inputs: x, outputs: [second, apply(act, second), first] }));
  const { model: prepared } = prepareQat(model);
  const names = ["shared_1", "act_1", "shared"];
  await calibrate(prepared, [randomTensor([8, 3])]);
  for (const each of [model, prepared]) {
    assert.deepEqual(outputNames(each), names);
    assert.deepEqual((await toOnnx(each)).graph.outputs, names);
  }
});
