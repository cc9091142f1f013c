/** What the tests of layers share: TF.js ready with this room's layers, and a round trip through a saved model. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { useCpu } from "../_test_support.ts";
import { registerQuantLayers } from "./register.ts";

/** Makes TF.js ready: its cpu backend, this room's kernels and layers. */
export async function useLayers(): Promise<void> {
  await useCpu();
  registerQuantLayers();
}

/** Saves `model` to memory, through JSON text, and loads it back. */
export async function saveAndLoad(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = { ...artifacts, modelTopology: JSON.parse(JSON.stringify(artifacts.modelTopology)) };
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  return await tfl.loadLayersModel({ load: () => Promise.resolve(saved ?? {}) });
}

/** Returns the values of all weights of `layer` by original name. */
export function weightValues(layer: { readonly weights: tfl.LayerVariable[] }): Record<string, number[]> {
  return Object.fromEntries(layer.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]));
}

/** Returns the only tensor that a layer or model returns, as numbers. */
export function valuesOf(output: tf.Tensor | tf.Tensor[] | tfl.SymbolicTensor | tfl.SymbolicTensor[]): number[] {
  if (output instanceof tf.Tensor) return [...output.dataSync()];
  throw new TypeError("Cannot read values: one tensor is needed");
}
