/** The calls of a layer with weights, each with what the file computes in one operator with it: batch norm and ReLU. */
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { type Layer, type QuantizedLayer, quantizedLayer, SharedCall } from "../../src/quant/mod.ts";
import { layersOf } from "../../src/rewrite/mod.ts";
import { recordOf } from "../record.ts";

/** A call of a layer with weights. */
export interface CallSite {
  /** The layers that run as one operator, the one with weights first. */
  readonly layers: readonly Layer[];
  /** What it reads, in the quantized model. */
  readonly input: SymbolicTensor;
}

/** A layer with quantized weights, and where it is called. */
export interface WeightedLayer {
  /** Its name. */
  readonly name: string;
  readonly layer: QuantizedLayer;
  /** At least one, in topological order. */
  readonly sites: readonly CallSite[];
}

/**
 * Lists the layers of `model` with quantized weights, in the order in which they first run.
 *
 * @throws {TypeError} If the model was not prepared.
 */
export function weightedLayersOf(model: LayersModel): readonly WeightedLayer[] {
  const record = recordOf(model);
  if (record === undefined) {
    throw new TypeError(`Cannot find the operators of "${model.name}": it is not prepared, a prepared model is needed`);
  }
  const found = new Map<string, WeightedLayer>();
  for (const unit of record.units) {
    const layers = layersOf(unit).map((name) => model.getLayer(name));
    const [first] = layers;
    const owner = first instanceof SharedCall ? first.called : first;
    const layer = quantizedLayer(owner);
    if (layer?.role !== "weights") continue;
    const site = { layers, input: first.inboundNodes[0].inputTensors[0] };
    found.set(owner.name, { name: owner.name, layer, sites: [...found.get(owner.name)?.sites ?? [], site] });
  }
  return [...found.values()];
}
