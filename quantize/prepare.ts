/**
 * Turns a float model into one that trains with fake quantization.
 *
 * rewrite → units → placement → layers: FakeQuantize where a value is put on a grid, QuantizedWeights around layers
 * that have weights, FreezableBatchNormalization for BatchNormalization. The result is a LayersModel like any other.
 */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import { layersIn, quantizedLayer, registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import {
  activationOf,
  DEFAULT_SWAP,
  findUnits,
  foldBatchNorm,
  freshName,
  fromModel,
  isRelu,
  type LayerGraph,
  layersOf,
  type LayerSpec,
  qatRules,
  rewrite,
  type Swap,
  toModel,
  type Unit,
} from "../src/rewrite/mod.ts";
import { inPlainWordsSync } from "../src/text/plain_errors.ts";
import { insertLayers, loadWeights } from "./_insert_layers.ts";
import { answerInReals, withOwnRules } from "./_answers.ts";
import { describeLayer } from "./_describe_layer.ts";
import { ASKED, type Placement, placeQuantizers } from "./placement.ts";
import type { Recipe, RecipeRule } from "./recipe.ts";
import { attachRecord, type PlacedQuantizer, type QuantizationRecord } from "./record.ts";
import { type Choice, type Resolver, resolver } from "./resolve.ts";
import { absorbsClip, type Target } from "./target.ts";
import { targetOf } from "./targets/mod.ts";
import { turnChannels } from "./_turn_channels.ts";

/** How a model is prepared. */
export interface PrepareOptions {
  /** What it is quantized for: see `TARGETS`. Default: "x86". */
  readonly target?: string;
  /** What is wanted of its layers. Default: what the target has by default. */
  readonly recipe?: Recipe;
  /** Activations to swap for ones that run in int8. Default: LeakyReLU becomes ReLU. */
  readonly swap?: readonly Swap[];
}

/** A model ready for quantization-aware training, and what was done to get there. */
export interface PreparedModel extends QuantizationRecord {
  /** The model to train; its record is saved with it. */
  readonly model: LayersModel;
  /** Rules of the recipe that no layer matches. */
  readonly unmatched: readonly RecipeRule[];
}

const DEFAULT_TARGET = "x86";

/**
 * Prepares `model` for quantization-aware training.
 *
 * Activations go through FakeQuantize after the model's inputs, after every unit and after every other layer that
 * computes new values; layers that only pick or move values keep their input's grid. Weights of convolutions and dense
 * layers are wrapped in QuantizedWeights, their scales observed. With quantization disabled (`setQatPhase`) the result
 * answers as `model` does, swapped activations aside.
 *
 * The original stays usable; the new model owns its weights and is not compiled. Layers keep their names; of an output's
 * layer with an activation the activation keeps it.
 *
 * @throws {TypeError} If the model is prepared already, or cannot be read (see `fromModel`).
 * @throws {RangeError} If the target is unknown or cannot hold what the recipe wants, or a rule that requires a layer
 *   matches none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { prepareQat } from "./prepare.ts";
 *
 * const conv = tfl.layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [8, 8, 3], name: "conv" });
 * const { model, islands } = prepareQat(tfl.sequential({ layers: [conv] }), { target: "arm" });
 * const names = model.layers.map((layer) => layer.name);
 * assert.deepEqual(names, ["conv_input", "conv_input_quant", "conv_linear", "conv", "conv_quant"]);
 * assert.deepEqual(islands, []);
 * ```
 */
export function prepareQat(model: LayersModel, options: PrepareOptions = {}): PreparedModel {
  return inPlainWordsSync(() => {
    try {
      return prepare(model, options);
    } catch (cause) {
      if (cause instanceof Error && !cause.message.startsWith("Cannot ")) {
        // TF.js says it, of a layer that it cannot make again.
        throw new RangeError(`Cannot quantize "${model.name}": ${cause.message}`, { cause });
      }
      throw cause;
    }
  });
}

function prepare(model: LayersModel, options: PrepareOptions): PreparedModel {
  registerQuantKernels();
  registerQuantLayers();
  refusePrepared(model);
  const recipe = withOwnRules(options.recipe ?? { rules: [] }, model);
  const target = chooseTarget(options);
  const original = fromModel(model);
  const rewritten = rewrite(original, rulesFor(target, options.swap ?? [DEFAULT_SWAP]));
  const asked = resolver({ recipe, target, original, graph: rewritten.graph });
  const kept = layersInFloat(rewritten.graph, { asked, target, model });
  const { graph, reals, log } = answerInReals(rewritten.graph, { asked: asked.reals, kept });
  const found = findUnits(graph, new Set(kept.keys()));
  const placement = placeQuantizers(graph, { ...found, kept, reals, fusesSums: target.file?.fusesSums ?? false });
  const { islands } = placement;
  // What reads no grid is no unit after all.
  const units = found.units.filter(({ layer }) => !islands.some((island) => island.layer === layer));
  const quantizers = nameQuantizers(graph, placement);
  const coded = new Set(
    graph.nodes.filter(({ name, layer }) => isCoded(layer) && !kept.has(name)).map(({ name }) => name),
  );
  const choiceOf = chooser(units, { asked, coded });
  const ownWeights = target.weights[0];
  const turned = turnChannels(graph, { units, choiceOf });
  const inserted = insertLayers(turned, { placement, quantizers, units, coded, choiceOf, ownWeights });
  const prepared = toModel(inserted, { load: loadWeights });
  const placed = { units, islands, quantizers };
  const layers = graph.nodes.map((node) => describeLayer(node, { ...placed, choiceOf, float: asked.float }));
  const record = {
    target: target.name,
    recipe,
    layers,
    ...placed,
    ungrouped: found.ungrouped,
    rewrites: [...rewritten.log, ...log],
  };
  attachRecord(prepared, record);
  return { ...record, model: prepared, unmatched: asked.unmatched };
}

function refusePrepared(model: LayersModel): void {
  const found = layersIn(model).find((layer) => quantizedLayer(layer) !== undefined);
  if (found === undefined) return;
  throw new TypeError(
    `Cannot prepare model "${model.name}": its layer "${found.name}" is a ${found.getClassName()}, ` +
      `a float model is needed`,
  );
}

/** @throws {RangeError} If the target is unknown, or the recipe is for another. */
function chooseTarget({ target, recipe }: PrepareOptions): Target {
  if (target !== undefined && recipe?.target !== undefined && recipe.target !== target) {
    throw new RangeError(
      `Cannot quantize for "${target}" by recipe "${recipe.name ?? ""}": it is for "${recipe.target}"`,
    );
  }
  return targetOf(target ?? recipe?.target ?? DEFAULT_TARGET);
}

/** Batch norm is folded before quantization where weights have one scale a tensor: behind it, it needs one a channel. */
function rulesFor(target: Target, swaps: readonly Swap[]) {
  return hasScalePerTensorOnly(target) ? [...qatRules(swaps), foldBatchNorm] : qatRules(swaps);
}

/** Names the softmaxes of `graph`, which is `model` rewritten, along an axis of length 1. */
function softmaxesOfOne(graph: LayerGraph, model: LayersModel): readonly string[] {
  const softmaxes = graph.nodes.filter(({ layer }) => {
    const activation = activationOf(layer);
    return activation?.name === "softmax" && activation.place === "layer";
  }).map(({ name }) => name);
  // Shapes are known of models, and making one takes time.
  const givesOne = layersIn(model).some(({ inboundNodes }) =>
    inboundNodes.some(({ outputShapes }) => outputShapes.flat().at(-1) === 1)
  );
  if (softmaxes.length === 0 || !givesOne) return [];
  const shaped = toModel({ ...graph, outputs: softmaxes });
  const found = softmaxes.filter((_, i) => shaped.outputs[i].shape.at(-1) === 1);
  shaped.dispose();
  return found;
}

function hasScalePerTensorOnly({ weights }: Target): boolean {
  return weights.every(({ granularity }) => granularity.kind === "per-tensor");
}

interface Asked {
  readonly asked: Resolver;
  readonly target: Target;
  /** The model as it was given. */
  readonly model: LayersModel;
}

/** Says of the layers that stay in float why: they are asked to, or the target cannot hold them. */
function layersInFloat(graph: LayerGraph, { asked, target, model }: Asked): ReadonlyMap<string, string> {
  const kept = new Map([...asked.float.keys()].map((name) => [name, ASKED]));
  const keep = (name: string, because: string) => kept.has(name) || kept.set(name, because);
  for (const name of softmaxesOfOne(graph, model)) {
    keep(name, "a softmax of one value is 1, of which ONNX Runtime's int8 kernel makes 0");
  }
  if (target.file === undefined) return kept;
  if (!target.file.keepsActivations && !absorbsClip(target.activations[0])) {
    for (const { name, layer } of graph.nodes) {
      if (!isRelu(layer) || activationOf(layer)?.name === "relu") continue;
      keep(name, `codes of target "${target.name}" go on beyond its maximum, and clipping them there runs in float`);
    }
  }
  if (hasScalePerTensorOnly(target)) {
    for (const { name, layer } of graph.nodes) {
      if (ruleOf(layer).kind !== "batch-norm") continue;
      keep(name, `target "${target.name}" has one scale a weight tensor, and it would need one a channel`);
    }
  }
  return kept;
}

/** Whether `layer` runs in float, with weights that are held as codes. */
function isCoded(layer: LayerSpec): boolean {
  const rule = ruleOf(layer);
  return rule.kind === "float" && codedWeights(rule).length > 0;
}

function nameQuantizers(graph: LayerGraph, { quantizers }: Placement): readonly PlacedQuantizer[] {
  const taken = new Set<string>();
  return quantizers.map((quantizer) => {
    const name = freshName(graph, `${quantizer.of.replace(":", "_")}_quant`, taken);
    taken.add(name);
    return { ...quantizer, name };
  });
}

/** Decides once for layers that run as one operator. */
function chooser(
  units: readonly Unit[],
  { asked, coded }: { readonly asked: Resolver; readonly coded: ReadonlySet<string> },
): (name: string) => Choice {
  const known = new Map<string, Choice>();
  return (name) => {
    const unit = units.find((unit) => layersOf(unit).includes(name));
    const group = unit === undefined ? [name] : layersOf(unit);
    const hasWeights = unit?.kind === "weighted" || coded.has(name);
    const choice = known.get(group[0]) ?? asked.choose(group, { hasWeights });
    known.set(group[0], choice);
    return choice;
  };
}
