/** Preparing the real models of `../shared/models`. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { inputFor, predict } from "../tests/_support/small_models.ts";
import { testWithShared } from "../tests/_support/shared.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { FakeQuantize, QuantizedWeights, setQatPhase } from "../src/quant/mod.ts";
import { fixInputShape, fromModel, nodeOf } from "../src/rewrite/mod.ts";
import { calibrate, uncalibratedIn } from "./calibrate.ts";
import { lossView } from "../train/loss_view.ts";
import { outputNames } from "../models/ports.ts";
import { headOf } from "../tasks/loss.ts";
import { softmaxCrossEntropy } from "../tasks/classification/cross_entropy.ts";
import { prepareQat } from "./prepare.ts";

tf.env().set("PROD", true);

interface Case {
  readonly name: string;
  /** Convolutions and dense layers after splitting separable ones. */
  readonly weighted: number;
  /** Side of the image to try it on, where the model takes any; the cpu backend is slow. */
  readonly side?: number;
}

const CASES: readonly Case[] = [
  { name: "lenet_mnist", weighted: 5 },
  { name: "emotion_mobilenet_v1_025", weighted: 28 },
  { name: "nsfw_mobilenet_v2", weighted: 55 },
  { name: "faceapi_expression", weighted: 32 },
  { name: "faceapi_tiny_face_detector_leaky", weighted: 12, side: 64 },
];

async function load(path: string, { side }: Case): Promise<LayersModel> {
  const { model } = await loadLayersModel(path);
  return side === undefined ? model : fixInputShape(model, [side, side, 3]);
}

for (const model of CASES) {
  testWithShared(
    `prepareQat() wraps every convolution and dense layer of ${model.name}`,
    `models/${model.name}`,
    async (path) => {
      const original = await load(path, model);
      const { model: prepared, units, islands, ungrouped } = prepareQat(original);
      const graph = fromModel(prepared);
      const wrapped = prepared.layers.filter((layer) => layer instanceof QuantizedWeights).map((layer) => layer.name);
      assert.equal(wrapped.length, model.weighted);
      assert.deepEqual(
        wrapped.sort(),
        units.filter((unit) => unit.kind === "weighted").map((unit) => unit.layer).sort(),
      );
      for (const { end } of units) assert.equal(nodeOf(graph, `${end}_quant`).layer.className, FakeQuantize.className);
      assert.deepEqual(islands, []);
      assert.deepEqual(ungrouped, []);
    },
  );

  testWithShared(
    `prepareQat() of ${model.name} answers as the float model does, disabled`,
    `models/${model.name}`,
    async (path) => {
      const original = await load(path, model);
      const { model: prepared } = prepareQat(original, { swap: [] });
      setQatPhase(prepared, { fakeQuantizing: false });
      const inputs = inputFor(original).map((input) => tf.slice(input, 0, 1));
      const expected = predict(original, inputs);
      predict(prepared, inputs).forEach((values, i) => {
        const size = Math.max(...expected[i].map(Math.abs));
        assert.ok(values.every((value, j) => Math.abs(value - expected[i][j]) <= 1e-5 * size), `output ${i}`);
      });
    },
  );
}

testWithShared(
  "calibrate() finds every range of emotion_mobilenet_v1_025",
  "models/emotion_mobilenet_v1_025",
  async (path) => {
    const original = await load(path, CASES[1]);
    const { model } = prepareQat(original);
    const [input] = inputFor(original);
    assert.equal(await calibrate(model, [input]), 1);
    assert.deepEqual(uncalibratedIn(model), []);
    const logits = predict(lossView(model, { [outputNames(model)[0]]: headOf(softmaxCrossEntropy()) }), [input])[0];
    const shape: [number, number] = [2, 7];
    const softmax = Array.from(tf.softmax(tf.tensor2d(logits, shape)).dataSync());
    predict(model, [input])[0].forEach((p, i) => assert.ok(Math.abs(p - softmax[i]) <= 0.5 / 256 + 1e-6));
  },
);
