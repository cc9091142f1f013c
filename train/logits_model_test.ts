import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { inputFor, predict, seedWeights, sequentialModel, skipModel } from "../tests/_support/small_models.ts";
import { fromModel, rewriteModel, splitActivation } from "../src/rewrite/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { logitsModel } from "./logits_model.ts";
import { prepareQat } from "../quantize/prepare.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

function softmaxOf(logits: Float32Array, classes: number): number[] {
  return Array.from(tf.softmax(tf.tensor(logits, [logits.length / classes, classes])).dataSync());
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  Array.from(actual).forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= 1e-6, `${value} ${expected[i]}`));
}

Deno.test("logitsModel() gives what softmax makes the model's answer of", () => {
  const { model } = rewriteModel(sequentialModel(), [splitActivation]);
  const view = logitsModel(model);
  assert.deepEqual(view.outputNames, ["fc"]);
  assertClose(predict(model, inputFor(model))[0], softmaxOf(predict(view, inputFor(model))[0], 5));
});

Deno.test("logitsModel() of a prepared model gives fake-quantized logits", async () => {
  const { model } = prepareQat(sequentialModel());
  await calibrate(model, [inputFor(model)]);
  const view = logitsModel(model);
  assert.deepEqual(view.outputNames, ["fc_quant"]);
  const probabilities = softmaxOf(predict(view, inputFor(model))[0], 5);
  assertClose(predict(model, inputFor(model))[0], probabilities.map((p) => Math.min(Math.round(p * 256), 255) / 256));
});

Deno.test("logitsModel() does reshapes after the softmax over, and leaves the model's own layers alone", () => {
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

Deno.test("logitsModel() shares its weights with the model", () => {
  const { model } = rewriteModel(sequentialModel(), [splitActivation]);
  const view = logitsModel(model);
  const before = predict(view, inputFor(model));
  seedWeights(model, 50);
  assert.notDeepEqual(predict(view, inputFor(model)), before);
  assert.deepEqual(view.trainableWeights.length, model.trainableWeights.length);
});

Deno.test("logitsModel() returns the model itself where there is no softmax to cut", () => {
  const dense = () => layers.dense({ units: 4, inputShape: [2, 3], name: "fc" });
  const models = [
    skipModel(),
    sequentialModel(),
    tfl.sequential({ layers: [dense()] }),
    // Softmax over 4, answers flattened to 8: cross-entropy of those 8 would be another function.
    tfl.sequential({ layers: [dense(), layers.softmax({ axis: -1 }), layers.flatten()] }),
  ];
  for (const model of models) assert.equal(logitsModel(model), model);
});
