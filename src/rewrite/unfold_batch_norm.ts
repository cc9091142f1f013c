/**
 * Gives convolutions a batch normalization again, where one was folded into them before they came here.
 *
 *     z + b  =  γ · (z − μ) / √(σ² + ε) + β
 *
 * holds for any μ and σ with γ = √(σ² + ε) and β = μ + b. Identity statistics are μ = 0 and σ² + ε = 1. With those of real
 * samples the model answers nearly the same while it trains, when each batch has its own.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { freshName, keepOutputs, replaceNode } from "./edit.ts";
import { fromModel } from "./from_model.ts";
import {
  callsOf,
  consumersOf,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
  ownCall,
} from "./layer_graph.ts";
import { type Rewrite, rewrite, type Rule } from "./rule.ts";
import { splitActivation } from "./split_activation.ts";
import { toModel } from "./to_model.ts";

/** Mean and variance of each channel of what a layer gives. */
export interface ChannelStatistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Those that a batch normalization is folded into when a file is written; transposed ones are none. */
const CONVOLUTIONS: ReadonlySet<string> = new Set([
  "Conv1D",
  "Conv2D",
  "DepthwiseConv2D",
  "GroupConv2D",
]);

/** Keras's. */
const EPSILON = 1e-3;

/** Samples that are looked at at once. */
const PART = 4;

/**
 * Puts a batch normalization behind each convolution with a bias, in place of the bias; the answers stay.
 *
 * Convolutions that are outputs, that several places call, or that have a batch normalization already are left alone.
 *
 * @param statistics Of convolutions by their names; those of others are the identity's.
 */
export function unfoldBatchNorm(statistics: ReadonlyMap<string, ChannelStatistics> = new Map()): Rule {
  return {
    name: "unfold_batch_norm",
    description: "puts a batch normalization in the place of biases",
    apply: (graph, node) => {
      const { layer } = node;
      const bias = biasOf(layer);
      if (bias === undefined) return undefined;
      const because = reasonAgainst(graph, node);
      if (because !== undefined) return { ok: false, because };
      const name = freshName(graph, `${node.name}_bn`);
      const norm = ownCall({
        name,
        className: "BatchNormalization",
        config: {
          axis: -1,
          momentum: 0.99,
          epsilon: EPSILON,
          center: true,
          scale: true,
          trainable: trainableOf(layer),
        },
        inbound: [node.name],
        weights: weightsOf(bias, statistics.get(node.name)),
      });
      const bare = { ...node, layer: withoutBias(layer) };
      return { ok: true, graph: replaceNode(graph, node.name, [bare, norm]), what: `its bias becomes "${name}"` };
    },
  };
}

/** A model whose biases became batch normalizations. */
export interface Unfolded {
  readonly model: LayersModel;
  readonly log: readonly Rewrite[];
  /** Their names, by those of the convolutions before them. */
  readonly norms: ReadonlyMap<string, string>;
}

/**
 * Gives all convolutions of `model` with biases a batch normalization.
 *
 * @param samples What the model takes, an input each, to take statistics of. Default: identity statistics.
 * @returns A model with the same answers, what was done and left, and the batch normalizations by their convolutions.
 */
export async function unfoldBatchNorms(
  model: LayersModel,
  samples?: readonly tf.Tensor[],
): Promise<Unfolded> {
  const { graph } = rewrite(fromModel(model), [splitActivation]);
  const statistics = samples === undefined ? undefined : await measure(graph, samples);
  const unfolded = rewrite(graph, [unfoldBatchNorm(statistics)]);
  const added = unfolded.graph.nodes.filter(({ name }) => !graph.nodes.some((node) => node.name === name));
  const norms = new Map(added.map(({ name, inbound: [conv] }) => [conv, name]));
  return { model: toModel(unfolded.graph), log: unfolded.log, norms };
}

function biasOf({ className, weights }: LayerSpec): LayerWeight | undefined {
  return CONVOLUTIONS.has(className) ? weights.find(({ name }) => name === "bias") : undefined;
}

function reasonAgainst(graph: LayerGraph, node: LayerNode): string | undefined {
  const calls = callsOf(graph, node).length;
  if (calls > 1) return `"${node.name}" is called ${calls} times, unfolding needs exactly 1`;
  if (isOutput(graph, node.name)) return `"${node.name}" is an output`;
  const norm = consumersOf(graph, node.name).find(({ layer }) => layer.className === "BatchNormalization");
  return norm === undefined ? undefined : `"${node.name}" has "${norm.name}" behind it`;
}

function withoutBias(layer: LayerSpec): LayerSpec {
  return {
    ...layer,
    config: { ...layer.config, useBias: false },
    weights: layer.weights.filter(({ name }) => name !== "bias"),
  };
}

function trainableOf({ config }: LayerSpec): boolean {
  return config.trainable !== false;
}

function weightsOf({ data: bias }: LayerWeight, statistics: ChannelStatistics | undefined): readonly LayerWeight[] {
  const rows = Array.from(bias, (b, i) => {
    const [mean, variance] = statistics === undefined
      ? [Number(b), 1 - EPSILON]
      : [statistics.mean[i], statistics.variance[i]];
    return { gamma: Math.sqrt(variance + EPSILON), beta: mean, mean: mean - Number(b), variance };
  });
  const weight = (name: string, key: keyof (typeof rows)[number]): LayerWeight => ({
    name,
    dtype: "float32",
    shape: [rows.length],
    data: Float32Array.from(rows, (row) => row[key]),
  });
  return [
    weight("gamma", "gamma"),
    weight("beta", "beta"),
    weight("moving_mean", "mean"),
    weight("moving_variance", "variance"),
  ];
}

/** Finds mean and variance of what convolutions give, their biases included. */
async function measure(
  graph: LayerGraph,
  samples: readonly tf.Tensor[],
): Promise<ReadonlyMap<string, ChannelStatistics>> {
  const names = graph.nodes.filter(({ layer }) => biasOf(layer) !== undefined).map(({ name }) => name);
  if (names.length === 0) return new Map();
  const part = keepOutputs(graph, names);
  const model = toModel(part);
  const inputs = samples.filter((_, i) => part.inputs.includes(graph.inputs[i]));
  const tallies = names.map(() => new Tally());
  const [count] = inputs[0].shape;
  try {
    for (let from = 0; from < count; from += PART) {
      const size = Math.min(PART, count - from);
      const found = tf.tidy(() => {
        const fed = inputs.map((x) => tf.slice(x, [from], [size]));
        return [model.predict(fed.length === 1 ? fed[0] : fed)].flat().map(meansOf);
      });
      for (const [i, tally] of tallies.entries()) await tally.add(found[i], size);
      tf.dispose(found);
    }
  } finally {
    model.dispose();
  }
  return new Map(names.map((name, i) => [name, tallies[i].statistics()]));
}

/** Means of a value's channels and of their squares. */
function meansOf(value: tf.Tensor): tf.Tensor[] {
  const axes = value.shape.slice(0, -1).map((_, axis) => axis);
  return [tf.mean(value, axes), tf.mean(tf.square(value), axes)];
}

/** Sums up means of parts of the samples. */
class Tally {
  #count = 0;
  #sums: readonly (readonly number[])[] = [];

  async add(means: readonly tf.Tensor[], size: number): Promise<void> {
    const found = await Promise.all(means.map((mean) => mean.data()));
    this.#sums = found.map((values, k) => Array.from(values, (mean, i) => (this.#sums[k]?.[i] ?? 0) + mean * size));
    this.#count += size;
  }

  statistics(): ChannelStatistics {
    const [mean, square] = this.#sums.map((sums) => Float64Array.from(sums, (sum) => sum / this.#count));
    return { mean, variance: square.map((value, i) => Math.max(0, value - mean[i] ** 2)) };
  }
}
