import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import { layersModelFiles } from "../models/import/layers_model.ts";
import { registerLayers } from "../layers.ts";
import { ChannelSplit } from "../src/channels/mod.ts";
import { isOwnClass } from "../src/custom.ts";
import { Operation } from "../src/operations/mod.ts";
import { ResetAfterGRUCell } from "../src/recurrent/reset_after.ts";
import { isQuantizedClass, setQatPhase } from "../src/quant/mod.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { predictAll } from "../export/validate.ts";
import { inputNames } from "../models/ports.ts";
import {
  apply,
  inputFor,
  islandModel,
  predict,
  seedWeights,
  sequentialModel,
  skipModel,
} from "../tests/_support/small_models.ts";
import { calibrate } from "./calibrate.ts";
import { floatModelOf } from "./float_model.ts";
import { prepareQat } from "./prepare.ts";

const { layers } = tfl;

/** One convolution called twice, with batch normalization behind both calls, and a model in the model. */
function sharedModel(): tfl.LayersModel {
  const image = tfl.input({ shape: [6, 6, 3], name: "image" });
  const conv = layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", name: "conv" });
  const norm = layers.batchNormalization({ name: "bn" });
  const once = apply(layers.reLU({ name: "relu" }), apply(norm, apply(conv, image)));
  const twice = apply(norm, apply(conv, once));
  const pooled = apply(layers.globalAveragePooling2d({ name: "pool" }), twice);
  const x = tfl.input({ shape: [3] });
  const head = tfl.model({
    inputs: x,
    outputs: apply(layers.dense({ units: 4, activation: "softmax", name: "dense" }), x),
    name: "cls",
  });
  const depthwise = layers.depthwiseConv2d({
    kernelSize: 3,
    depthwiseRegularizer: tfl.regularizers.l2({ l2: 1e-4 }),
    name: "dw",
  });
  return seedWeights(tfl.model({
    inputs: image,
    outputs: [
      head.apply(pooled) as tfl.SymbolicTensor,
      apply(depthwise, once),
      apply(layers.dropout({ rate: 0.5 }), once),
    ],
    name: "shared",
  }));
}

/** Classes that TF.js knows: it registers its own when it is imported, and rooms theirs only when they are told to. */
const registered = () => Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
const OF_TFJS = registered();

const MODELS = { sequentialModel, skipModel, islandModel, sharedModel };

for (const [name, make] of Object.entries(MODELS)) {
  Deno.test(`floatModelOf() answers as model.float.onnx does, by TF.js alone: ${name}`, async () => {
    await registerBackend();
    await tf.setBackend("onnxruntime");
    const { model: prepared } = prepareQat(make());
    const inputs = inputFor(prepared);
    await calibrate(prepared, [inputs]);
    const { model, ownLayers } = floatModelOf(prepared);
    assert.deepEqual(ownLayers, []);
    assert.ok(model.layers.every((layer) => !isQuantizedClass(layer.getClassName())));
    const samples = Object.fromEntries(inputNames(model).map((name, i) => [name, inputs[i].dataSync<"float32">()]));
    const file = await toOnnx(prepared, { precision: "float32" });
    const expected = Object.values(predictAll(file.bytes, [samples]));
    setQatPhase(prepared, { fakeQuantizing: false });
    const unrounded = predict(prepared, inputs);
    await tf.setBackend("cpu");
    const answers = predict(await loadPlainly(model), inputs);
    assert.equal(answers.length, expected.length);
    answers.forEach((answer, i) => {
      const largest = answer.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
      answer.forEach((value, j) => {
        assert.ok(Math.abs(value - expected[i].values[j]) <= 1e-5 * largest, `output ${i}, value ${j}`);
        assert.ok(Math.abs(value - unrounded[i][j]) <= 1e-5 * largest, `output ${i}, value ${j}, simulated`);
      });
    });
    await tf.setBackend("onnxruntime");
  });
}

/** Loads a model as a program does that has its files and TF.js's own loader. */
async function loadPlainly(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  const [weights, json] = await layersModelFiles(model, "float");
  const { modelTopology, weightsManifest: [{ weights: weightSpecs }] } = JSON.parse(String(json.bytes));
  const weightData = Uint8Array.from(weights.bytes as Uint8Array).buffer;
  return tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

Deno.test("floatModelOf() keeps names of layers, outputs and weights, and shares nothing with the prepared model", () => {
  const original = sequentialModel();
  const { model: prepared } = prepareQat(original);
  const { model } = floatModelOf(prepared);
  assert.deepEqual(model.outputNames, original.outputNames);
  assert.deepEqual(
    model.weights.map(({ originalName }) => originalName.replace("_linear", "")).sort(),
    original.weights.map(({ originalName }) => originalName).sort(),
  );
  prepared.dispose();
  assert.ok(predict(model, inputFor(model))[0].every(Number.isFinite));
});

Deno.test("floatModelOf() lists the layers that TF.js does not know by itself, of every room that has some", () => {
  registerLayers();
  const added = registered().filter((name) => !OF_TFJS.includes(name));
  const isTold = (name: string) => isOwnClass(name) || isQuantizedClass(name);
  assert.deepEqual(added.filter((name) => !isTold(name)), []);
  assert.ok(added.includes("ChannelSplit") && added.includes("Operation") && added.includes("Attention"), `${added}`);
  assert.ok(OF_TFJS.every((name) => !isOwnClass(name)));

  const input = tfl.input({ shape: [4], name: "row" });
  const hidden = apply(layers.dense({ units: 4, name: "hidden" }), input);
  const half = apply(
    new Operation({ operation: "abs", name: "half" }),
    apply(new ChannelSplit({ name: "left" }), hidden),
  );
  const outputs = apply(layers.dense({ units: 2, name: "out" }), half);
  const { model: prepared } = prepareQat(seedWeights(tfl.model({ inputs: input, outputs })));
  assert.deepEqual(floatModelOf(prepared).ownLayers, [
    { layer: "left", className: "ChannelSplit" },
    { layer: "half", className: "Operation" },
  ]);
});

Deno.test("floatModelOf() names cells of this project within TF.js's own layers", () => {
  registerLayers();
  const input = tfl.input({ shape: [3, 2], name: "rows" });
  const cell = new ResetAfterGRUCell({ units: 4, name: "cell" });
  const outputs = apply(layers.dense({ units: 2, name: "out" }), apply(layers.rnn({ cell, name: "gru" }), input));
  const { model: prepared } = prepareQat(seedWeights(tfl.model({ inputs: input, outputs })));
  assert.deepEqual(floatModelOf(prepared).ownLayers, [{ layer: "gru", className: "ResetAfterGRUCell" }]);
});
