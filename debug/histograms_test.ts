import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { histogramsOf } from "./histograms.ts";
import { measureParts } from "./measure.ts";

Deno.test("histogramsOf() counts each value of the float model in its eightieth of the range", async () => {
  await registerBackend();
  const dense = tfl.layers.dense({ units: 1, useBias: false, name: "fc", inputShape: [1] });
  const float = tfl.sequential({ layers: [dense] });
  dense.setWeights([tf.tensor2d([2], [1, 1])]);
  const { model } = prepareQat(float);
  // Behind the layer: -20 to 60, a bin a number, and the largest in the last bin.
  const inputs = [-10, -9.75, 0.25, 30, 30];
  const batches = () => [{ inputs: { fc_input: Float32Array.from(inputs) }, size: inputs.length }];
  await calibrate(model, batches());
  const { parts } = await measureParts(model, { batches });
  const [input, fc] = await histogramsOf(model, { facts: parts, batches });
  assert.deepEqual([input.layer, fc.layer, fc.range], ["fc_input", "fc", { min: -20, max: 60 }]);
  const filled = fc.counts.flatMap((count, bin) => count === 0 ? [] : [[bin, count]]);
  assert.deepEqual([fc.counts.length, filled], [80, [[0, 2], [20, 1], [79, 2]]]);
});
