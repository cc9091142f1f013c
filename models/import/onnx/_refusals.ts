/** Nodes that cannot be imported, in words, and where a model can be cut so that it needs none of them. */
import type { Graph, Node } from "../../../src/onnx/graph.ts";

/** A node that cannot be imported. */
export interface RefusedNode {
  readonly node: string;
  readonly op: string;
  /** The end of a sentence. */
  readonly because: string;
}

/** More outputs than this are no place to cut a model. */
const MOST_PROPOSED = 16;

/** Says which nodes cannot be imported, and which outputs can. */
export function refusalOf(refused: readonly RefusedNode[], proposed: readonly string[]): string {
  const listed = refused.map(({ node, op, because }) => `"${node}" (${op}): ${because}`).join("; ");
  const way = proposed.length === 0 ? "" : `; needed are outputs before them (--outputs ${proposed.join(",")})`;
  return `${refused.length} of its nodes cannot be imported: ${listed}${way}`;
}

interface Cutting {
  readonly nodes: readonly Node[];
  /** What nodes give that cannot be imported, or that read what cannot. */
  readonly unknown: ReadonlySet<string>;
  /** Whether something is computed by layers. */
  readonly isValue: (value: string) => boolean;
}

/** Lists the values where imported nodes end: what others read that are not imported, and outputs. */
export function proposedOutputs(graph: Graph, { nodes, unknown, isValue }: Cutting): readonly string[] {
  const isLost = (node: Node) => node.outputs.some((output) => unknown.has(output));
  const read = nodes.filter(isLost).flatMap(({ inputs }) => inputs);
  const ends = [...new Set([...graph.outputs, ...read])]
    .filter((value) => isValue(value) && !unknown.has(value) && !graph.inputs.includes(value));
  return ends.length > MOST_PROPOSED ? [] : ends;
}
