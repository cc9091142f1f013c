/** Builds a functional TF.js model from a `LayerGraph`. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { copyRepeatedReads } from "./edit.ts";
import { isConstant, registerConstantValue } from "./constant_value.ts";
import { registerChannelLayers } from "../channels/mod.ts";
import { registerGroupedLayers } from "../grouped/mod.ts";
import { registerOperations } from "../operations/mod.ts";
import { registerRecurrentCells } from "../recurrent/reset_after.ts";
import { registerSequenceLayers } from "../sequences/mod.ts";
import { registerFadingReLU } from "./fading_relu.ts";
import { type LayerGraph, type LayerNode, type LayerSpec, valueOf } from "./layer_graph.ts";

type Layer = tfl.layers.Layer;

/** Gives a layer, built, the weights of its description. */
export type LoadWeights = (layer: Layer, spec: LayerSpec) => void;

/**
 * Builds a functional model of `graph`, with weights equal to the graph's bit for bit.
 *
 * The model owns new variables; dispose it like any other. It is not compiled.
 *
 * @param options.load How a layer gets its weights. Default: `setWeights`, all of them in order.
 * @throws {TypeError} If a layer's class is not registered with TF.js, or its weights do not fit its configuration.
 * @throws {RangeError} If a node reads what no node before it gives, or two different layers have one name.
 */
export function toModel(graph: LayerGraph, { load = setWeights }: { load?: LoadWeights } = {}): tfl.LayersModel {
  registerConstantValue();
  registerFadingReLU();
  registerChannelLayers();
  registerGroupedLayers();
  registerOperations();
  registerSequenceLayers();
  registerRecurrentCells();
  const tensors = new Map<string, tfl.SymbolicTensor>();
  const layers = new Map<string, Made>();
  for (const node of copyRepeatedReads(graph).nodes) {
    const read = isConstant(node) ? graph.inputs.slice(0, 1) : node.inbound;
    const inputs = read.map((value) => lookUp(tensors, value, node.name));
    const known = layerFor(layers, node);
    const made = known ?? { spec: node.layer, layer: makeLayer(node.layer) };
    callLayer(made.layer, node, inputs).forEach((tensor, i) => tensors.set(valueOf(node.name, i), tensor));
    if (known !== undefined) continue;
    layers.set(node.layer.name, made);
    load(made.layer, node.layer);
  }
  const pick = (names: readonly string[]) => names.map((name) => lookUp(tensors, name, graph.name));
  const model = tfl.model({ inputs: pick(graph.inputs), outputs: pick(graph.outputs), name: graph.name });
  if (graph.metadata !== undefined) model.setUserDefinedMetadata({ ...graph.metadata });
  return model;
}

/** A layer, and what it was made of. */
interface Made {
  readonly spec: LayerSpec;
  readonly layer: Layer;
}

/** Returns the layer that `node` calls if a node before it does too. */
function layerFor(layers: ReadonlyMap<string, Made>, { name, layer }: LayerNode): Made | undefined {
  const made = layers.get(layer.name);
  if (made === undefined || made.spec === layer) return made;
  throw new RangeError(`Cannot build "${name}": a layer before it is another one and is called "${layer.name}" too`);
}

function callLayer(layer: Layer, node: LayerNode, inputs: tfl.SymbolicTensor[]): readonly tfl.SymbolicTensor[] {
  const output = inputs.length === 0 ? layer.output : layer.apply(inputs.length === 1 ? inputs[0] : inputs);
  // Initial states are inputs; TF.js keeps them as arguments too, which no file holds.
  if (layer instanceof tfl.RNN && inputs.length > 1) Object.assign(layer.inboundNodes.at(-1) ?? {}, { callArgs: {} });
  const outputs = Array.isArray(output) ? output : [output];
  if (outputs.length === node.outputs && outputs.every((tensor) => tensor instanceof tfl.SymbolicTensor)) {
    return outputs;
  }
  throw new TypeError(
    `Cannot build layer "${node.name}" (${node.layer.className}): it gives ${outputs.length} values, not ${node.outputs}`,
  );
}

/**
 * Sets the weights of `layer` to those of `spec`, in order.
 *
 * @throws {TypeError} If their number or shapes do not fit.
 */
export function setWeights(layer: Layer, spec: LayerSpec): void {
  if (spec.weights.length === 0) return;
  const tensors = spec.weights.map((weight) => tf.tensor(weight.data, [...weight.shape], weight.dtype));
  try {
    layer.setWeights(tensors);
  } catch (error) {
    throw new TypeError(`Cannot set the weights of layer "${spec.name}" (${spec.className})`, { cause: error });
  } finally {
    tf.dispose(tensors);
  }
}

/**
 * Makes the layer that `spec` describes, not yet built.
 *
 * @throws {TypeError} If its class is not registered with TF.js.
 */
export function makeLayer(spec: LayerSpec): Layer {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[spec.className];
  if (entry === undefined) {
    throw new TypeError(
      `Cannot build layer "${spec.name}": class "${spec.className}" is unknown, ` +
        `it needs to be registered with tf.serialization.registerClass`,
    );
  }
  const [constructor, fromConfig] = entry;
  const layer = fromConfig(constructor, structuredClone(spec.config));
  if (!(layer instanceof tfl.layers.Layer)) {
    throw new TypeError(`Cannot build layer "${spec.name}": class "${spec.className}" is not a layer's`);
  }
  // Zeros instead of random numbers: cheaper, and the weights are set right after.
  if (spec.weights.length > 0) layer.setFastWeightInitDuringBuild(true);
  return layer;
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
