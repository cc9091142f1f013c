/** Names of a model's inputs and outputs. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { FakeQuantize } from "../src/quant/mod.ts";

/**
 * Names the inputs of `model` after their layers.
 *
 * TF.js's `model.inputNames` says the same, but is empty for a loaded Sequential until that is first used.
 */
export function inputNames({ inputs }: tfl.LayersModel): readonly string[] {
  return inputs.map(({ sourceLayer }) => sourceLayer.name);
}

/** Names the outputs of `model` after the layers that make them; a quantizer behind one does not show. */
export function outputNames({ outputs }: tfl.LayersModel): readonly string[] {
  const names: string[] = [];
  for (const { sourceLayer: layer } of outputs) {
    const { name } = layer instanceof FakeQuantize ? layer.inboundNodes[0].inboundLayers[0] : layer;
    const copies = names.filter((other) => other === name || other.startsWith(`${name}_`)).length;
    names.push(copies === 0 ? name : `${name}_${copies}`);
  }
  return names;
}
