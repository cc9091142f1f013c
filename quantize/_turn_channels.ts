/** Channels whose batch normalization turns their sign, turned beforehand. */
import { codedWeights, ruleOf } from "../src/layers/mod.ts";
import { type LayerGraph, type LayerSpec, type LayerWeight, nodeOf, type Unit } from "../src/rewrite/mod.ts";
import type { Choice } from "./resolve.ts";

/**
 * Turns the sign of channels whose batch normalization has a factor below 0, where weights are on an affine grid, and that
 * of the normalization with it: the graph computes what it did, to the bit.
 *
 * Folding the factor turns the codes, and an affine grid reaches less far to one side of 0 than to the other.
 */
export function turnChannels(
  graph: LayerGraph,
  { units, choiceOf }: { readonly units: readonly Unit[]; readonly choiceOf: (name: string) => Choice },
): LayerGraph {
  const turned = new Map<LayerSpec, LayerSpec>();
  const isCalledOnce = (layer: LayerSpec) => graph.nodes.filter((node) => node.layer === layer).length === 1;
  for (const { kind, layer: name, batchNorm } of units) {
    if (kind !== "weighted" || batchNorm === undefined || choiceOf(name).weights?.symmetric !== false) continue;
    const [layer, norm] = [nodeOf(graph, name).layer, nodeOf(graph, batchNorm).layer];
    const gamma = norm.weights.find((weight) => weight.name === "gamma");
    if (gamma === undefined || !isCalledOnce(layer) || !isCalledOnce(norm)) continue;
    const signs = Array.from(gamma.data, (factor) => factor < 0 ? -1 : 1);
    const [kernel] = codedWeights(ruleOf(layer)).slice(-1);
    turned.set(layer, turnWeights(layer, { names: [kernel.name, "bias"], signs }));
    turned.set(norm, turnWeights(norm, { names: ["gamma", "moving_mean"], signs }));
  }
  return { ...graph, nodes: graph.nodes.map((node) => ({ ...node, layer: turned.get(node.layer) ?? node.layer })) };
}

/** Turns weights whose last axis, or last two of a depthwise kernel, are the channels. */
function turnWeights(
  layer: LayerSpec,
  { names, signs }: { readonly names: readonly string[]; readonly signs: readonly number[] },
): LayerSpec {
  const weights = layer.weights.map((weight): LayerWeight =>
    names.includes(weight.name)
      ? { ...weight, data: Float32Array.from(weight.data, (w, k) => w * signs[k % signs.length]) }
      : weight
  );
  return { ...layer, weights };
}
