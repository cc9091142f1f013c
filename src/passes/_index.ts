/** Who makes and who reads each value of a graph. */
import type { Graph, Node, Tensor } from "../onnx/graph.ts";

/** A graph's wiring, looked up by value. */
export interface Index {
  /** The node that makes a value; undefined for inputs and initializers. */
  readonly producer: (name: string) => Node | undefined;
  /** The nodes that read a value, each once. */
  readonly uses: (name: string) => readonly Node[];
  /** The one node that reads a value which is not a graph output; undefined otherwise. */
  readonly soleUse: (name: string) => Node | undefined;
  /** The value's elements, if it is an initializer. */
  readonly constant: (name: string | undefined) => Tensor | undefined;
}

/** Indexes `graph`. */
export function indexOf(graph: Graph): Index {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Set<Node>>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) producers.set(output, node);
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, new Set([node]));
      else known.add(node);
    }
  }
  const uses = (name: string) => [...readers.get(name) ?? []];
  return {
    producer: (name) => producers.get(name),
    uses,
    soleUse: (name) => {
      const all = uses(name);
      return all.length === 1 && !graph.outputs.includes(name) ? all[0] : undefined;
    },
    constant: (name) => name === undefined ? undefined : graph.initializers.get(name),
  };
}

/** Leaves out nodes that no output depends on. */
export function removeDeadNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)));
  return { ...graph, nodes: nodes.reverse(), initializers };
}
