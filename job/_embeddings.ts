/** Inputs that are rows of tables. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { layersIn } from "../src/quant/mod.ts";

/** Returns, for inputs of `model` that embeddings read, how many rows the smallest of these has. */
export function rowsOfEmbeddings(model: tfl.LayersModel): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const layer of layersIn(model)) {
    if (layer.getClassName() !== "Embedding") continue;
    const own = Number(layer.getConfig().inputDim);
    for (const { inboundLayers } of layer.inboundNodes) {
      for (const { name } of inboundLayers) rows.set(name, Math.min(own, rows.get(name) ?? Infinity));
    }
  }
  return rows;
}
