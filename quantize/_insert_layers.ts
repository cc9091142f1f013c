/** Puts the layers of fake quantization into a layer graph, where placement and recipe want them. */
import { codesAboveZero, computeQParams } from "../src/numbers/qparams.ts";
import { gridOfInterval, type QParams, type QuantScheme } from "../src/numbers/scheme.ts";
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  isQuantizedClass,
  quantizedLayer,
  QuantizedWeights,
  SharedCall,
} from "../src/quant/mod.ts";
import {
  callsOf,
  type LayerGraph,
  type LayerNode,
  layersOf,
  type LayerSpec,
  type LoadWeights,
  ownCall,
  setWeights,
  type Unit,
  valuesOf,
} from "../src/rewrite/mod.ts";
import type { Placement } from "./placement.ts";
import type { PlacedQuantizer } from "./record.ts";
import type { Choice } from "./resolve.ts";

/** What is put in, and where. */
export interface Insertion {
  readonly placement: Placement;
  readonly quantizers: readonly PlacedQuantizer[];
  readonly units: readonly Unit[];
  /** Layers in float whose weights are held as codes. */
  readonly coded: ReadonlySet<string>;
  /** Returns what was decided of the layers that run as one operator with the one called `name`. */
  choiceOf(name: string): Choice;
  /** The scheme of weights that no layer has: those of batch normalization that the file holds as a convolution. */
  readonly ownWeights: QuantScheme;
}

/** Inserts FakeQuantize, QuantizedWeights and FreezableBatchNormalization into `graph`. */
export function insertLayers(graph: LayerGraph, insertion: Insertion): LayerGraph {
  const { placement, quantizers, units, coded, choiceOf, ownWeights } = insertion;
  const weighted = layersOfKind(units, "weighted").union(coded);
  const alone = layersOfKind(units, "batch-norm");
  const byValue = new Map(quantizers.map((quantizer) => [quantizer.of, quantizer]));
  const quantized = (value: string) => byValue.get(value)?.name ?? value;
  const nodes = graph.nodes.flatMap((node) => {
    const read = (value: string) => placement.readsQuantized(node.name, value) ? quantized(value) : value;
    const wired = { ...node, inbound: node.inbound.map(read) };
    const layer = weighted.has(node.name) ? quantizeWeights(node.layer, choiceOf(node.name)) : node.layer;
    const own = callOf(graph, { ...wired, layer: freezable(layer, alone.has(node.name) ? ownWeights : undefined) });
    const behind = valuesOf(node).flatMap((value) => byValue.get(value) ?? []);
    return [own, ...behind.map((quantizer) => makeFakeQuantize(quantizer, choiceOf(node.name)))];
  });
  const outputs = graph.outputs.map((value) => placement.readsQuantized("", value) ? quantized(value) : value);
  return { ...graph, nodes, outputs };
}

/** Loads a layer's weights, those of a quantized layer into the one that it stands for. */
export const loadWeights: LoadWeights = (layer, spec) => {
  const quantized = quantizedLayer(layer);
  setWeights(quantized?.inner ?? layer, spec);
  quantized?.weightsChanged?.();
};

function layersOfKind(units: readonly Unit[], kind: Unit["kind"]): ReadonlySet<string> {
  return new Set(units.filter((unit) => unit.kind === kind).flatMap(layersOf));
}

/** Makes a call of its own of every call but the first of a layer whose work depends on where it is called. */
function callOf(graph: LayerGraph, node: LayerNode): LayerNode {
  const { name, inbound, layer: { className, config } } = node;
  const [first] = callsOf(graph, node);
  if (first.name === name || !isQuantizedClass(className)) return node;
  return ownCall({
    name,
    className: SharedCall.className,
    config: config.alone === undefined ? {} : { alone: config.alone },
    inbound: [...inbound, first.name],
  });
}

function makeFakeQuantize(quantizer: PlacedQuantizer, choice: Choice): LayerNode {
  const { name, of, nonNegative } = quantizer;
  const { activations: scheme, observer, momentum, percentile, method } = choice;
  const known = knownGrid(quantizer, choice);
  const config = {
    scheme: { ...scheme },
    observer,
    momentum,
    ...(percentile === undefined ? {} : { percentile }),
    fixed: known === undefined ? null : { ...known },
    nonNegative,
    ...(method === "static" ? { onlyCalibrated: true } : {}),
  };
  return ownCall({ name, className: FakeQuantize.className, config, inbound: [of] });
}

/** Returns the grid of a value whose range is not observed: it was asked for, or is known of the layer. */
function knownGrid({ of, fixed, nonNegative }: PlacedQuantizer, { range, activations }: Choice): QParams | undefined {
  if (range === undefined) return fixed === undefined ? undefined : gridOfInterval(fixed, activations);
  const { min, max } = range;
  if (!nonNegative) return computeQParams(range, activations);
  if (max > 0) return computeQParams({ min: Math.max(min, 0), max }, activations);
  throw new RangeError(
    `Cannot quantize the activations of "${of}": the range is ${min} to ${max}, and they are never below 0`,
  );
}

/** Wraps a weighted layer; what stands for it keeps the inner layer's weights, which `loadWeights` knows. */
function quantizeWeights(layer: LayerSpec, { weights: scheme, weightObserver }: Choice): LayerSpec {
  const weights = codedWeights(ruleOf(layer));
  if (weights.length === 0 || scheme === undefined) return layer;
  const config = {
    name: layer.name,
    trainable: layer.config.trainable ?? true,
    layer: { className: layer.className, config: { ...layer.config } },
    weights: weights.map((weight) => ({ ...weight })),
    scheme: { ...scheme },
    ...(weightObserver === undefined ? {} : { observer: weightObserver }),
  };
  return { ...layer, className: QuantizedWeights.className, config };
}

/**
 * Replaces BatchNormalization by the one that can be frozen, which normalizes the last axis only.
 *
 * @param alone The scheme of its weights, if the file holds it as a convolution.
 */
function freezable(layer: LayerSpec, alone: QuantScheme | undefined): LayerSpec {
  const can = layer.className === "BatchNormalization" && (layer.config.axis ?? -1) === -1;
  const config = { ...layer.config, ...(alone === undefined ? {} : { alone: codesAboveZero(alone) }) };
  return can ? { ...layer, className: FreezableBatchNormalization.className, config } : layer;
}
