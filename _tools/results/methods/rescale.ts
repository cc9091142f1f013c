/**
 * Multiplies channels of a model by random powers of two from 2⁻⁴ to 2⁴ where batch norm gives them to a ReLU, and divides
 * the weights that read them: the same function to the last bit, and one that a scale a weight tensor is too coarse for.
 *
 *     deno run --allow-all _tools/results/methods/rescale.ts FLOAT/model.json OUT
 */
import { loadLayersModel, registerBackend, saveLayersModel } from "../../../mod.ts";
import { Random } from "../../../src/numbers/random.ts";
import {
  consumersOf,
  fromModel,
  isOutput,
  isRelu,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  toModel,
  weightOf,
} from "../../../src/rewrite/mod.ts";

/** Powers of two that channels are multiplied by. */
const LEAST = -4;
const MOST = 4;

/** Layers whose weights have the channels that they read along the last axis but one. */
const READERS = ["Conv2D", "DepthwiseConv2D", "Dense"];

if (import.meta.main) await main(Deno.args);

async function main([from, to]: readonly string[]): Promise<void> {
  await registerBackend();
  const { model } = await loadLayersModel(from);
  const graph = fromModel(model);
  const { graph: rescaled, channels } = rescale(graph, new Random(0));
  if (channels === 0) throw new Error(`Cannot rescale "${from}": no batch norm with a ReLU is read by one layer alone`);
  await saveLayersModel(toModel(rescaled), to);
  console.log(`${channels} channels`);
}

/** Rescales the channels of every BatchNormalization → ReLU that a convolution or a dense layer alone reads. */
export function rescale(graph: LayerGraph, random: Random): { readonly graph: LayerGraph; readonly channels: number } {
  const scaled = new Map<LayerSpec, LayerSpec>();
  let channels = 0;
  for (const norm of graph.nodes) {
    const reader = readerOf(graph, norm);
    if (reader === undefined) continue;
    const { length } = weightOf(norm.layer, "gamma").data;
    const factors = Float32Array.from({ length }, () => 2 ** (LEAST + random.below(MOST - LEAST + 1)));
    channels += length;
    const inverse = factors.map((factor) => 1 / factor);
    const now = (layer: LayerSpec) => scaled.get(layer) ?? layer;
    scaled.set(norm.layer, withWeights(now(norm.layer), ["gamma", "beta"], (i) => factors[i]));
    // Kernels [kh, kw, in, out], [kh, kw, in, multiplier] and [in, out]: the channels read are the last axis but one.
    const [kernel] = reader.layer.weights;
    const width = kernel.shape[kernel.shape.length - 1];
    scaled.set(
      reader.layer,
      withWeights(now(reader.layer), [kernel.name], (i) => inverse[Math.floor(i / width) % length]),
    );
  }
  return {
    graph: { ...graph, nodes: graph.nodes.map((node) => ({ ...node, layer: scaled.get(node.layer) ?? node.layer })) },
    channels,
  };
}

/** Returns the layer that alone reads the ReLU that alone reads `norm`. */
function readerOf(graph: LayerGraph, norm: LayerNode): LayerNode | undefined {
  if (norm.layer.className !== "BatchNormalization") return undefined;
  const relu = onlyReader(graph, norm);
  if (relu === undefined || !isRelu(relu.layer) || (relu.layer.config.maxValue ?? null) !== null) return undefined;
  const reader = onlyReader(graph, relu);
  return reader !== undefined && READERS.includes(reader.layer.className) ? reader : undefined;
}

function onlyReader(graph: LayerGraph, { name }: LayerNode): LayerNode | undefined {
  const [reader, ...more] = consumersOf(graph, name);
  return more.length === 0 && !isOutput(graph, name) ? reader : undefined;
}

function withWeights(layer: LayerSpec, names: readonly string[], factor: (i: number) => number): LayerSpec {
  return {
    ...layer,
    weights: layer.weights.map((weight) => {
      if (!names.includes(weight.name)) return weight;
      return { ...weight, data: Float32Array.from(weight.data, (value, i) => value * factor(i)) };
    }),
  };
}
