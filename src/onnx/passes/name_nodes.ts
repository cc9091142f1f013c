/** Gives nodes and values the names that a person knows: the layers' own. */
import type { Graph, Node, Tensor, ValueType } from "../graph.ts";

/** Operators that stand around a layer's work and do not do it. */
const HELPERS = new Set(["QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape", "Identity"]);

/**
 * Renames nodes after their layers, values after their nodes, and the graph's inputs and outputs as asked.
 *
 * The node that does a layer's work gets the layer's name, the others "layer/Operator".
 *
 * @param ports New names of graph inputs and outputs; the others keep theirs.
 */
export function nameNodes(graph: Graph, ports: ReadonlyMap<string, string> = new Map()): Graph {
  const used = new Set<string>([...graph.initializers.keys(), ...ports.values()]);
  const unique = (base: string) => {
    let name = base;
    for (let i = 1; used.has(name); i++) name = `${base}_${i}`;
    used.add(name);
    return name;
  };
  const nodeNames = namesByLayer(graph.nodes, unique);
  const values = new Map<string, string>();
  for (const name of [...graph.inputs, ...graph.outputs]) values.set(name, ports.get(name) ?? name);
  for (const node of graph.nodes) {
    node.outputs.forEach((output, i) => {
      if (output !== "" && !values.has(output)) values.set(output, `${nodeNames.get(node)}:${i}`);
    });
  }
  const rename = (name: string) => values.get(name) ?? name;
  return {
    ...graph,
    inputs: graph.inputs.map(rename),
    outputs: graph.outputs.map(rename),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: nodeNames.get(node)!,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    types: typesOf(graph, rename),
    initializers: new Map<string, Tensor>(graph.initializers),
  };
}

function namesByLayer(nodes: readonly Node[], unique: (base: string) => string): Map<Node, string> {
  const principal = new Map<string, Node>();
  for (const node of nodes) {
    if (node.layer !== undefined && !HELPERS.has(node.op) && !principal.has(node.layer)) {
      principal.set(node.layer, node);
    }
  }
  const names = new Map<Node, string>();
  // Layers' own names go first, so that no helper takes one.
  for (const [layer, node] of principal) names.set(node, unique(layer));
  for (const node of nodes) {
    if (!names.has(node)) names.set(node, unique(node.layer === undefined ? node.op : `${node.layer}/${node.op}`));
  }
  return names;
}

/** Types of the values that are still there. */
function typesOf(graph: Graph, rename: (name: string) => string): Map<string, ValueType> {
  const alive = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)].filter((name) => name !== "");
  return new Map(alive.map((name) => [rename(name), graph.types.get(name)!]));
}
