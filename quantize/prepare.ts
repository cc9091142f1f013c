/**
 * Turns a float model into one that trains with fake quantization.
 *
 * rewrite → units → placement → layers: FakeQuantize where a value is put on a grid, QuantizedWeights around layers
 * that have weights, FreezableBatchNormalization for BatchNormalization. The result is a LayersModel like any other.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { gridOfInterval } from "../src/numbers/scheme.ts";
import { ruleOf } from "../src/layers/mod.ts";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  INT8_SYMMETRIC,
  INT8_SYMMETRIC_PER_CHANNEL,
  isQuantizedClass,
  layersIn,
  type ObserverName,
  quantizedLayer,
  QuantizedWeights,
  type QuantScheme,
  registerQuantKernels,
  registerQuantLayers,
  SharedCall,
  UINT8_AFFINE,
} from "../src/quant/mod.ts";
import {
  callsOf,
  DEFAULT_SWAP,
  findUnits,
  freshName,
  fromModel,
  isConstant,
  isInput,
  type LayerGraph,
  type LayerNode,
  layersOf,
  type LayerSpec,
  type LoadWeights,
  nodeOf,
  ownCall,
  qatRules,
  type Rewrite,
  rewrite,
  setWeights,
  type Swap,
  toModel,
  type Ungrouped,
  type Unit,
  valuesOf,
} from "../src/rewrite/mod.ts";
import { type Island, type Placement, placeQuantizers, type Quantizer } from "./placement.ts";

/** How a model is prepared. */
export interface PrepareOptions {
  /** Whether weights have one scale an output channel instead of one a tensor. Default: true. */
  readonly perChannel?: boolean;
  /** Grid of activations. Default: `UINT8_AFFINE`. */
  readonly activations?: QuantScheme;
  /** Grid of weights; overrides `perChannel`. */
  readonly weights?: QuantScheme;
  /** How ranges of activations are observed. Default: "moving-average". */
  readonly observer?: ObserverName;
  /** Weight of a new batch in the moving average. Default: 0.01. */
  readonly momentum?: number;
  /** Activations to swap for ones that run in int8. Default: LeakyReLU becomes ReLU. */
  readonly swap?: readonly Swap[];
  /** Layers to keep in float: names as they are before or after rewriting, or patterns of names. Default: none. */
  readonly keepFloat?: readonly (string | RegExp)[];
}

/** A quantizer, and the FakeQuantize layer that it became. */
export interface PlacedQuantizer extends Quantizer {
  /** Name of the FakeQuantize layer: `${of}_quant`. */
  readonly name: string;
}

/** A model ready for quantization-aware training, and what was done to get there. */
export interface PreparedModel {
  /** The model to train. */
  readonly model: LayersModel;
  /** What the rewrite rules did, and what they declined to do. */
  readonly rewrites: readonly Rewrite[];
  /** Layers that run as one int8 op. */
  readonly units: readonly Unit[];
  /** BatchNormalization and ReLU layers that could not be grouped, and why. */
  readonly ungrouped: readonly Ungrouped[];
  /** Layers that stay in float, and why. */
  readonly islands: readonly Island[];
  /** The FakeQuantize layers, in topological order. */
  readonly quantizers: readonly PlacedQuantizer[];
}

/**
 * Prepares `model` for quantization-aware training.
 *
 * Activations go through FakeQuantize after the model's inputs, after every unit and after every other layer that
 * computes new values; layers that only pick or move values keep their input's grid. Weights of convolutions and dense
 * layers are wrapped in QuantizedWeights, their scales observed. With quantization disabled (`setQatPhase`) the result
 * answers as `model` does, swapped activations aside.
 *
 * The original stays usable; the new model owns its weights and is not compiled. Layers keep their names.
 *
 * @throws {TypeError} If the model is prepared already, or cannot be read (see `fromModel`).
 * @throws {RangeError} If a name of `keepFloat` is no layer's.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { prepareQat } from "./prepare.ts";
 *
 * const conv = tfl.layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [8, 8, 3], name: "conv" });
 * const { model, islands } = prepareQat(tfl.sequential({ layers: [conv] }));
 * const names = model.layers.map((layer) => layer.name);
 * assert.deepEqual(names, ["conv_input", "conv_input_quant", "conv", "conv_relu", "conv_relu_quant"]);
 * assert.deepEqual(islands, []);
 * ```
 */
export function prepareQat(model: LayersModel, options: PrepareOptions = {}): PreparedModel {
  registerQuantKernels();
  registerQuantLayers();
  refusePrepared(model);
  const original = fromModel(model);
  const { graph, log } = rewrite(original, qatRules(options.swap ?? [DEFAULT_SWAP]));
  const kept = findKept({ original, graph }, options.keepFloat ?? []);
  const found = findUnits(graph, kept);
  const placement = placeQuantizers(graph, { ...found, kept });
  const { islands } = placement;
  // What reads no grid is no unit after all.
  const units = found.units.filter(({ layer }) => !islands.some((island) => island.layer === layer));
  const quantizers = nameQuantizers(graph, placement);
  const prepared = insertLayers(graph, { options, placement, quantizers, units });
  return {
    model: toModel(prepared, { load: loadWeights }),
    rewrites: log,
    units,
    ungrouped: found.ungrouped,
    islands,
    quantizers,
  };
}

function refusePrepared(model: LayersModel): void {
  const found = layersIn(model).find((layer) => quantizedLayer(layer) !== undefined);
  if (found === undefined) return;
  throw new TypeError(
    `Cannot prepare model "${model.name}": its layer "${found.name}" is a ${found.getClassName()}, ` +
      `a float model is needed`,
  );
}

/**
 * Names the layers that `wanted` keeps in float, in all their calls; a layer's name also stands for those that it was
 * split into.
 */
function findKept(
  { original, graph }: { original: LayerGraph; graph: LayerGraph },
  wanted: readonly (string | RegExp)[],
): ReadonlySet<string> {
  const before = new Set(original.nodes.map((node) => node.name));
  const names = graph.nodes.filter((node) => !isInput(node) && !isConstant(node)).map((node) => node.name);
  const isKept = (name: string, pattern: string | RegExp) => {
    if (typeof pattern !== "string") return name.search(pattern) >= 0;
    return name === pattern || (before.has(pattern) && !before.has(name) && name.startsWith(`${pattern}_`));
  };
  const isAsked = (name: string) => wanted.some((one) => isKept(name, one));
  for (const pattern of wanted) {
    if (names.some((name) => isKept(name, pattern))) continue;
    const what = typeof pattern === "string" ? `is called "${pattern}"` : `has a name like ${pattern}`;
    throw new RangeError(`Cannot keep layers of "${graph.name}" in float: none ${what}`);
  }
  // The calls of a layer share what is quantized, its weights.
  return new Set(names.filter((name) => callsOf(graph, nodeOf(graph, name)).some((call) => isAsked(call.name))));
}

function layersOfKind(units: readonly Unit[], kind: Unit["kind"]): ReadonlySet<string> {
  return new Set(units.filter((unit) => unit.kind === kind).flatMap(layersOf));
}

function nameQuantizers(graph: LayerGraph, { quantizers }: Placement): readonly PlacedQuantizer[] {
  const taken = new Set<string>();
  return quantizers.map((quantizer) => {
    const name = freshName(graph, `${quantizer.of.replace(":", "_")}_quant`, taken);
    taken.add(name);
    return { ...quantizer, name };
  });
}

interface Plan {
  readonly options: PrepareOptions;
  readonly placement: Placement;
  readonly quantizers: readonly PlacedQuantizer[];
  readonly units: readonly Unit[];
}

function insertLayers(graph: LayerGraph, { options, placement, quantizers, units }: Plan): LayerGraph {
  const weighted = layersOfKind(units, "weighted");
  const alone = layersOfKind(units, "batch-norm");
  const byValue = new Map(quantizers.map((quantizer) => [quantizer.of, quantizer]));
  const quantized = (value: string) => byValue.get(value)?.name ?? value;
  const nodes = graph.nodes.flatMap((node) => {
    const read = (value: string) => placement.readsQuantized(node.name, value) ? quantized(value) : value;
    const wired = { ...node, inbound: node.inbound.map(read) };
    const layer = weighted.has(node.name) ? quantizeWeights(node.layer, options) : node.layer;
    const own = callOf(graph, { ...wired, layer: freezable(layer, alone.has(node.name)) });
    const behind = valuesOf(node).flatMap((value) => byValue.get(value) ?? []);
    return [own, ...behind.map((quantizer) => makeFakeQuantize(quantizer, options))];
  });
  const outputs = graph.outputs.map((value) => placement.readsQuantized("", value) ? quantized(value) : value);
  return { ...graph, nodes, outputs };
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

function makeFakeQuantize({ name, of, fixed, nonNegative }: PlacedQuantizer, options: PrepareOptions): LayerNode {
  const scheme = options.activations ?? UINT8_AFFINE;
  const config = {
    scheme: { ...scheme },
    observer: options.observer ?? "moving-average",
    momentum: options.momentum ?? 0.01,
    fixed: fixed === undefined ? null : { ...gridOfInterval(fixed, scheme) },
    nonNegative,
  };
  return ownCall({ name, className: FakeQuantize.className, config, inbound: [of] });
}

/** Wraps a weighted layer; what stands for it keeps the inner layer's weights, which `loadWeights` knows. */
function quantizeWeights(layer: LayerSpec, options: PrepareOptions): LayerSpec {
  const rule = ruleOf(layer);
  if (rule.kind !== "weighted") return layer;
  const scheme = options.weights ?? (options.perChannel ?? true ? INT8_SYMMETRIC_PER_CHANNEL : INT8_SYMMETRIC);
  const config = {
    name: layer.name,
    trainable: layer.config.trainable ?? true,
    layer: { className: layer.className, config: { ...layer.config } },
    weights: rule.weights.map((weight) => ({ ...weight })),
    scheme: { ...scheme },
  };
  return { ...layer, className: QuantizedWeights.className, config };
}

/** Replaces BatchNormalization by the one that can be frozen, which normalizes the last axis only. */
function freezable(layer: LayerSpec, alone: boolean): LayerSpec {
  const can = layer.className === "BatchNormalization" && (layer.config.axis ?? -1) === -1;
  const config = { ...layer.config, ...(alone ? { alone } : {}) };
  return can ? { ...layer, className: FreezableBatchNormalization.className, config } : layer;
}

const loadWeights: LoadWeights = (layer, spec) => {
  const quantized = quantizedLayer(layer);
  setWeights(quantized?.inner ?? layer, spec);
  quantized?.weightsChanged?.();
};
