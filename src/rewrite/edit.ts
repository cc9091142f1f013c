/** Edits of a `LayerGraph`. Each returns a new graph. */
import { consumersOf, isOutput, type LayerGraph, type LayerNode, nodeOf } from "./layer_graph.ts";

/** Returns `wanted`, or `wanted_1`, `wanted_2`… if a layer of `graph` is already called so. */
export function freshName(graph: LayerGraph, wanted: string): string {
  const taken = new Set(graph.nodes.map((node) => node.name));
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  return name;
}

/**
 * Puts `replacement`, a chain in topological order, in the place of the layer called `name`.
 *
 * Whoever read the old layer, the model's outputs included, reads the last layer of the chain.
 *
 * @throws {RangeError} If there is no such layer or the chain is empty.
 */
export function replaceNode(graph: LayerGraph, name: string, replacement: readonly LayerNode[]): LayerGraph {
  const last = replacement.at(-1);
  if (last === undefined) {
    throw new RangeError(`Cannot replace layer "${name}" by nothing: at least one layer is needed`);
  }
  nodeOf(graph, name);
  const inside = new Set(replacement);
  const nodes = graph.nodes.flatMap((node) => node.name === name ? replacement : [node]);
  return redirect({ ...graph, nodes }, { from: name, to: last.name, except: inside });
}

/**
 * Takes out the layer called `name`, which has one input: its readers read that input.
 *
 * @throws {RangeError} If there is no such layer or it has not exactly one input.
 */
export function removeNode(graph: LayerGraph, name: string): LayerGraph {
  const { inbound } = nodeOf(graph, name);
  if (inbound.length !== 1) {
    throw new RangeError(`Cannot remove layer "${name}": it has ${inbound.length} inputs, exactly 1 is needed`);
  }
  const nodes = graph.nodes.filter((node) => node.name !== name);
  return redirect({ ...graph, nodes }, { from: name, to: inbound[0], except: new Set() });
}

/**
 * Keeps only the outputs called `names`, in that order, and the layers and inputs that they need.
 *
 * @throws {RangeError} If one of them is not a layer.
 */
export function keepOutputs(graph: LayerGraph, names: readonly string[]): LayerGraph {
  const needed = new Set(names.map((name) => nodeOf(graph, name).name));
  for (const node of graph.nodes.toReversed()) {
    if (needed.has(node.name)) node.inbound.forEach((name) => needed.add(name));
  }
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => needed.has(node.name)),
    inputs: graph.inputs.filter((name) => needed.has(name)),
    outputs: names,
  };
}

/**
 * Whether taking out `node` leaves a model that TF.js can run: no output twice, none that is an input, and no layer that
 * reads a value twice, which TF.js 4.22 frees after the first time.
 */
export function canRemove(graph: LayerGraph, node: LayerNode): boolean {
  if (node.inbound.length !== 1) return false;
  const [producer] = node.inbound;
  if (consumersOf(graph, node.name).some((reader) => reader.inbound.includes(producer))) return false;
  if (!isOutput(graph, node.name)) return true;
  return !isOutput(graph, producer) && !graph.inputs.includes(producer);
}

function redirect(
  graph: LayerGraph,
  { from, to, except }: { from: string; to: string; except: ReadonlySet<LayerNode> },
): LayerGraph {
  const move = (name: string) => name === from ? to : name;
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      except.has(node) || !node.inbound.includes(from) ? node : { ...node, inbound: node.inbound.map(move) }
    ),
    outputs: graph.outputs.map(move),
  };
}
