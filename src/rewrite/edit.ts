/** Edits of a `LayerGraph`. Each returns a new graph. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { suggestName } from "../text/nearest.ts";
import {
  callsOf,
  consumersOf,
  isInput,
  isOutput,
  type LayerGraph,
  type LayerNode,
  type LayerSpec,
  nodeOf,
  ownCall,
  producerOf,
  sourceOf,
  valueOf,
} from "./layer_graph.ts";

/** Returns `wanted`, or `wanted_1`, `wanted_2`… if a node or layer of `graph`, or one of `others`, is called so already. */
export function freshName(graph: LayerGraph, wanted: string, others: ReadonlySet<string> = new Set()): string {
  const taken = new Set([...graph.nodes.flatMap(({ name, layer }) => [name, layer.name]), ...others]);
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  return name;
}

/**
 * Puts `replacement`, a chain in topological order, in the place of the node called `name`.
 *
 * Whoever read the old node, the model's outputs included, reads the last node of the chain.
 *
 * @throws {RangeError} If there is no such node, the chain is empty, or its last node gives fewer values.
 */
export function replaceNode(graph: LayerGraph, name: string, replacement: readonly LayerNode[]): LayerGraph {
  const last = replacement.at(-1);
  const { outputs } = nodeOf(graph, name);
  if (last === undefined || last.outputs < outputs) {
    throw new RangeError(
      `Cannot replace layer "${name}": ${outputs} values are needed, what replaces it gives ${last?.outputs ?? 0}`,
    );
  }
  const nodes = graph.nodes.flatMap((node) => node.name === name ? replacement : [node]);
  const move = (value: string) => {
    const source = sourceOf(value);
    return source.node === name ? valueOf(last.name, source.index) : value;
  };
  return redirect({ ...graph, nodes }, move, new Set(replacement));
}

/**
 * Puts what `replace` makes of it in the place of every call of the layer that `node` calls.
 *
 * @param replace Gets the graph as it is by then and a call, returns a chain as `replaceNode` takes it.
 */
export function replaceCalls(
  graph: LayerGraph,
  node: LayerNode,
  replace: (graph: LayerGraph, call: LayerNode) => readonly LayerNode[],
): LayerGraph {
  return callsOf(graph, node).reduce((current, call) => {
    // The call as it is by now: it may read what was replaced before.
    const now = nodeOf(current, call.name);
    return replaceNode(current, call.name, replace(current, now));
  }, graph);
}

/** Puts `layer` in the place of the layer that `node` calls, in all its calls. */
export function replaceLayer(graph: LayerGraph, node: LayerNode, layer: LayerSpec): LayerGraph {
  return replaceCalls(graph, node, (_, call) => [{ ...call, layer }]);
}

/**
 * Takes out the node called `name`, which has one input and one output: its readers read that input.
 *
 * @throws {RangeError} If there is no such node or it has not exactly one input and one output.
 */
export function removeNode(graph: LayerGraph, name: string): LayerGraph {
  const { inbound, outputs } = nodeOf(graph, name);
  if (inbound.length !== 1 || outputs !== 1) {
    throw new RangeError(
      `Cannot remove layer "${name}": it has ${inbound.length} inputs and ${outputs} outputs, exactly 1 of each is needed`,
    );
  }
  const nodes = graph.nodes.filter((node) => node.name !== name);
  return redirect({ ...graph, nodes }, (value) => value === name ? inbound[0] : value);
}

/**
 * Keeps only the outputs called `names`, in that order, and the nodes and inputs that they need. What was noted of other
 * outputs is noted no more.
 *
 * @throws {RangeError} If one of them is no value of the graph.
 */
export function keepOutputs(graph: LayerGraph, names: readonly string[]): LayerGraph {
  const needed = new Set(names.map((name) => producerOf(graph, name).name));
  for (const node of graph.nodes.toReversed()) {
    if (needed.has(node.name)) node.inbound.forEach((value) => needed.add(sourceOf(value).node));
  }
  // A model has an input, though all that it gives be constant.
  if (!graph.inputs.some((name) => needed.has(name))) needed.add(graph.inputs[0]);
  const { metadata, ...rest } = graph;
  return {
    ...rest,
    ...(metadata === undefined || names.join() !== graph.outputs.join() ? {} : { metadata }),
    nodes: graph.nodes.filter((node) => needed.has(node.name)),
    inputs: graph.inputs.filter((name) => needed.has(name)),
    outputs: names,
  };
}

/**
 * Gives inputs the shapes that they are to have, where they leave dimensions open or have others.
 *
 * @param shapes Shapes without the batch, by the inputs' names.
 * @throws {RangeError} If a name is no input's, or a shape is none or has another number of dimensions.
 */
export function fixInputShapes(graph: LayerGraph, shapes: Readonly<Record<string, readonly number[]>>): LayerGraph {
  for (const name of Object.keys(shapes)) {
    if (graph.inputs.includes(name)) continue;
    throw new RangeError(
      `Cannot fix the input shape of "${graph.name}": it has no input "${name}", ${suggestName(name, graph.inputs)}`,
    );
  }
  const nodes = graph.nodes.map((node) =>
    isInput(node) && Object.hasOwn(shapes, node.name) ? withShape(node, shapes[node.name]) : node
  );
  return { ...graph, nodes };
}

function withShape(node: LayerNode, shape: readonly number[]): LayerNode {
  const { layer } = node;
  const [batch, ...own] = layer.config.batchInputShape as tfl.Shape; // an InputLayer always has one
  if (own.length !== shape.length || !shape.every((dim) => Number.isInteger(dim) && dim > 0)) {
    throw new RangeError(
      `Cannot fix the shape of input "${node.name}": [${shape}] is given, ${own.length} whole numbers above 0 are needed`,
    );
  }
  return { ...node, layer: { ...layer, config: { ...layer.config, batchInputShape: [batch, ...shape] } } };
}

/**
 * Whether taking out `node` leaves a model that TF.js can run: no output twice, none that is an input, and no layer that
 * reads a value twice, which TF.js 4.22 frees after the first time.
 */
export function canRemove(graph: LayerGraph, node: LayerNode): boolean {
  if (node.inbound.length !== 1) return false;
  const [source] = node.inbound;
  if (consumersOf(graph, node.name).some((reader) => reader.inbound.includes(source))) return false;
  if (!isOutput(graph, node.name)) return true;
  return !isOutput(graph, source) && !graph.inputs.includes(source);
}

/**
 * Lets nodes that read a value twice read a copy of it the second time, where something else reads it too.
 *
 * TF.js 4.22 counts the nodes that read a value and counts down with every reading: it frees what is still to be read.
 */
export function copyRepeatedReads(graph: LayerGraph): LayerGraph {
  return graph.nodes.reduce((current, node) => {
    const copies: LayerNode[] = [];
    const inbound = node.inbound.map((value, i) => {
      const isRepeated = node.inbound.indexOf(value) < i;
      // A node of several outputs runs once for each.
      if (!isRepeated || (consumersOf(graph, value).length === 1 && node.outputs === 1)) return value;
      const name = freshName(current, `${node.name}_copy`, new Set(copies.map(({ name }) => name)));
      copies.push(ownCall({ name, className: "Activation", config: { activation: "linear" }, inbound: [value] }));
      return name;
    });
    return copies.length === 0 ? current : replaceNode(current, node.name, [...copies, { ...node, inbound }]);
  }, graph);
}

/** Lets all but the nodes in `except` read `move(value)` where they read `value`. */
function redirect(
  graph: LayerGraph,
  move: (value: string) => string,
  except: ReadonlySet<LayerNode> = new Set(),
): LayerGraph {
  const moved = (node: LayerNode): LayerNode => {
    const inbound = node.inbound.map(move);
    return except.has(node) || inbound.join() === node.inbound.join() ? node : { ...node, inbound };
  };
  return { ...graph, nodes: graph.nodes.map(moved), outputs: graph.outputs.map(move) };
}
