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

/**
 * Says which outputs can be imported, and which nodes cannot: those of one operator and one reason together, for lists of
 * many are cut in the middle where they are shown.
 */
export function refusalOf(refused: readonly RefusedNode[], proposed: readonly string[]): string {
  const alike = new Map<string, string[]>();
  for (const { node, op, because } of refused) {
    const key = `(${op}): ${because}`;
    alike.set(key, [...alike.get(key) ?? [], `"${node}"`]);
  }
  const listed = [...alike].map(([key, nodes]) => `${nodes.join(", ")} ${key}`).join("; ");
  const way = proposed.length === 0 ? "" : `, needed are outputs before them (--outputs ${proposed.join(",")})`;
  return `${refused.length} of its nodes cannot be imported${way}: ${listed}`;
}

interface Cutting {
  readonly nodes: readonly Node[];
  /** What nodes give that cannot be imported, or that read what cannot. */
  readonly unknown: ReadonlySet<string>;
  /** Whether something is computed by layers. */
  readonly isValue: (value: string) => boolean;
  /** Whether users know a value by its name. */
  readonly isNamed: (value: string) => boolean;
}

/** Lists the values where imported nodes end: what others read that are not imported, and outputs. */
export function proposedOutputs(graph: Graph, { nodes, unknown, isValue, isNamed }: Cutting): readonly string[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isLost = (node: Node) => node.outputs.some((output) => unknown.has(output));
  const read = nodes.filter(isLost).flatMap(({ inputs }) => inputs);
  // What has no name of its own is within a node: what that reads has.
  const namedOnes = (value: string): readonly string[] =>
    !isValue(value) || unknown.has(value)
      ? []
      : isNamed(value)
      ? [value]
      : (producers.get(value)?.inputs ?? []).flatMap(namedOnes);
  const ends = [...new Set([...graph.outputs, ...read].flatMap(namedOnes))].filter((value) =>
    !graph.inputs.includes(value)
  );
  return ends.length > MOST_PROPOSED ? [] : ends;
}

/** Why operators have no row, where it is more than that nobody wrote one. */
const REASONS: readonly (readonly [operators: RegExp, because: string])[] = [
  [/^(If|Loop|Scan)$/, "its inputs decide what is computed"],
  [/^(NonZero|Unique|Compress|NonMaxSuppression)$/, "its inputs decide how much it gives"],
  [/Sequence|^Optional/, "it works on lists of tensors"],
  [/^(Random|Multinomial$|Bernoulli$)/, "it is random"],
];

/** Says why a node of the default domain cannot be imported whose operator has no row. */
export function whyUnknown(op: string): string {
  return REASONS.find(([operators]) => operators.test(op))?.[1] ?? "the operator is not known";
}
