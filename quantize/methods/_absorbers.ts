/** Layers behind a ReLU that can add what was taken off the values that they read. */
import { ruleOf } from "../../src/layers/mod.ts";
import {
  activationOf,
  callsOf,
  consumersOf,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
  replaceLayer,
  weightOf,
} from "../../src/rewrite/mod.ts";
import { firstRead, groupsOf } from "./_groups.ts";
import { mapWeights } from "./_scale_channels.ts";

/** The layers that read a value, all of which can absorb a constant of it; or why one cannot. */
export type Absorbers =
  | { readonly ok: true; readonly nodes: readonly LayerNode[] }
  | { readonly ok: false; readonly because: string };

/** Layers that give x + c for x + c, c one number a channel. */
const SHIFTED: ReadonlySet<string> = new Set([
  "AveragePooling1D",
  "AveragePooling2D",
  "Cropping2D",
  "Flatten",
  "GlobalAveragePooling1D",
  "GlobalAveragePooling2D",
  "GlobalMaxPooling1D",
  "GlobalMaxPooling2D",
  "MaxPooling1D",
  "MaxPooling2D",
  "RepeatVector",
  "UpSampling2D",
]);

/** Kernels whose input channels are summed up, by class: a depthwise one and a full one follow each other. */
const KERNELS: Readonly<Record<string, readonly string[]>> = {
  Conv1D: ["kernel"],
  Conv2D: ["kernel"],
  Dense: ["kernel"],
  DepthwiseConv2D: ["depthwise_kernel"],
  GroupConv2D: ["kernel"],
  SeparableConv2D: ["depthwise_kernel", "pointwise_kernel"],
};

/** Whether `layer` is a ReLU without a maximum. */
export function isPlainRelu(layer: LayerSpec): boolean {
  const activation = activationOf(layer);
  return activation?.place === "layer" && activation.name === "relu";
}

/** Finds the layers with weights that read `value`, maybe through layers that pass a constant on. */
export function absorbersOf(graph: LayerGraph, value: string): Absorbers {
  if (isOutput(graph, value)) return { ok: false, because: `"${value}" is an output of the model` };
  const nodes: LayerNode[] = [];
  for (const reader of consumersOf(graph, value)) {
    if (passesOn(reader)) {
      const behind = absorbersOf(graph, reader.name);
      if (!behind.ok) return behind;
      nodes.push(...behind.nodes);
      continue;
    }
    const because = whyNot(graph, reader);
    if (because !== undefined) return { ok: false, because };
    nodes.push(reader);
  }
  return { ok: true, nodes };
}

/** Adds to the layer of `node` what its weights make of `constant`, one number for each channel that it reads. */
export function addToBias(graph: LayerGraph, node: LayerNode, constant: Float64Array): LayerGraph {
  const { layer } = node;
  const added = KERNELS[layer.className].reduce(
    (values, name) => weighted(weightOf(layer, name), { constant: values, groups: groupsOf(layer) }),
    constant,
  );
  if (layer.weights.some(({ name }) => name === "bias")) {
    return replaceLayer(graph, node, mapWeights(layer, { bias: (b, o) => b + added[o] }));
  }
  const [norm] = consumersOf(graph, node.name);
  if (norm !== undefined && isOnlyNorm(graph, node, norm)) {
    // Its statistics are those of what it reads, which is less by as much.
    return replaceLayer(graph, norm, mapWeights(norm.layer, { moving_mean: (mean, o) => mean - added[o] }));
  }
  const bias: LayerWeight = { name: "bias", dtype: "float32", shape: [added.length], data: Float32Array.from(added) };
  const withBias = { ...layer, config: { ...layer.config, useBias: true }, weights: [...layer.weights, bias] };
  return replaceLayer(graph, node, withBias);
}

function passesOn({ layer, outputs }: LayerNode): boolean {
  const { className, config } = layer;
  if (outputs > 1 || config.dataFormat === "channelsFirst") return false;
  if (SHIFTED.has(className) || ruleOf(layer).kind === "passthrough") return true;
  const activation = activationOf(layer);
  return activation?.place === "layer" && activation.name === "linear";
}

function whyNot(graph: LayerGraph, node: LayerNode): string | undefined {
  const { name, layer: { className, config, weights } } = node;
  if (!Object.hasOwn(KERNELS, className)) return `"${name}" (${className}) reads it, which has no bias to add it to`;
  if (callsOf(graph, node).length > 1) return `"${name}" is called several times, with one bias for all`;
  if (config.dataFormat === "channelsFirst") return `the channels of "${name}" are not the last axis`;
  const [{ shape }] = weights;
  const isSingle = className === "Dense" || shape.slice(0, -2).every((size) => size === 1);
  return isSingle || config.padding === "valid" ? undefined : `"${name}" pads by 0, and not by what would be taken off`;
}

/** Whether `norm` alone reads `node`, and nothing else. */
function isOnlyNorm(graph: LayerGraph, node: LayerNode, norm: LayerNode): boolean {
  return norm.layer.className === "BatchNormalization" && (norm.layer.config.axis ?? -1) === -1 &&
    activationOf(node.layer) === undefined && consumersOf(graph, node.name).length === 1 &&
    !isOutput(graph, node.name) && callsOf(graph, norm).length === 1;
}

/** Returns Σ W·c over positions and input channels; of flattened pictures the channels repeat. */
function weighted(
  { name, shape, data }: LayerWeight,
  { constant, groups }: { readonly constant: Float64Array; readonly groups: number },
): Float64Array {
  const [inputs, last] = shape.slice(-2);
  const isDepthwise = name === "depthwise_kernel";
  const sums = new Float64Array(isDepthwise ? inputs * last : last);
  const first = firstRead({ groups, inner: inputs, outputs: last });
  data.forEach((w, k) => {
    const i = Math.floor(k / last) % inputs;
    if (isDepthwise) sums[k % sums.length] += w * constant[i];
    else sums[k % last] += w * constant[(first[k % last] + i) % constant.length];
  });
  return sums;
}
