import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { inputFor, predict, seedWeights, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { fromModel, rewriteModel, splitActivation } from "../src/rewrite/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { headOf, meanSquaredError } from "../tasks/loss.ts";
import { softmaxCrossEntropy } from "../tasks/classification/cross_entropy.ts";
import type { CutActivation, Head } from "../tasks/task.ts";
import { outputNames } from "../models/ports.ts";
import { lossView } from "./loss_view.ts";
import { prepareQat } from "../quantize/prepare.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

/** The view of losses that want to be before `activation` of every output. */
function logitsModel(model: tfl.LayersModel, activation: CutActivation = "softmax"): tfl.LayersModel {
  const head: Head = { ...headOf(softmaxCrossEntropy()), reads: { kind: "logits", activation, strict: true } };
  return lossView(model, Object.fromEntries(outputNames(model).map((name) => [name, head])));
}

function softmaxOf(logits: Float32Array, classes: number): number[] {
  return Array.from(tf.softmax(tf.tensor(logits, [logits.length / classes, classes])).dataSync());
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  Array.from(actual).forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= 1e-6, `${value} ${expected[i]}`));
}

Deno.test("lossView() gives what softmax makes the model's answer of", () => {
  const { model } = rewriteModel(sequentialModel(), [splitActivation]);
  const view = logitsModel(model);
  assert.deepEqual(view.outputNames, ["fc_linear"]);
  assertClose(predict(model, inputFor(model))[0], softmaxOf(predict(view, inputFor(model))[0], 5));
});

Deno.test("lossView() of a prepared model gives fake-quantized logits", async () => {
  const { model } = prepareQat(sequentialModel());
  await calibrate(model, [inputFor(model)]);
  const view = logitsModel(model);
  assert.deepEqual(view.outputNames, ["fc_linear_quant"]);
  const probabilities = softmaxOf(predict(view, inputFor(model))[0], 5);
  assertClose(predict(model, inputFor(model))[0], probabilities.map((p) => Math.min(Math.round(p * 256), 255) / 256));
});

Deno.test("lossView() does reshapes after the softmax over, and leaves the model's own layers alone", () => {
  const model = seedWeights(tfl.sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [2, 2, 2], name: "conv" }),
      layers.softmax({ axis: -1, name: "softmax" }),
      layers.flatten({ name: "flat" }),
      layers.reshape({ targetShape: [1, 3], name: "shape" }),
    ],
  }));
  const graph = fromModel(model);
  const view = logitsModel(model);
  assert.deepEqual(view.outputs[0].shape, [null, 1, 3]);
  assertClose(predict(model, inputFor(model))[0], softmaxOf(predict(view, inputFor(model))[0], 3));
  assert.deepEqual(fromModel(model), graph);
});

Deno.test("lossView() shares its weights with the model", () => {
  const { model } = rewriteModel(sequentialModel(), [splitActivation]);
  const view = logitsModel(model);
  const before = predict(view, inputFor(model));
  seedWeights(model, 50);
  assert.notDeepEqual(predict(view, inputFor(model)), before);
  assert.deepEqual(view.trainableWeights.length, model.trainableWeights.length);
});

Deno.test("lossView() returns the model itself where there is nothing to cut", () => {
  const dense = () => layers.dense({ units: 4, inputShape: [2, 3], name: "fc" });
  const models = [
    tfl.sequential({ layers: [dense()] }),
    tfl.sequential({ layers: [dense(), layers.leakyReLU(), layers.dropout({ rate: 0.5 })] }),
  ];
  for (const model of models) assert.equal(logitsModel(model), model);
  const softmax = tfl.sequential({ layers: [dense(), layers.softmax({ name: "softmax" })] });
  assert.equal(lossView(softmax, { softmax: headOf(meanSquaredError) }), softmax);
  const lenient = skipModel();
  assert.equal(lossView(lenient, { score: headOf(() => tf.scalar(0)), conv_map: headOf(meanSquaredError) }), lenient);
});

/** Heads that no softmax layer stands at the end of, and how many classes they tell apart. */
const HEADS: Readonly<Record<string, () => tfl.LayersModel>> = {
  "fused in Dense": () =>
    tfl.sequential({ layers: [layers.dense({ units: 3, activation: "softmax", inputShape: [4], name: "fc" })] }),
  "fused in Conv2D": () =>
    tfl.sequential({
      layers: [
        layers.conv2d({ filters: 3, kernelSize: 2, activation: "softmax", inputShape: [2, 2, 2], name: "conv" }),
        layers.flatten({ name: "flat" }),
      ],
    }),
  "before dropout and linear": () =>
    tfl.sequential({
      layers: [
        layers.dense({ units: 3, inputShape: [4], name: "fc" }),
        layers.softmax({ name: "softmax" }),
        layers.dropout({ rate: 0.5, name: "drop" }),
        layers.activation({ activation: "linear", name: "linear" }),
      ],
    }),
  "in a nested model": () =>
    tfl.sequential({
      layers: [
        layers.dense({ units: 5, inputShape: [4], name: "body" }),
        tfl.sequential({
          name: "head",
          layers: [
            layers.dense({ units: 3, activation: "softmax", inputShape: [5], name: "fc" }),
            layers.dropout({ rate: 0.1, name: "drop" }),
          ],
        }),
      ],
    }),
  "in TimeDistributed": () =>
    tfl.sequential({
      layers: [
        layers.timeDistributed({
          layer: layers.dense({ units: 3, activation: "softmax", name: "fc" }),
          inputShape: [2, 4],
          name: "each",
        }),
      ],
    }),
};

for (const [where, make] of Object.entries(HEADS)) {
  Deno.test(`lossView() cuts a softmax ${where}, and trains the very weights of the model`, () => {
    const model = seedWeights(make());
    const graph = fromModel(model);
    const view = logitsModel(model);
    const inputs = inputFor(model);
    assertClose(predict(model, inputs)[0], softmaxOf(predict(view, inputs)[0], 3));
    assert.deepEqual(fromModel(model), graph);
    const variables = (of: tfl.LayersModel) => new Set(of.trainableWeights.map((weight) => weight.read()));
    assert.deepEqual(variables(view), variables(model));
    const before = predict(view, inputs);
    seedWeights(model, 50);
    assert.notDeepEqual(predict(view, inputs), before);
    assertClose(predict(model, inputs)[0], softmaxOf(predict(view, inputs)[0], 3));
  });
}

Deno.test("lossView() of a frozen nested model has no more to train than the model", () => {
  const model = seedWeights(HEADS["in a nested model"]());
  model.getLayer("head").trainable = false;
  assert.equal(model.trainableWeights.length, 2);
  assert.equal(logitsModel(model).trainableWeights.length, 2);
});

Deno.test("lossView() cuts each output before its own activation", () => {
  const model = skipModel();
  const view = lossView(model, {
    score: { ...headOf(meanSquaredError), reads: { kind: "logits", activation: "sigmoid", strict: true } },
    conv_map: headOf(meanSquaredError),
  });
  const inputs = inputFor(model);
  const [score, map] = predict(model, inputs);
  const [logits, same] = predict(view, inputs);
  assertClose(score, logits.map((z) => 1 / (1 + Math.exp(-z))));
  assert.deepEqual(same, map);
});

Deno.test("lossView() leaves outputs out that no loss reads", () => {
  const model = skipModel();
  assert.deepEqual(outputNames(lossView(model, { conv_map: headOf(meanSquaredError) })), ["conv_map"]);
});

Deno.test("lossView() refuses outputs that end in an activation that squashes what the loss wants to see", () => {
  const dense = (activation?: "relu" | "sigmoid" | "softmax" | "tanh") =>
    layers.dense({ units: 4, inputShape: [2, 3], name: "fc", ...(activation === undefined ? {} : { activation }) });
  const refused: [tfl.LayersModel, RegExp][] = [
    [
      tfl.sequential({ name: "net", layers: [dense("sigmoid")] }),
      /^Cannot train "net": its output "fc" ends in sigmoid/,
    ],
    [tfl.sequential({ layers: [dense("relu"), layers.dropout({ rate: 0.1 })] }), /ends in relu \("fc"\)/],
    [
      tfl.sequential({ layers: [dense(), layers.activation({ activation: "tanh", name: "tanh" })] }),
      /in tanh \("tanh"\)/,
    ],
    [tfl.sequential({ layers: [dense(), layers.softmax({ axis: 1, name: "over" })] }), /ends in softmax \("over"\)/],
    // Softmax over 4, answers flattened to 8: cross-entropy of those 8 would be another function.
    [tfl.sequential({ layers: [dense("softmax"), layers.flatten()] }), /ends in softmax \("fc"\)/],
    [
      tfl.sequential({ layers: [dense("softmax"), layers.globalAveragePooling1d({ name: "pool" })] }),
      /ends in GlobalAveragePooling1D \("pool"\) after softmax, .* softmax over the last axis or no activation is needed/,
    ],
  ];
  for (const [model, message] of refused) assert.throws(() => logitsModel(model), { name: "TypeError", message });
});
