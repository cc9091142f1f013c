/** Model surgery on TF.js layers-models: plain-data graphs, rules that rewrite them, units that run as one op. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { keepOutputs } from "./edit.ts";
import { dropIdentity } from "./drop_identity.ts";
import { fromModel } from "./from_model.ts";
import { hoistRelu } from "./hoist_relu.ts";
import { type Rewrite, rewrite, type Rule } from "./rule.ts";
import { splitActivation } from "./split_activation.ts";
import { splitMerge } from "./split_merge.ts";
import { splitSeparable } from "./split_separable.ts";
import { splitSwish } from "./split_swish.ts";
import { type Swap, swapActivation } from "./swap_activation.ts";
import { toModel } from "./to_model.ts";

export { canRemove, freshName, keepOutputs, removeNode, replaceNode } from "./edit.ts";
export { fromModel } from "./from_model.ts";
export { type LoadWeights, makeLayer, setWeights, toModel } from "./to_model.ts";
export { activationOf, isRelu, type LayerActivation } from "./activation.ts";
export { consumersOf, isOutput, nodeOf, weightOf } from "./layer_graph.ts";
export type { LayerConfig, LayerGraph, LayerNode, LayerWeight } from "./layer_graph.ts";
export { formatRewrite, rewrite } from "./rule.ts";
export type { Rewrite, Rule, RuleResult } from "./rule.ts";
export { DEFAULT_SWAP, parseSwap, swapActivation } from "./swap_activation.ts";
export type { Swap, SwapFrom, SwapTo } from "./swap_activation.ts";
export { findUnits, layersOf } from "./units.ts";
export type { Ungrouped, Unit, Units } from "./units.ts";
export { dropIdentity, hoistRelu, splitActivation, splitMerge, splitSeparable, splitSwish };

/** Lists the rules that leave a model's answers as they are and make it ready for int8, after `swaps`, which do not. */
export function qatRules(swaps: readonly Swap[]): readonly Rule[] {
  return [
    splitSeparable,
    ...swaps.map(swapActivation),
    splitActivation,
    splitSwish,
    splitMerge,
    dropIdentity,
    hoistRelu,
  ];
}

/**
 * Copies the part of `model` that gives the outputs called `names`, in that order.
 *
 * @throws {RangeError} If one of them is not a layer of the model.
 */
export function withOutputs(model: LayersModel, names: readonly string[]): LayersModel {
  return toModel(keepOutputs(fromModel(model), names));
}

/**
 * Rewrites `model` by `rules`. The original stays usable; the new one owns its weights.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { parseSwap, rewriteModel, swapActivation } from "./mod.ts";
 *
 * const layers = [tfl.layers.dense({ units: 2, inputShape: [3] }), tfl.layers.leakyReLU(), tfl.layers.dense({ units: 1 })];
 * const { model } = rewriteModel(tfl.sequential({ layers }), [swapActivation(parseSwap("leaky_relu:relu"))]);
 * assert.equal(model.layers[2].getClassName(), "ReLU");
 * ```
 */
export function rewriteModel(
  model: LayersModel,
  rules: readonly Rule[],
): { readonly model: LayersModel; readonly log: readonly Rewrite[] } {
  const { graph, log } = rewrite(fromModel(model), rules);
  return { model: toModel(graph), log };
}
