/**
 * TF.js layers-models as plain data, so that rewriting one is a function from data to data.
 *
 * `fromModel` flattens Sequential, functional and nested models into one graph; `toModel` builds a functional model of it.
 * A graph is never changed in place: the functions of `edit.ts` take one and return another.
 */
import type { DataType, serialization } from "@tensorflow/tfjs-core";

/** A layer's weight: its elements in row-major order. */
export interface LayerWeight {
  /** Name within the layer, e.g. "kernel" or "moving_mean". */
  readonly name: string;
  /** Element type. */
  readonly dtype: DataType;
  /** In TF.js's layout. */
  readonly shape: readonly number[];
  /** The elements. */
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** A layer's configuration as `Layer.getConfig` gives it: camelCase keys. */
export type LayerConfig = Readonly<serialization.ConfigDict>;

/** One application of one layer. */
export interface LayerNode {
  /** Unique within the graph. */
  readonly name: string;
  /** The class's name as TF.js serializes it, e.g. "Conv2D". */
  readonly className: string;
  /** The layer's configuration, its name included. */
  readonly config: LayerConfig;
  /** Names of the nodes whose outputs are this layer's inputs, in order. Empty for an InputLayer. */
  readonly inbound: readonly string[];
  /** In the order of `Layer.getWeights`. */
  readonly weights: readonly LayerWeight[];
}

/** A model. Every layer has one output, known by the layer's name. */
export interface LayerGraph {
  /** The model's name. */
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly LayerNode[];
  /** Names of the InputLayers, in the model's order. */
  readonly inputs: readonly string[];
  /** Names of the layers whose outputs the model returns, in the model's order. */
  readonly outputs: readonly string[];
}

/**
 * Returns the node called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function nodeOf(graph: LayerGraph, name: string): LayerNode {
  const node = graph.nodes.find((node) => node.name === name);
  if (node === undefined) throw new RangeError(`Cannot find layer "${name}" in model "${graph.name}"`);
  return node;
}

/** Lists the nodes that read the output of `name`, in topological order; one that reads it twice is listed once. */
export function consumersOf(graph: LayerGraph, name: string): readonly LayerNode[] {
  return graph.nodes.filter((node) => node.inbound.includes(name));
}

/** Whether the model returns the output of `name`. */
export function isOutput(graph: LayerGraph, name: string): boolean {
  return graph.outputs.includes(name);
}

/**
 * Returns the weight of `node` called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function weightOf(node: LayerNode, name: string): LayerWeight {
  const weight = node.weights.find((weight) => weight.name === name);
  if (weight === undefined) {
    const names = node.weights.map((weight) => `"${weight.name}"`).join(", ") || "none";
    throw new RangeError(`Cannot find weight "${name}" of layer "${node.name}": its weights are ${names}`);
  }
  return weight;
}
