/** Model surgery on TF.js layers-models: plain-data graphs, rules that rewrite them, units that run as one op. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { copyRepeatedReads, fixInputShapes, keepOutputs } from "./edit.ts";
import { type BatchNormAffine, batchNormAffine, foldBatchNorm } from "./fold_batch_norm.ts";
import { dropIdentity } from "./drop_identity.ts";
import { fromModel } from "./from_model.ts";
import { hoistRelu } from "./hoist_relu.ts";
import type { LayerGraph } from "./layer_graph.ts";
import { type Rewrite, rewrite, type Rule } from "./rule.ts";
import { splitActivation } from "./split_activation.ts";
import { splitAttention } from "./split_attention.ts";
import { splitHardSigmoid } from "./split_hard_sigmoid.ts";
import { splitMerge } from "./split_merge.ts";
import { splitSeparable } from "./split_separable.ts";
import { splitSwish } from "./split_swish.ts";
import { type Swap, swapActivation } from "./swap_activation.ts";
import { toModel } from "./to_model.ts";

export {
  canRemove,
  fixInputShapes,
  freshName,
  keepOutputs,
  removeNode,
  replaceCalls,
  replaceLayer,
  replaceNode,
} from "./edit.ts";
export {
  constantNode,
  ConstantValue,
  type ConstantValueArgs,
  isConstant,
  registerConstantValue,
} from "./constant_value.ts";
export { fromModel, type ModelCall, modelCalls, specOf, valueNames } from "./from_model.ts";
export { type LoadWeights, makeLayer, setWeights, toModel } from "./to_model.ts";
export { activationOf, innerLayer, isRelu, type LayerActivation } from "./activation.ts";
export {
  callsOf,
  consumersOf,
  isInput,
  isOutput,
  nodeOf,
  ownCall,
  producerOf,
  sourceOf,
  valueOf,
  valuesOf,
  weightOf,
} from "./layer_graph.ts";
export type { LayerConfig, LayerGraph, LayerNode, LayerSpec, LayerWeight, OwnCall } from "./layer_graph.ts";
export { formatRewrite, rewrite } from "./rule.ts";
export type { Rewrite, Rule, RuleResult } from "./rule.ts";
export { endFading, FadingReLU, type FadingReLUArgs } from "./fading_relu.ts";
export { DEFAULT_SWAP, fadeActivation, parseSwap, SWAP_FROM, SWAP_TO, swapActivation } from "./swap_activation.ts";
export type { Swap, SwapFrom, SwapTo } from "./swap_activation.ts";
export { type ChannelStatistics, unfoldBatchNorm, unfoldBatchNorms, type Unfolded } from "./unfold_batch_norm.ts";
export { findUnits, layersOf } from "./units.ts";
export type { Ungrouped, Unit, Units } from "./units.ts";
export { type BatchNormAffine, batchNormAffine };
export {
  dropIdentity,
  foldBatchNorm,
  hoistRelu,
  splitActivation,
  splitAttention,
  splitHardSigmoid,
  splitMerge,
  splitSeparable,
  splitSwish,
};

/** Lists the rules that leave a model's answers as they are and make it ready for int8, after `swaps`, which do not. */
export function qatRules(swaps: readonly Swap[]): readonly Rule[] {
  return [
    splitSeparable,
    ...swaps.map(swapActivation),
    splitActivation,
    splitSwish,
    splitHardSigmoid,
    splitAttention,
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
 * Returns a model that answers as `model` is meant to where TF.js 4.22 frees a value before it is read for the last time.
 *
 * @returns `model` itself, unless a layer of it reads one value twice that another layer reads too.
 */
export function withCopies(model: LayersModel): LayersModel {
  const calls = model.layers.flatMap(({ inboundNodes }) => inboundNodes);
  if (!calls.some(({ inputTensors }) => new Set(inputTensors).size < inputTensors.length)) return model;
  const graph = fromModel(model);
  const copied = copyRepeatedReads(graph);
  return copied === graph ? model : rebuild(model, copied);
}

/** Builds `graph` as what `model` is now, with what the user noted of that. */
export function rebuild(model: LayersModel, graph: LayerGraph): LayersModel {
  const built = toModel(graph);
  const noted = model.getUserDefinedMetadata();
  if (noted !== undefined) built.setUserDefinedMetadata(noted);
  return built;
}

/**
 * Copies `model` with inputs of the shape given, where it leaves dimensions other than the batch open or has others.
 *
 * @param shape Without the batch: of the only input, or of several by their names.
 * @throws {RangeError} If a name is no input's, or a shape is none or has another number of dimensions.
 * @throws {TypeError} If one shape is given to a model of several inputs, or the weights do not fit the shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { fixInputShape } from "./mod.ts";
 *
 * const conv = tfl.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [null, null, 3] });
 * const model = fixInputShape(tfl.sequential({ layers: [conv] }), [32, 32, 3]);
 * assert.deepEqual(model.outputs[0].shape, [null, 30, 30, 4]);
 * ```
 */
export function fixInputShape(
  model: LayersModel,
  shape: readonly number[] | Readonly<Record<string, readonly number[]>>,
): LayersModel {
  const graph = fromModel(model);
  if (!isShape(shape)) return rebuild(model, fixInputShapes(graph, shape));
  if (graph.inputs.length === 1) return rebuild(model, fixInputShapes(graph, { [graph.inputs[0]]: shape }));
  throw new TypeError(
    `Cannot fix the input shape of "${graph.name}": one shape is given for the inputs ${graph.inputs.join(", ")}, ` +
      `shapes by name are needed`,
  );
}

function isShape(shape: readonly number[] | Readonly<Record<string, readonly number[]>>): shape is readonly number[] {
  return Array.isArray(shape);
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
