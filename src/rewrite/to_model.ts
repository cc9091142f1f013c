/** Builds a functional TF.js model from a `LayerGraph`. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { LayerGraph, LayerNode } from "./layer_graph.ts";

type Layer = tfl.layers.Layer;

/** Gives a layer, built, the weights of its node. */
export type LoadWeights = (layer: Layer, node: LayerNode) => void;

/**
 * Builds a functional model of `graph`, with weights equal to the graph's bit for bit.
 *
 * The model owns new variables; dispose it like any other. It is not compiled.
 *
 * @param options.load How a layer gets its weights. Default: `setWeights`, all of them in order.
 * @throws {TypeError} If a layer's class is not registered with TF.js, or its weights do not fit its configuration.
 */
export function toModel(graph: LayerGraph, { load = setWeights }: { load?: LoadWeights } = {}): tfl.LayersModel {
  const tensors = new Map<string, tfl.SymbolicTensor>();
  for (const node of graph.nodes) {
    const layer = makeLayer(node);
    tensors.set(node.name, node.inbound.length === 0 ? outputOf(layer) : applyTo(layer, node, tensors));
    load(layer, node);
  }
  const pick = (names: readonly string[]) => names.map((name) => lookUp(tensors, name, graph.name));
  return tfl.model({ inputs: pick(graph.inputs), outputs: pick(graph.outputs), name: graph.name });
}

/**
 * Sets the weights of `layer` to those of `node`, in order.
 *
 * @throws {TypeError} If their number or shapes do not fit.
 */
export function setWeights(layer: Layer, node: LayerNode): void {
  if (node.weights.length === 0) return;
  const tensors = node.weights.map((weight) => tf.tensor(weight.data, [...weight.shape], weight.dtype));
  try {
    layer.setWeights(tensors);
  } catch (error) {
    throw new TypeError(`Cannot set the weights of layer "${node.name}" (${node.className})`, { cause: error });
  } finally {
    tf.dispose(tensors);
  }
}

/**
 * Makes the layer that `node` describes, not yet built.
 *
 * @throws {TypeError} If its class is not registered with TF.js.
 */
export function makeLayer(node: LayerNode): Layer {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[node.className];
  if (entry === undefined) {
    throw new TypeError(
      `Cannot build layer "${node.name}": class "${node.className}" is unknown, ` +
        `it needs to be registered with tf.serialization.registerClass`,
    );
  }
  const [constructor, fromConfig] = entry;
  const layer = fromConfig(constructor, structuredClone(node.config));
  if (!(layer instanceof tfl.layers.Layer)) {
    throw new TypeError(`Cannot build layer "${node.name}": class "${node.className}" is not a layer's`);
  }
  // Zeros instead of random numbers: cheaper, and the weights are set right after.
  if (node.weights.length > 0) layer.setFastWeightInitDuringBuild(true);
  return layer;
}

function applyTo(layer: Layer, node: LayerNode, tensors: ReadonlyMap<string, tfl.SymbolicTensor>): tfl.SymbolicTensor {
  const inputs = node.inbound.map((name) => lookUp(tensors, name, node.name));
  return single(layer.apply(inputs.length === 1 ? inputs[0] : inputs), node.name);
}

function outputOf(layer: Layer): tfl.SymbolicTensor {
  return single(layer.output, layer.name);
}

function single(output: ReturnType<Layer["apply"]>, layer: string): tfl.SymbolicTensor {
  if (output instanceof tfl.SymbolicTensor) return output;
  throw new TypeError(`Cannot build layer "${layer}": it has several outputs, exactly 1 is needed`);
}

function lookUp(
  tensors: ReadonlyMap<string, tfl.SymbolicTensor>,
  name: string,
  reader: string,
): tfl.SymbolicTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new RangeError(`Cannot build "${reader}": it reads "${name}", which no layer before it is`);
  }
  return tensor;
}
