/** The float model that a prepared one stands for. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { quantizedLayer } from "../src/quant/mod.ts";
import {
  canRemove,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  nodeOf,
  ownCall,
  removeNode,
  replaceNode,
  specOf,
} from "../src/rewrite/mod.ts";

/** Returns what a layer of `model` is to quantization; undefined if nothing. */
export function quantizedOf(model: LayersModel, { name }: LayerSpec) {
  return quantizedLayer(model.getLayer(name));
}

/**
 * Returns `prepared`, which is `model`, without its quantizers, and with the layers that quantized ones stand for: their
 * weights are those of now, before they are rounded.
 */
export function floatGraph(prepared: LayerGraph, model: LayersModel): LayerGraph {
  const quantizers = prepared.nodes.filter(({ layer }) => quantizedOf(model, layer)?.role === "activations");
  const graph = quantizers.reduce(passThrough, prepared);
  // Calls of one layer hold one description of it.
  const known = new Map<LayerSpec, LayerSpec>();
  const floatOf = (layer: LayerSpec) => {
    const float = known.get(layer) ?? floatLayer(layer, model);
    known.set(layer, float);
    return float;
  };
  return { ...graph, nodes: graph.nodes.map((node) => original(node, graph, floatOf)) };
}

/** Takes out a node; where TF.js could not run the model then, it gives its input as it is. */
function passThrough(graph: LayerGraph, { name }: LayerNode): LayerGraph {
  const node = nodeOf(graph, name);
  if (canRemove(graph, node)) return removeNode(graph, name);
  const { inbound } = node;
  return replaceNode(graph, name, [
    ownCall({ name, className: "Activation", config: { activation: "linear" }, inbound }),
  ]);
}

function original(node: LayerNode, graph: LayerGraph, floatOf: (layer: LayerSpec) => LayerSpec): LayerNode {
  if (node.layer.className !== "SharedCall") return { ...node, layer: floatOf(node.layer) };
  const [x, first] = node.inbound;
  return { ...node, inbound: [x], layer: floatOf(nodeOf(graph, first).layer) };
}

function floatLayer(layer: LayerSpec, model: LayersModel): LayerSpec {
  const quantized = quantizedOf(model, layer);
  const { name, config: { trainable } } = layer;
  if (quantized?.inner !== undefined) {
    const inner = specOf(quantized.inner, name);
    return { ...inner, config: { ...inner.config, trainable } };
  }
  if (quantized?.original === undefined) return layer;
  // Arguments of our layers mean nothing to TF.js's.
  const { alone: _, ...config } = quantized.original.config;
  return { ...layer, className: quantized.original.className, config };
}
