/**
 * Folds batch normalization into the weights before it, in float.
 *
 * BN(W·x + b) = (k·W)·x + β + k·(b − μ) with k = γ / √(σ² + ε) for each output channel. Folded after weights were
 * quantized it gives every channel a scale of its own; a target whose weights have one scale a tensor needs it before.
 * Training then goes on with fixed statistics, for there are none any more.
 */
import { ruleOf } from "../layers/mod.ts";
import { removeNode, replaceLayer } from "./edit.ts";
import {
  callsOf,
  consumersOf,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
  weightOf,
} from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/** TF.js's default of BatchNormalization. */
const DEFAULT_EPSILON = 1e-3;

/**
 * Folds a BatchNormalization over the last axis into the layer that it alone reads, if that has weights.
 *
 * A layer that is called several times has one kernel to fold into: all of its calls must be followed by the same
 * BatchNormalization, which must follow nothing else.
 */
export const foldBatchNorm: Rule = {
  name: "fold_batch_norm",
  description: "folds batch normalization into the weights before it, for targets with one scale a tensor",
  apply: (graph, node) => {
    const rule = ruleOf(node.layer);
    if (rule.kind !== "weighted" || rule.weights.length !== 1) return undefined;
    const calls = callsOf(graph, node);
    const norm = consumersOf(graph, node.name).find(({ layer }) => ruleOf(layer).kind === "batch-norm");
    if (norm === undefined) return undefined;
    const because = whyNot(graph, { node, norm, calls });
    if (because !== undefined) return { ok: false, because };
    const folded = replaceLayer(graph, node, fold(node.layer, norm.layer, rule.weights[0].name));
    return {
      ok: true,
      graph: callsOf(graph, norm).reduce((current, call) => removeNode(current, call.name), folded),
      what: `"${norm.layer.name}" is part of its weights${calls.length > 1 ? ` in all ${calls.length} calls` : ""}`,
    };
  },
};

interface Pair {
  readonly node: LayerNode;
  readonly norm: LayerNode;
  /** All calls of the layer that `node` calls. */
  readonly calls: readonly LayerNode[];
}

function whyNot(graph: LayerGraph, { node, norm, calls }: Pair): string | undefined {
  const readsMore = calls.find(({ name }) => consumersOf(graph, name).length > 1 || isOutput(graph, name));
  if (readsMore !== undefined) return `"${readsMore.name}" is read by more than "${norm.layer.name}"`;
  if ((norm.layer.config.axis ?? -1) !== -1 || node.layer.config.dataFormat === "channelsFirst") {
    return `"${norm.name}" normalizes another axis than the last, or channels are another`;
  }
  const isFollowed = ({ name }: LayerNode) => consumersOf(graph, name).every(({ layer }) => layer === norm.layer);
  if (calls.every(isFollowed) && callsOf(graph, norm).length === calls.length) return undefined;
  return `"${node.layer.name}" or "${norm.layer.name}" is called several times, and not always the one behind the other`;
}

function fold(layer: LayerSpec, norm: LayerSpec, kernelName: string): LayerSpec {
  const kernel = weightOf(layer, kernelName);
  const bias = layer.weights.find(({ name }) => name === "bias");
  const { factors, offsets } = batchNormAffine(norm);
  const channels = factors.length;
  // Output channels are the last axis of every kernel, or the last two of a depthwise one.
  const scaled = Float32Array.from(kernel.data, (w, i) => w * factors[i % channels]);
  const shifted = Float32Array.from(offsets, (offset, c) => offset + factors[c] * (bias?.data[c] ?? 0));
  const weights: readonly LayerWeight[] = [
    ...layer.weights.filter(({ name }) => name !== "bias").map((weight) =>
      weight === kernel ? { ...kernel, data: scaled } : weight
    ),
    { name: "bias", dtype: "float32", shape: [channels], data: shifted },
  ];
  return { ...layer, config: { ...layer.config, useBias: true }, weights };
}

/** What batch normalization multiplies each channel with and adds to it. */
export interface BatchNormAffine {
  /** k = γ / √(σ² + ε) */
  readonly factors: Float64Array;
  /** β − k·μ */
  readonly offsets: Float64Array;
  readonly epsilon: number;
}

/** Returns what the batch normalization `layer` does at inference. */
export function batchNormAffine({ config, weights }: LayerSpec): BatchNormAffine {
  const of = (name: string) => weights.find((weight) => weight.name === name)?.data;
  const [gamma, beta] = [of("gamma"), of("beta")];
  const [mean, variance] = [of("moving_mean") ?? [], of("moving_variance") ?? []];
  const epsilon = typeof config.epsilon === "number" ? config.epsilon : DEFAULT_EPSILON;
  const factors = Float64Array.from(variance, (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + epsilon));
  return { factors, offsets: factors.map((k, c) => (beta?.[c] ?? 0) - k * mean[c]), epsilon };
}
