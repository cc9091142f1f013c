/**
 * TF.js layers-models as plain data, so that rewriting one is a function from data to data.
 *
 * `fromModel` flattens Sequential, functional and nested models into one graph; `toModel` builds a functional model of it.
 * A graph is never changed in place: the functions of `edit.ts` take one and return another.
 *
 * A node is one call of a layer. What is called, the layer, stands beside it, weights and all, and calls of one layer
 * hold the same object. Values are names: a node's first output is called as the node is, the others `name:1`, `name:2`…
 *
 *     two pictures, one convolution for both              a layer that splits its channels
 *
 *     node    layer   inbound                             node     layer   inbound             outputs
 *     left    left    —                                   image    image   —                   1
 *     right   right   —                                   halves   halves  image               2
 *     conv    conv    left                                conv     conv    halves              1
 *     conv_1  conv    right                               sum      sum     conv, halves:1      1
 *     sum     sum     conv, conv_1
 *
 * A layer without weights has nothing to share: each of its calls is read as a layer of its own.
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

/** A layer: what its calls share. */
export interface LayerSpec {
  /** Unique among the graph's layers; the name of its first call. */
  readonly name: string;
  /** The class's name as TF.js serializes it, e.g. "Conv2D". */
  readonly className: string;
  /** The layer's configuration, its name included. */
  readonly config: LayerConfig;
  /** In the order of `Layer.getWeights`. */
  readonly weights: readonly LayerWeight[];
}

/** One call of one layer. */
export interface LayerNode {
  /** Unique within the graph; also the name of the call's first output. */
  readonly name: string;
  /** What is called: the same object in all calls of one layer. */
  readonly layer: LayerSpec;
  /** Names of the values that it reads, in order. Empty for an input and for a constant. */
  readonly inbound: readonly string[];
  /** How many values it gives. */
  readonly outputs: number;
}

/** A model. */
export interface LayerGraph {
  /** The model's name. */
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly LayerNode[];
  /** Names of the inputs, in the model's order. */
  readonly inputs: readonly string[];
  /** Names of the values that the model returns, in the model's order. */
  readonly outputs: readonly string[];
  /** Metadata of the model that says what its outputs are: see `LASTING_METADATA`. Absent: there is none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Keys of the metadata that stay true of a model whatever is made of its layers, as long as it has its outputs. */
export const LASTING_METADATA = ["detection"] as const;

/** What a call of a layer of its own is made of. */
export interface OwnCall extends Pick<LayerSpec, "name" | "className" | "config"> {
  /** Names of the values that it reads. */
  readonly inbound: readonly string[];
  /** Default: none. */
  readonly weights?: readonly LayerWeight[];
  /** Default: 1. */
  readonly outputs?: number;
}

/** Makes the only call of a new layer, which is called as the node is. */
export function ownCall({ name, className, config, inbound, weights = [], outputs = 1 }: OwnCall): LayerNode {
  return { name, layer: { name, className, config: { ...config, name }, weights }, inbound, outputs };
}

/** Returns the name of output `index` of the node called `node`. */
export function valueOf(node: string, index = 0): string {
  return index === 0 ? node : `${node}:${index}`;
}

/** Returns the name of the node that gives `value`, and which of its outputs it is. Layers' names hold no colon. */
export function sourceOf(value: string): { readonly node: string; readonly index: number } {
  const [node, index = "0"] = value.split(":");
  return { node, index: Number(index) };
}

/** Lists the names of all values that `node` gives. */
export function valuesOf({ name, outputs }: LayerNode): readonly string[] {
  return Array.from({ length: outputs }, (_, index) => valueOf(name, index));
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

/**
 * Returns the node that gives `value`.
 *
 * @throws {RangeError} If there is none.
 */
export function producerOf(graph: LayerGraph, value: string): LayerNode {
  const { node: name, index } = sourceOf(value);
  const node = nodeOf(graph, name);
  if (Number.isInteger(index) && index < node.outputs) return node;
  throw new RangeError(`Cannot find value "${value}" in model "${graph.name}": "${name}" has ${node.outputs} outputs`);
}

/** Lists the calls of the layer that `node` calls, itself included, in topological order. */
export function callsOf(graph: LayerGraph, node: LayerNode): readonly LayerNode[] {
  return graph.nodes.filter(({ layer }) => layer.name === node.layer.name);
}

/** Lists the nodes that read `value`, in topological order; one that reads it twice is listed once. */
export function consumersOf(graph: LayerGraph, value: string): readonly LayerNode[] {
  return graph.nodes.filter((node) => node.inbound.includes(value));
}

/** Whether the model returns `value`. */
export function isOutput(graph: LayerGraph, value: string): boolean {
  return graph.outputs.includes(value);
}

/** Whether `node` is an input of its model. */
export function isInput({ layer }: LayerNode): boolean {
  return layer.className === "InputLayer";
}

/**
 * Returns the weight of `layer` called `name`.
 *
 * @throws {RangeError} If there is none.
 */
export function weightOf(layer: LayerSpec, name: string): LayerWeight {
  const weight = layer.weights.find((weight) => weight.name === name);
  if (weight === undefined) {
    const names = layer.weights.map((weight) => `"${weight.name}"`).join(", ") || "none";
    throw new RangeError(`Cannot find weight "${name}" of layer "${layer.name}": its weights are ${names}`);
  }
  return weight;
}
