/** Who makes a value, and who reads it. */
import type { Graph, Node, Tensor } from "../src/onnx/graph.ts";

/** Looks things up in a graph. */
export interface NodeIndex {
  /** The node of that name. */
  node(name: string): Node | undefined;
  /** The node that computes the value. */
  producer(value: string): Node | undefined;
  /** The nodes that read the value. */
  readers(value: string): readonly Node[];
  /** The value, if it is a constant. */
  constant(value: string | undefined): Tensor | undefined;
  /** Whether the value is one of the graph's outputs. */
  isOutput(value: string): boolean;
}

/** Indexes `graph`. */
export function indexNodes(graph: Graph): NodeIndex {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) readers.set(input, [...readers.get(input) ?? [], node]);
  }
  return {
    node: (name) => nodes.get(name),
    producer: (value) => producers.get(value),
    readers: (value) => readers.get(value) ?? [],
    constant: (value) => value === undefined ? undefined : graph.initializers.get(value),
    isOutput: (value) => graph.outputs.includes(value),
  };
}
