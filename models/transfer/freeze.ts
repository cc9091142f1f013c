/** Layers that training leaves as they are. */
import type * as tfl from "@tensorflow/tfjs-layers";
import {
  fromModel,
  innerLayer,
  type LayerConfig,
  type LayerGraph,
  type LayerSpec,
  rebuild,
} from "../../src/rewrite/mod.ts";
import { layersIn, quantizedLayer } from "../../src/quant/mod.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import { hasWeights } from "./_units.ts";

/** A model of which a part does not train. */
export interface FrozenModel {
  readonly model: tfl.LayersModel;
  /** Layers with weights that training leaves as they are. */
  readonly frozen: number;
  /** All layers with weights. */
  readonly of: number;
}

/** Lets the layers train that were frozen before. */
export const FREEZE_NONE = "none";

/**
 * Returns a copy of `model` of which training leaves the layers up to the one called `name` as they are, that one included,
 * in the order in which its summary lists them. With "none" those train that a model was frozen until before.
 *
 * Weights of a frozen layer do not change, nor do the statistics of batch normalization, which normalizes by them in
 * training too. Ranges of activations are observed all the same. The model keeps it when it is rewritten, prepared and
 * saved. Layers behind it are as they were, but for those that an earlier call had frozen: they train again.
 *
 * @throws {RangeError} If there is no such layer, or none behind it has weights.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { freezeUntil } from "./freeze.ts";
 *
 * const layers = ["a", "b", "c"].map((name) => tfl.layers.dense({ name, units: 2, inputShape: [2] }));
 * const { model, frozen } = freezeUntil(tfl.sequential({ layers }), "b");
 * assert.equal(frozen, 2);
 * assert.deepEqual(model.trainableWeights.map(({ originalName }) => originalName), ["c/kernel", "c/bias"]);
 * ```
 */
export function freezeUntil(model: tfl.LayersModel, name: string): FrozenModel {
  const cannot = `Cannot freeze "${model.name}" until "${name}"`;
  const graph = fromModel(model);
  const names = graph.nodes.map((node) => node.name);
  const last = name === FREEZE_NONE && !names.includes(name)
    ? -1
    : names.indexOf(checkChoice(name, { of: names, cannot }));
  const quantizers = quantizersIn(model);
  const weighted = new Set(
    graph.nodes.filter((node) => hasWeights(node) && !quantizers.has(node.layer.name)).map(({ layer }) => layer),
  );
  const frozen = new Set(graph.nodes.slice(0, last + 1).map(({ layer }) => layer).filter((one) => weighted.has(one)));
  const trains = (layer: LayerSpec) => !frozen.has(layer) && (layer.config.trainable !== false || before.has(layer));
  const before = frozenBefore([...weighted]);
  if (![...weighted].some(trains)) {
    throw new RangeError(`${cannot}: no layer behind it has weights to train, at least 1 is needed`);
  }
  const changed = new Map([...weighted].map((layer) => [layer, withTrainable(layer, trains(layer))]));
  return { model: rebuild(model, withLayers(graph, changed)), frozen: frozen.size, of: weighted.size };
}

/** Names of layers that put values on grids: what they keep is observed, not trained. */
function quantizersIn(model: tfl.LayersModel): ReadonlySet<string> {
  const quantizers = layersIn(model).filter((layer) => quantizedLayer(layer)?.role === "activations");
  return new Set(quantizers.map(({ name }) => name));
}

/** The layers before the first that trains: what is frozen behind it was never meant to train. */
function frozenBefore(layers: readonly LayerSpec[]): ReadonlySet<LayerSpec> {
  const first = layers.findIndex(({ config }) => config.trainable !== false);
  return new Set(layers.slice(0, first < 0 ? layers.length : first));
}

function withLayers(graph: LayerGraph, changed: ReadonlyMap<LayerSpec, LayerSpec>): LayerGraph {
  return { ...graph, nodes: graph.nodes.map((node) => ({ ...node, layer: changed.get(node.layer) ?? node.layer })) };
}

function withTrainable(layer: LayerSpec, trainable: boolean): LayerSpec {
  return { ...layer, config: trainableConfig(layer.config, trainable) };
}

/** TF.js asks the layer within a wrapper whether it trains. */
function trainableConfig(config: LayerConfig, trainable: boolean): LayerConfig {
  const inner = innerLayer(config);
  if (inner === undefined) return { ...config, trainable };
  const key = config.layer === undefined ? "cell" : "layer";
  const own = { className: inner.className, config: { ...trainableConfig(inner.config, trainable) } };
  return { ...config, trainable, [key]: own };
}
