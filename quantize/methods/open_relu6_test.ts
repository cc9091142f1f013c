import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { predict } from "../../tests/_support/small_models.ts";
import { contextOf } from "./_test_nets.ts";
import { equalize } from "./equalize.ts";
import { openRelu6 } from "./open_relu6.ts";

const { layers } = tfl;

Deno.test("openRelu6() lets scales pass where values are cut off, and says what that changes", async () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 1, useBias: false, activation: "relu6", inputShape: [1], name: "a" }),
      layers.dense({ units: 1, useBias: false, activation: "relu6", name: "b" }),
    ],
  });
  model.setWeights([[[9]], [[0.25]]].map((values) => tf.tensor(values)));
  const samples = contextOf([{ inputs: { x: Float32Array.of(0.5, 1) }, size: 2 }]);
  const { model: opened, effects, facts } = await openRelu6.apply(model, samples);
  // The last one gives the model's answer: nothing behind it could be scaled.
  assert.deepEqual(opened.layers.slice(-2).map((layer) => layer.getConfig().activation), ["relu", "relu6"]);
  assert.deepEqual(effects, [
    { layer: "a", what: "largest value, with a maximum and without", before: 6, after: 9 },
  ]);
  // Answers 1.125 and 1.5 become 1.125 and 2.25: 0.75 of √(1.125² + 1.5²) = 1.875.
  assert.deepEqual(facts, ["the float model's answers differ by 40 % of their size"]);
  const { model: equalized, effects: balanced } = await equalize.apply(opened, samples);
  assert.deepEqual(balanced.map(({ layer }) => layer), ["a", "b"]);
  assert.deepEqual(equalized.getWeights().map((w) => Number(w.dataSync()[0].toFixed(5))), [1.5, 1.5]);
  assert.deepEqual([...predict(model, [tf.tensor2d([[1]])])[0]], [1.5]);
});
