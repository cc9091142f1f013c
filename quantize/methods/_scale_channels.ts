/** Scales channels in the weights of a net, so that it computes what it computed. */
import { batchNormAffine, type LayerGraph, type LayerSpec, type LayerWeight, weightOf } from "../../src/rewrite/mod.ts";
import { lookUp } from "../../src/text/nearest.ts";
import { type Channels, PINNED, type Stage } from "./_channels.ts";
import { firstRead } from "./_groups.ts";
import type { Row } from "./_sets.ts";

/** What the channels of each set are divided by, all above 0. */
export type Scales = Float64Array;

/**
 * Divides the channels of every set by its scale: the weights that give them, the bias or the batch normalization behind
 * included, are divided by it, those that read them multiplied.
 *
 * Statistics stay those of the values: what is behind a folded normalization is scaled by its gamma and beta alone, and one
 * on its own gets the mean and variance of what it reads by then.
 */
export function scaleChannels(graph: LayerGraph, { stages }: Channels, scales: Scales): LayerGraph {
  const scaled = new Map(graph.nodes.map(({ layer }) => [layer.name, layer]));
  const change = (name: string, by: (layer: LayerSpec) => LayerSpec) => {
    const layer = scaled.get(name);
    if (layer !== undefined) scaled.set(name, by(layer));
  };
  for (const stage of stages) {
    const [read, given] = [scalesAt(stage.input, scales), scalesAt(stage.output, scales)];
    if (![read, given].some((row) => row.some((scale) => scale !== 1))) continue;
    change(stage.layer, (layer) => scaleLayer(layer, stage, { read, given }));
    if (stage.norm !== undefined) change(stage.norm, (norm) => divideNorm(norm, given));
  }
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, layer: scaled.get(node.layer.name) ?? node.layer })),
  };
}

/** Returns the scale of each channel of a row. */
export function scalesAt(row: Row, scales: Scales): Float64Array {
  return Float64Array.from(row, (set) => set === PINNED ? 1 : scales[set]);
}

interface Factors {
  readonly read: Float64Array;
  readonly given: Float64Array;
}

function scaleLayer(layer: LayerSpec, stage: Stage, { read, given }: Factors): LayerSpec {
  if (stage.kind === "layer-norm") return divideNorm(layer, given);
  if (stage.kind === "norm") return divideNorm(multiplyNorm(layer, read), given);
  const kernel = weightOf(layer, stage.kernel);
  const [inputs, last] = kernel.shape.slice(-2);
  // A folded normalization is divided in the place of the weights before it.
  const divisor = (o: number) => stage.norm === undefined ? given[o] : 1;
  const first = firstRead({ groups: stage.groups ?? 1, inner: inputs, outputs: last });
  const data = Float32Array.from(kernel.data, (w, k) => {
    const i = Math.floor(k / last) % inputs;
    if (stage.kind === "depthwise") return w * read[i] / divisor(k % (inputs * last));
    return w * read[first[k % last] + i] / divisor(k % last);
  });
  const scaled = { ...layer, weights: layer.weights.map((weight) => weight === kernel ? { ...kernel, data } : weight) };
  return stage.isLast ? mapWeights(scaled, { bias: (b, o) => b / divisor(o) }) : scaled;
}

/** Divides what a normalization gives. */
function divideNorm(norm: LayerSpec, given: Float64Array): LayerSpec {
  return mapWeights(withGamma(norm, given.length), {
    gamma: (value, c) => value / given[c],
    beta: (value, c) => value / given[c],
  });
}

/**
 * Lets a batch normalization read x / s: mean / s, variance / s², and as ε is added to the variance as before,
 *
 *     γ' = γ · √(σ² + ε·s²) / √(σ² + ε)
 */
function multiplyNorm(norm: LayerSpec, read: Float64Array): LayerSpec {
  const { epsilon } = batchNormAffine(norm);
  const variance = weightOf(norm, "moving_variance").data;
  return mapWeights(withGamma(norm, read.length), {
    gamma: (value, c) => value * Math.sqrt((variance[c] + epsilon * read[c] ** 2) / (variance[c] + epsilon)),
    moving_mean: (value, c) => value / read[c],
    moving_variance: (value, c) => value / read[c] ** 2,
  });
}

/** A normalization with factors of its own: ones, where it had none. */
function withGamma(norm: LayerSpec, channels: number): LayerSpec {
  if (norm.weights.some(({ name }) => name === "gamma")) return norm;
  const gamma: LayerWeight = {
    name: "gamma",
    dtype: "float32",
    shape: [channels],
    data: new Float32Array(channels).fill(1),
  };
  return { ...norm, config: { ...norm.config, scale: true }, weights: [gamma, ...norm.weights] };
}

/** Changes the elements of the weights of a layer that `changes` names. */
export function mapWeights(
  layer: LayerSpec,
  changes: Readonly<Record<string, (value: number, i: number) => number>>,
): LayerSpec {
  const weights = layer.weights.map((weight) => {
    const change = lookUp(changes, weight.name);
    return change === undefined ? weight : { ...weight, data: Float32Array.from(weight.data, change) };
  });
  return { ...layer, weights };
}
