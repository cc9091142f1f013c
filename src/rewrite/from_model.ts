/** Reads a TF.js layers-model into a `LayerGraph`. */
import * as tfl from "@tensorflow/tfjs-layers";
import type { serialization } from "@tensorflow/tfjs-core";
import { ConstantValue } from "./constant_value.ts";
import {
  LASTING_METADATA,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  type LayerWeight,
  valueOf,
} from "./layer_graph.ts";

type Layer = tfl.layers.Layer;
type Tensor = tfl.SymbolicTensor;
type Call = Layer["inboundNodes"][number];

/** The model, or the one call of a nested model, that is being walked. */
interface Scope {
  readonly path: readonly string[];
  /** Values bound to the model's input tensors, by tensor id. */
  readonly bound: ReadonlyMap<number, string>;
  /** Calls already walked, by layer and call: a node's name, or a nested model's own scope. */
  readonly names: Map<string, string>;
  readonly nested: Map<string, Scope>;
}

/** What a walk has gathered so far. */
interface Walk {
  readonly nodes: LayerNode[];
  readonly taken: Set<string>;
  /** Layers met that have weights, by their ids: what further calls of them call. */
  readonly shared: Map<number, LayerSpec>;
  /** Ids of layers that a model around them keeps from training. */
  readonly frozen: ReadonlySet<number>;
  /** Describes a layer that is met for the first time. */
  readonly read: (layer: Layer, as: FirstCall) => LayerSpec;
  /** Names of models that give an output, by the ids of the layers in them that give it. */
  readonly heads: ReadonlyMap<number, string>;
  /** The calls met, with the layers themselves. */
  readonly calls: ModelCall[];
}

/** One call of a layer of a model, under the name that `fromModel` gives it. */
export interface ModelCall {
  /** Unique within the model. */
  readonly name: string;
  readonly layer: Layer;
  /** Names of the values that it reads, in order. Empty for an input and for a constant. */
  readonly inbound: readonly string[];
  /** Shapes of what it gives, the batch first; null is open. */
  readonly shapes: readonly tfl.SymbolicTensor["shape"][];
}

/** What is known of a layer from its first call. */
interface FirstCall {
  readonly name: string;
  readonly frozen: boolean;
  /** Of what it gives. */
  readonly rank: number;
}

/**
 * Reads `model` into plain data, nested models flattened.
 *
 * A layer keeps its own name where that is unique; one of a nested model whose name is taken is called `outer/inner`.
 * Further calls of a layer are called `layer_1`, `layer_2`… What a nested model gives as an output is called as that is.
 * Weights are copied, and metadata that says what outputs are; optimizer, loss and metrics are left behind.
 *
 * @throws {TypeError} If `model` has no outputs yet, or has a layer with call arguments.
 */
export function fromModel(model: tfl.LayersModel): LayerGraph {
  return walkModel(model, readLayer).graph;
}

/** Names values of `model` as `fromModel` does, without reading a weight. */
export function valueNames(model: tfl.LayersModel, tensors: readonly Tensor[]): readonly string[] {
  return tensors.map(walkModel(model, nameLayer).valueOf);
}

/** Lists the calls of `model` in topological order, nested models flattened, without reading a weight. */
export function modelCalls(model: tfl.LayersModel): readonly ModelCall[] {
  return walkModel(model, nameLayer).calls;
}

function nameLayer(layer: Layer, { name }: FirstCall): LayerSpec {
  return { name, className: layer.getClassName(), config: {}, weights: [] };
}

/** A model that was walked. */
interface Walked {
  readonly graph: LayerGraph;
  readonly calls: readonly ModelCall[];
  /** Returns the name of a value of the model itself, none within a nested one. */
  valueOf(this: void, tensor: Tensor): string;
}

function walkModel(model: tfl.LayersModel, read: Walk["read"]): Walked {
  if (model.outputs.length === 0) {
    throw new TypeError(`Cannot read model "${model.name}": it has no layers yet, at least one is needed`);
  }
  const own = model.layers.filter((layer) => !isModel(layer)).map((layer) => layer.name);
  const frozen = new Set(frozenIn(model));
  const heads = headsOf(model, own);
  const taken = new Set([...own, ...heads.values()]);
  const walk: Walk = { nodes: [], taken, shared: new Map(), frozen, heads, read, calls: [] };
  const inputs = model.inputs.map((tensor) => addInput(walk, tensor));
  const scope = makeScope(model, inputs);
  const valueOf = (tensor: Tensor) => resolve(walk, scope, tensor);
  const outputs = model.outputs.map(valueOf);
  const graph = { name: model.name, nodes: walk.nodes, inputs, outputs, ...lastingMetadata(model) };
  return { graph, calls: walk.calls, valueOf };
}

function lastingMetadata(model: tfl.LayersModel): Pick<LayerGraph, "metadata"> {
  const all = Object.entries(Object(model.getUserDefinedMetadata()));
  const lasting = all.filter(([key]) => LASTING_METADATA.some((name) => name === key));
  return lasting.length === 0 ? {} : { metadata: structuredClone(Object.fromEntries(lasting)) };
}

/**
 * Finds layers in nested models that give an output of `model`, which TF.js calls as the nested model.
 *
 * @param own Names of the model's own layers, which stay theirs.
 */
function headsOf(model: tfl.LayersModel, own: readonly string[]): ReadonlyMap<number, string> {
  const heads = new Map<number, string>();
  for (const output of model.outputs) {
    const { name } = output.sourceLayer;
    let { sourceLayer: layer } = output;
    while (isModel(layer) && layer.outputs.length === 1 && isCalledOnce(layer)) {
      [{ sourceLayer: layer }] = layer.outputs;
    }
    if (layer !== output.sourceLayer && !isModel(layer) && isCalledOnce(layer) && !own.includes(name)) {
      heads.set(layer.id, name);
    }
  }
  return heads;
}

/** A model has a node of its own, without being called. */
function isCalledOnce(layer: Layer): boolean {
  return layer.inboundNodes.length === (isModel(layer) ? 2 : 1);
}

function makeScope(model: tfl.LayersModel, inputs: readonly string[], outer?: Scope): Scope {
  return {
    path: outer === undefined ? [] : [...outer.path, model.name],
    bound: new Map(model.inputs.map((tensor, i) => [tensor.id, inputs[i]])),
    names: new Map(),
    nested: new Map(),
  };
}

function addInput(walk: Walk, tensor: Tensor): string {
  const { name } = tensor.sourceLayer;
  const config: serialization.ConfigDict = { ...copyConfig(tensor.sourceLayer), name };
  walk.taken.add(name);
  walk.nodes.push({ name, layer: { name, className: "InputLayer", config, weights: [] }, inbound: [], outputs: 1 });
  walk.calls.push({ name, layer: tensor.sourceLayer, inbound: [], shapes: [tensor.shape] });
  return name;
}

/** Returns the name of the value that `tensor` is, having added the call that gives it and all that this needs. */
function resolve(walk: Walk, scope: Scope, tensor: Tensor): string {
  const bound = scope.bound.get(tensor.id);
  if (bound !== undefined) return bound;
  const layer = tensor.sourceLayer;
  const call = layer.inboundNodes[tensor.nodeIndex];
  const key = `${layer.id}:${tensor.nodeIndex}`;
  if (isModel(layer)) return resolve(walk, enter(walk, scope, { layer, call, key }), layer.outputs[tensor.tensorIndex]);
  const name = scope.names.get(key) ?? addCall(walk, scope, { layer, call, key });
  return valueOf(name, tensor.tensorIndex);
}

interface Met {
  readonly layer: Layer;
  readonly call: Call;
  /** Layer and call, as `Scope` knows them. */
  readonly key: string;
}

function addCall(walk: Walk, scope: Scope, { layer, call, key }: Met): string {
  // What a constant reads gives it the size of the batch alone.
  const read = layer instanceof ConstantValue ? [] : call.inputTensors;
  const inbound = read.map((input) => resolve(walk, scope, input));
  checkCall(layer, call);
  const name = nameFor(walk, scope, layer);
  scope.names.set(key, name);
  const spec = walk.shared.get(layer.id) ??
    walk.read(layer, { name, frozen: walk.frozen.has(layer.id), rank: call.outputTensors[0].rank });
  if (spec.weights.length > 0) walk.shared.set(layer.id, spec);
  walk.nodes.push({ name, layer: spec, inbound, outputs: call.outputTensors.length });
  walk.calls.push({ name, layer, inbound, shapes: call.outputTensors.map(({ shape }) => shape) });
  return name;
}

function enter(walk: Walk, scope: Scope, { layer, call, key }: Met & { readonly layer: tfl.LayersModel }): Scope {
  const known = scope.nested.get(key);
  if (known !== undefined) return known;
  const inputs = call.inputTensors.map((input) => resolve(walk, scope, input));
  const inner = makeScope(layer, inputs, scope);
  scope.nested.set(key, inner);
  return inner;
}

function checkCall(layer: Layer, call: Call): void {
  const cannot = `Cannot read layer "${layer.name}" (${layer.getClassName()})`;
  if (call.inputTensors.length === 0) {
    throw new TypeError(`${cannot}: it is an input that its model does not list among its inputs`);
  }
  const given = Object.entries(call.callArgs ?? {}).filter(([key, value]) => !isRead(call, key, value));
  if (given.length > 0) {
    throw new TypeError(`${cannot}: it is called with "${given.map(([key]) => key)}", plain inputs are needed`);
  }
}

/** Whether an argument is initial states that TF.js lists among the call's inputs too. */
function isRead({ inputTensors }: Call, key: string, value: unknown): boolean {
  return key === "initialState" && Array.isArray(value) && value.every((state) => inputTensors.includes(state));
}

function nameFor(walk: Walk, scope: Scope, layer: Layer): string {
  const head = walk.heads.get(layer.id);
  if (head !== undefined) return head;
  const isOwn = scope.path.length === 0 && !walk.nodes.some((node) => node.name === layer.name);
  const name = isOwn || !walk.taken.has(layer.name)
    ? layer.name
    : freeName(walk, [...scope.path, layer.name].join("/"));
  walk.taken.add(name);
  return name;
}

function freeName(walk: Walk, wanted: string): string {
  let name = wanted;
  for (let i = 1; walk.taken.has(name); i++) name = `${wanted}_${i}`;
  return name;
}

/** Describes a layer that is built, with its weights as they are, under the name `name`; no batch normalization. */
export function specOf(layer: Layer, name: string): LayerSpec {
  return readLayer(layer, { name, frozen: false, rank: 0 });
}

function readLayer(layer: Layer, as: FirstCall): LayerSpec {
  const className = layer.getClassName();
  const weights = layer.weights.map(readWeight);
  const config: serialization.ConfigDict = { ...copyConfig(layer), name: as.name };
  config.trainable = layer.trainable && !as.frozen;
  // Belongs to an implicit InputLayer, which is a node of its own here.
  delete config.batchInputShape;
  if (className.endsWith("BatchNormalization")) config.axis = readAxis(config.axis, as.rank);
  return { name: as.name, className, weights, config: repairConfig(className, config, weights) };
}

/** The axis of a BatchNormalization, -1 if it is the last; newer Keras writes it as a list of one. */
function readAxis(axis: serialization.ConfigDictValue, rank: number): serialization.ConfigDictValue {
  const only = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
  return only === rank - 1 ? -1 : only;
}

function copyConfig(layer: Layer): serialization.ConfigDict {
  return structuredClone(layer.getConfig());
}

/** Makes up for what `getConfig` of TF.js 4.22 gets wrong. */
function repairConfig(
  className: string,
  config: serialization.ConfigDict,
  weights: readonly LayerWeight[],
): serialization.ConfigDict {
  // SeparableConv2D forgets depthMultiplier: the depthwise kernel [kh, kw, in, multiplier] still tells.
  if (className === "SeparableConv2D") return { ...config, depthMultiplier: weights[0].shape[3] };
  // DepthwiseConv2D writes its regularizer where its constraint belongs.
  if (className === "DepthwiseConv2D") return { ...config, depthwiseConstraint: null };
  return config;
}

function readWeight(variable: tfl.LayerVariable): LayerWeight {
  const value = variable.read();
  return {
    // Scoped names look like "conv1/kernel".
    name: variable.originalName.split("/").at(-1) ?? variable.originalName,
    dtype: value.dtype,
    shape: value.shape.slice(),
    // A copy: the cpu backend hands out its own buffer.
    data: value.dataSync().slice(),
  };
}

function frozenIn(model: tfl.LayersModel, frozen = !model.trainable): readonly number[] {
  return model.layers.flatMap((layer) => {
    if (isModel(layer)) return frozenIn(layer, frozen || !layer.trainable);
    return frozen ? [layer.id] : [];
  });
}

function isModel(layer: Layer): layer is tfl.LayersModel {
  return layer instanceof tfl.LayersModel;
}
