/** Takes up a model that was prepared before. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { INT8_SYMMETRIC_PER_CHANNEL, UINT8_AFFINE } from "../src/numbers/scheme.ts";
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import { type ObserverName, quantizedLayer } from "../src/quant/mod.ts";
import { findUnits, fromModel, type LayerGraph, layersOf, nodeOf } from "../src/rewrite/mod.ts";
import { describeLayer } from "./_describe_layer.ts";
import { floatGraph, quantizedOf } from "./_float_graph.ts";
import { placeQuantizers } from "./placement.ts";
import type { PreparedModel } from "./prepare.ts";
import { type PlacedQuantizer, recordOf } from "./record.ts";
import type { Choice } from "./resolve.ts";
import { whyNotHeld } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";

/**
 * Returns what is known of a prepared model: its quantization record, or what its layers tell of a model that the first
 * version prepared, which has none.
 *
 * @throws {TypeError} If the record is damaged.
 */
export function adoptPrepared(model: LayersModel): PreparedModel {
  const record = recordOf(model);
  return record === undefined ? infer(model) : { ...record, model, unmatched: [] };
}

/** Finds units and islands as preparing did, in the float model that the prepared one stands for. */
function infer(model: LayersModel): PreparedModel {
  const prepared = fromModel(model);
  const graph = floatGraph(prepared, model);
  const kept = keptIn(prepared, model);
  const found = findUnits(graph, new Set(kept.keys()));
  const { islands, quantizers: placed } = placeQuantizers(graph, { ...found, kept });
  const units = found.units.filter(({ layer }) => !islands.some((island) => island.layer === layer));
  const quantizers = quantizersIn(prepared, model).map((quantizer) => {
    const { fixed } = placed.find(({ of }) => of === quantizer.of) ?? {};
    return fixed === undefined ? quantizer : { ...quantizer, fixed };
  });
  const unitOf = (name: string) => units.find((unit) => layersOf(unit).includes(name));
  const choiceOf = (name: string): Choice => {
    const unit = unitOf(name);
    const quantizer = quantizers.find(({ of }) => of === (unit?.end ?? name));
    // A call of a shared layer has the weights of the first.
    const { layer } = nodeOf(graph, unit?.layer ?? name);
    return choiceIn(model, { weights: layer.name, activations: quantizer?.name });
  };
  const where = { units, islands, quantizers };
  const layers = graph.nodes.map((node) => describeLayer(node, { ...where, choiceOf, float: new Map() }));
  const schemes = layers.flatMap(({ weights, activations }) => [
    ...(weights === undefined ? [] : [{ role: "weights" as const, scheme: weights }]),
    ...(activations === undefined ? [] : [{ role: "activations" as const, scheme: activations }]),
  ]);
  // The last target holds anything.
  const target = TARGETS.find((target) =>
    schemes.every(({ role, scheme }) => whyNotHeld(target, role, scheme) === undefined)
  )!;
  const recipe = { rules: [] };
  return {
    ...where,
    target: target.name,
    recipe,
    layers,
    ungrouped: found.ungrouped,
    rewrites: [],
    model,
    unmatched: [],
  };
}

/** Layers that could have been quantized and were not. */
function keptIn({ nodes }: LayerGraph, model: LayersModel): ReadonlyMap<string, string> {
  const kept = nodes.filter(({ layer }) =>
    codedWeights(ruleOf(layer)).length > 0 && quantizedOf(model, layer) === undefined
  );
  return new Map(kept.map(({ name }) => [name, "it was left in float when the model was prepared"]));
}

function quantizersIn({ nodes }: LayerGraph, model: LayersModel): readonly PlacedQuantizer[] {
  return nodes.filter(({ layer }) => quantizedOf(model, layer)?.role === "activations").map((
    { name, layer, inbound },
  ) => ({
    name,
    of: inbound[0],
    nonNegative: layer.config.nonNegative === true,
  }));
}

/** Reads what was decided from the layers that it was written into. */
function choiceIn(
  model: LayersModel,
  { weights, activations }: { readonly weights: string; readonly activations: string | undefined },
): Choice {
  const schemeOf = (name: string | undefined) => name && quantizedLayer(model.getLayer(name))?.scheme;
  const { observer, momentum, onlyCalibrated } = activations === undefined
    ? {}
    : model.getLayer(activations).getConfig();
  return {
    weights: schemeOf(weights) || INT8_SYMMETRIC_PER_CHANNEL,
    activations: schemeOf(activations) || UINT8_AFFINE,
    method: onlyCalibrated === true ? "static" : "qat",
    // The layer would not have been made with another.
    observer: (observer ?? "moving-average") as ObserverName,
    momentum: Number(momentum ?? 0.01),
    rules: [],
  };
}
