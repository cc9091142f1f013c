/** Computes what depends on constants alone, weights' codes among it. */
import type { Graph, Node, Tensor } from "../../onnx/graph.ts";
import { holds, isFoldable } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Runs a graph without inputs and returns its outputs. The exporter passes ONNX Runtime, so the arithmetic is the same. */
export type Evaluate = (graph: Graph) => ReadonlyMap<string, Tensor>;

/** Replaces nodes whose inputs are all constants by their values. */
export function foldConstants(evaluate: Evaluate): Pass {
  return definePass({
    name: "foldConstants",
    ensures: [holds.foldedConstants],
    rewrite: (graph) => rewrite(graph, evaluate),
  });
}

function rewrite(graph: Graph, evaluate: Evaluate): Graph {
  const known = new Set(graph.initializers.keys());
  const folded: Node[] = [];
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    const isConstant = isFoldable(node, (name) => known.has(name));
    (isConstant ? folded : kept).push(node);
    if (isConstant) { for (const output of node.outputs) known.add(output); }
  }
  const read = new Set([...kept.flatMap((node) => node.inputs), ...graph.outputs]);
  const outputs = folded.flatMap((node) => node.outputs).filter((name) => read.has(name));
  if (outputs.length === 0) return graph;
  const values = evaluate({ ...graph, inputs: [], outputs, nodes: folded });
  const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name)));
  for (const name of outputs) initializers.set(name, values.get(name)!);
  return { ...graph, initializers, nodes: kept };
}
