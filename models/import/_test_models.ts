/** Small models in temporary folders, and ways to change their files, for the tests of this folder. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-cpu";
import { saveLayersModel } from "./layers_model.ts";

/** A model.json as the tests change it. */
export interface EditableJson {
  [key: string]: unknown;
  modelTopology: Record<string, unknown>;
  weightsManifest: { paths: string[]; weights: (tf.io.WeightsManifestEntry & Record<string, unknown>)[] }[];
}

/** Runs `use` with a new folder, which is removed afterwards. */
export async function withTempDir<T>(use: (dir: string) => T | Promise<T>): Promise<T> {
  tf.env().set("PROD", true);
  const dir = await Deno.makeTempDir({ prefix: "qat_io_" });
  try {
    return await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs `use` with a folder that holds {@linkcode smallModel}. */
export function withSavedModel<T>(use: (dir: string) => T | Promise<T>): Promise<T> {
  return withTempDir(async (dir) => {
    const model = smallModel();
    await saveLayersModel(model, dir);
    model.dispose();
    return use(dir);
  });
}

/** Conv → BN → flatten → dense on [n, 4, 4, 2]; its 10 weights count on through 0, 1/8, 2/8, … */
export function smallModel(): tfl.LayersModel {
  const model = tfl.sequential({
    name: "small",
    layers: [
      tfl.layers.conv2d({ name: "conv", inputShape: [4, 4, 2], filters: 3, kernelSize: 3, activation: "relu" }),
      tfl.layers.batchNormalization({ name: "bn" }),
      tfl.layers.flatten({ name: "flat" }),
      tfl.layers.dense({ name: "logits", units: 5 }),
    ],
  });
  let next = 0;
  tf.tidy(() =>
    model.setWeights(
      model.getWeights().map(({ shape, size }) =>
        tf.tensor(Float32Array.from({ length: size }, () => next++ / 8), shape)
      ),
    )
  );
  return model;
}

/** Reads `dir`/model.json, lets `edit` change it, and writes it back. */
export function editModelJson(dir: string, edit: (json: EditableJson) => void): void {
  const json: EditableJson = JSON.parse(Deno.readTextFileSync(`${dir}/model.json`));
  edit(json);
  Deno.writeTextFileSync(`${dir}/model.json`, JSON.stringify(json));
}

/** Gives the values of all weights of a model, one after another. */
export function weightValues(model: tfl.LayersModel): number[] {
  return model.getWeights().flatMap((weight) => [...weight.dataSync()]);
}
