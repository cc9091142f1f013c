/** Who makes and who reads each value of a graph. */
import type { Graph, Node, Tensor } from "./graph.ts";

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
  /** Whether the value is one of the graph's outputs. */
  readonly isOutput: (name: string) => boolean;
}

/** Indexes `graph`. */
export function indexOf(graph: Graph): Index {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) {
    for (const output of node.outputs) producers.set(output, node);
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, [node]);
      // A node that reads a value twice does so before the next node is seen.
      else if (known[known.length - 1] !== node) known.push(node);
    }
  }
  const uses = (name: string): readonly Node[] => readers.get(name) ?? [];
  return {
    producer: (name) => producers.get(name),
    uses,
    soleUse: (name) => {
      const all = uses(name);
      return all.length === 1 && !outputs.has(name) ? all[0] : undefined;
    },
    constant: (name) => name === undefined ? undefined : graph.initializers.get(name),
    isOutput: (name) => outputs.has(name),
  };
}

/** What a graph's outputs depend on. */
export interface Needed {
  /** In the graph's order. */
  readonly nodes: readonly Node[];
  /** Names of values, the outputs among them. */
  readonly values: ReadonlySet<string>;
}

/** Finds what the outputs depend on. */
export function neededBy({ nodes, outputs }: Pick<Graph, "nodes" | "outputs">): Needed {
  const values = new Set(outputs);
  const kept: Node[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some((output) => values.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) values.add(input);
  }
  return { nodes: kept.reverse(), values };
}

/** Leaves out nodes and initializers that no output depends on. */
export function removeDeadNodes(graph: Graph): Graph {
  const { nodes, values } = neededBy(graph);
  return { ...graph, nodes, initializers: new Map([...graph.initializers].filter(([name]) => values.has(name))) };
}
