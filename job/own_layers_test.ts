import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { ChannelShuffle, registerChannelLayers } from "../src/channels/mod.ts";
import { apply, seedWeights } from "../tests/_support/small_models.ts";
import { save, SMALL, tinyModel, withFolder } from "./_test_support.ts";
import { runQat } from "./qat.ts";

/** A convolution whose channels are shuffled. */
function shuffledModel(): tfl.LayersModel {
  const { layers } = tfl;
  const input = tfl.input({ shape: [8, 8, 3], name: "picture" });
  const conv = apply(layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", name: "conv" }), input);
  const pool = apply(layers.globalAveragePooling2d({ name: "pool" }), apply(new ChannelShuffle({ name: "mix" }), conv));
  const outputs = apply(layers.dense({ units: 10, activation: "softmax", name: "dense" }), pool);
  return seedWeights(tfl.model({ inputs: input, outputs }));
}

Deno.test("runQat() says which layers of its float model TF.js does not know by itself, and nothing where it knows all", () =>
  withFolder(async (dir) => {
    registerChannelLayers();
    const said = async (model: tfl.LayersModel) => {
      const lines: string[] = [];
      const path = await save(model, `${dir}/in`);
      const { files = [] } = await runQat({ ...SMALL, model: path, out: `${dir}/out` }, {
        log: (line) => lines.push(line),
      });
      const of = files.find(({ path }) => path === "float/model.json")?.what;
      return { line: lines.find((line) => line.startsWith("float/model.json")), of };
    };
    const needs = ' after registerLayers() of this project\'s "./layers": it has "mix" (ChannelShuffle)';
    assert.deepEqual(await said(shuffledModel()), {
      line: `float/model.json is for TF.js${needs}.`,
      of: `its weights in float, as TF.js reads them${needs}`,
    });
    assert.deepEqual(await said(tinyModel()), { line: undefined, of: "its weights in float, as TF.js reads them" });
  }));
