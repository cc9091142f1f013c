import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { predict, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { layersModelFiles } from "./layers_model.ts";

const { layers } = tfl;
const shape = { inputShape: [6, 6, 2] };
const depthwiseRegularizer = tfl.regularizers.l2({ l2: 1e-4 });

/** Layers that TF.js 4.22 saves wrong. */
const LAYERS: Readonly<Record<string, () => tfl.layers.Layer>> = {
  "DepthwiseConv2D with a regularizer": () => layers.depthwiseConv2d({ kernelSize: 3, depthwiseRegularizer, ...shape }),
  "SeparableConv2D of several filters a channel": () =>
    layers.separableConv2d({ filters: 3, kernelSize: 3, depthMultiplier: 2, ...shape }),
  "one in a model": () =>
    tfl.sequential({ layers: [layers.separableConv2d({ filters: 3, kernelSize: 3, depthMultiplier: 2, ...shape })] }),
};

for (const [what, make] of Object.entries(LAYERS)) {
  Deno.test(`layersModelFiles() writes what TF.js's own loader reads as the same model: ${what}`, async () => {
    await tf.setBackend("cpu");
    const model = seedWeights(tfl.sequential({ layers: [make(), layers.flatten()] }));
    const [weights, json] = await layersModelFiles(model, "m");
    const { modelTopology, weightsManifest: [{ weights: weightSpecs }] } = JSON.parse(String(json.bytes));
    const weightData = Uint8Array.from(weights.bytes as Uint8Array).buffer;
    const loaded = await tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    const x = randomTensor([2, 6, 6, 2]);
    assert.deepEqual(predict(loaded, [x]), predict(model, [x]));
  });
}
