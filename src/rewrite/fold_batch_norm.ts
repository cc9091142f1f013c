/**
 * Folds batch normalization into the weights before it, in float.
 *
 * BN(W·x + b) = (k·W)·x + β + k·(b − μ) with k = γ / √(σ² + ε) for each output channel. Folded after weights were
 * quantized it gives every channel a scale of its own; a target whose weights have one scale a tensor needs it before.
 * Training then goes on with fixed statistics, for there are none any more.
 */
import { ruleOf } from "../layers/mod.ts";
import { removeNode, replaceNode } from "./edit.ts";
import { callsOf, consumersOf, isOutput, type LayerSpec, type LayerWeight, weightOf } from "./layer_graph.ts";
import type { Rule } from "./rule.ts";

/** TF.js's default of BatchNormalization. */
const DEFAULT_EPSILON = 1e-3;

/** Folds a BatchNormalization over the last axis into the layer that it alone reads, if that has weights. */
export const foldBatchNorm: Rule = {
  name: "fold_batch_norm",
  description: "folds batch normalization into the weights before it, for targets with one scale a tensor",
  apply: (graph, node) => {
    const rule = ruleOf(node.layer);
    if (rule.kind !== "weighted" || rule.weights.length !== 1) return undefined;
    const [norm, ...others] = consumersOf(graph, node.name);
    if (norm === undefined || ruleOf(norm.layer).kind !== "batch-norm") return undefined;
    const decline = (because: string) => ({ ok: false as const, because });
    if (others.length > 0 || isOutput(graph, node.name)) {
      return decline(`"${node.name}" is read by more than "${norm.name}"`);
    }
    if ((norm.layer.config.axis ?? -1) !== -1 || node.layer.config.dataFormat === "channelsFirst") {
      return decline(`"${norm.name}" normalizes another axis than the last, or channels are another`);
    }
    if (callsOf(graph, node).length > 1 || callsOf(graph, norm).length > 1) {
      return decline(`"${node.name}" or "${norm.name}" is called several times`);
    }
    const folded = { ...node, layer: fold(node.layer, norm.layer, rule.weights[0].name) };
    return {
      ok: true,
      graph: removeNode(replaceNode(graph, node.name, [folded]), norm.name),
      what: `"${norm.name}" is part of its weights`,
    };
  },
};

function fold(layer: LayerSpec, norm: LayerSpec, kernelName: string): LayerSpec {
  const kernel = weightOf(layer, kernelName);
  const bias = layer.weights.find(({ name }) => name === "bias");
  const { factors, offsets } = affineOf(norm);
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

/** k, and β − k·μ, of each channel. */
function affineOf({ config, weights }: LayerSpec): { readonly factors: Float64Array; readonly offsets: Float64Array } {
  const of = (name: string) => weights.find((weight) => weight.name === name)?.data;
  const [gamma, beta] = [of("gamma"), of("beta")];
  const [mean, variance] = [of("moving_mean") ?? [], of("moving_variance") ?? []];
  const epsilon = typeof config.epsilon === "number" ? config.epsilon : DEFAULT_EPSILON;
  const factors = Float64Array.from(variance, (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + epsilon));
  return { factors, offsets: factors.map((k, c) => (beta?.[c] ?? 0) - k * mean[c]) };
}
