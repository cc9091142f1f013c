/**
 * Batch normalization of layers that do not train. TF.js trains its statistics all the same; as in Keras since version 2,
 * one that is not trainable normalizes by those that it has.
 */
import * as tfl from "@tensorflow/tfjs-layers";
import { shadow } from "../src/shadow.ts";

/** Lets TF.js's batch normalization of `model` that is not trainable keep its statistics. Returns what ends it. */
export function holdStatistics(model: tfl.LayersModel): () => void {
  const shadows = frozenNorms(model, false).map((layer) =>
    shadow(layer, "call", (next, inputs, kwargs) => next(inputs, { ...kwargs, training: false }))
  );
  return () => shadows.forEach((end) => end());
}

function frozenNorms(model: tfl.LayersModel, frozen: boolean): readonly tfl.layers.Layer[] {
  const within = frozen || !model.trainable;
  return model.layers.flatMap((layer) => {
    if (layer instanceof tfl.LayersModel) return frozenNorms(layer, within);
    return layer.getClassName() === "BatchNormalization" && (within || !layer.trainable) ? [layer] : [];
  });
}
