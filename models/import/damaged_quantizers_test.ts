/** Prepared models whose quantizers are damaged, in their configuration or in their weights. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { FakeQuantize, QuantizedWeights, registerQuantKernels, registerQuantLayers } from "../../src/quant/mod.ts";
import { type EditableJson, editModelJson, withTempDir } from "./_test_models.ts";
import { loadLayersModel, ModelFileError, saveLayersModel } from "./layers_model.ts";

/** Puts values on a grid of 0 to 10, and through a dense layer. */
function prepared(): tfl.LayersModel {
  registerQuantKernels();
  registerQuantLayers();
  const quantizer = new FakeQuantize({ name: "grid", inputShape: [3] });
  const layer = tfl.layers.dense({ name: "fc", units: 2 });
  const model = tfl.sequential({
    layers: [quantizer, new QuantizedWeights({ layer, weights: [{ name: "kernel", axis: 1 }] })],
  });
  quantizer.setRange({ min: 0, max: 10 });
  return model;
}

/** Loads the model after its weights named in `weights` were set to one value, or its file was edited. */
function load(
  damage: { readonly weights?: Readonly<Record<string, number>>; readonly edit?: (json: EditableJson) => void },
): Promise<unknown> {
  return withTempDir(async (dir) => {
    const model = prepared();
    for (const [name, value] of Object.entries(damage.weights ?? {})) {
      const weight = model.weights.find(({ originalName }) => originalName === name)!;
      weight.write(tf.fill(weight.shape as number[], value));
    }
    await saveLayersModel(model, dir);
    if (damage.edit !== undefined) editModelJson(dir, damage.edit);
    return await loadLayersModel(dir);
  });
}

function edited(layer: number, key: string, value: unknown) {
  return (json: EditableJson) => {
    const { layers } = json.modelTopology.config as { layers: { config: Record<string, unknown> }[] };
    layers[layer].config[key] = value;
  };
}

const OLD = { bits: 8, signed: false, qmin: 0, qmax: 255, symmetric: false };

const DAMAGES = [
  [{ weights: { "grid/scale": 0 } }, 'the layer "grid" is damaged: its scale is 0, a number above 0'],
  [{ weights: { "grid/scale": 1e38 } }, 'the layer "grid" is damaged: its scale is '],
  [{ weights: { "grid/zero_point": -1 } }, 'the layer "grid" is damaged: its zero point is -1, a whole number from 0'],
  [{ weights: { "grid/min": 11 } }, 'the layer "grid" is damaged: its range is 11 to 10, two numbers in order'],
  [{ weights: { "fc/kernel_scale": -1 } }, 'the layer "fc/kernel" is damaged: its scale is -1'],
  [{ edit: edited(0, "scheme", { ...OLD, bits: 2.5 }) }, 'the layer "grid" is damaged: its scheme has dtype "uint2.5"'],
  [{ edit: edited(0, "scheme", { ...OLD, bits: "8" }) }, 'the layer "grid" is damaged: its scheme has bits "8"'],
  [{ edit: edited(0, "scheme", { ...OLD, qmin: 300 }) }, 'the layer "grid" is damaged: its codes are 300 to 255'],
  [{ edit: edited(1, "scheme", { ...OLD, signed: 1 }) }, 'the layer "fc" is damaged: its scheme has signed 1'],
] as const;

for (const [damage, message] of DAMAGES) {
  Deno.test(`loadLayersModel() says that ${message}`, async () => {
    await tf.setBackend("cpu");
    await assert.rejects(load(damage), (error) => {
      assert.ok(error instanceof ModelFileError);
      assert.ok(error.message.includes(`/model.json": ${message}`), error.message);
      return !error.message.includes("\n");
    });
  });
}

Deno.test("loadLayersModel() loads a prepared model that nothing is wrong with, of this version and the first", async () => {
  await tf.setBackend("cpu");
  await load({});
  await load({ edit: edited(0, "scheme", OLD) });
  await load({ weights: { "grid/count": 0, "grid/scale": 0 } }); // never observed: what it holds means nothing
});
