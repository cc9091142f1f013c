/** What patterns of nodes are told by. */
import type { Node, Tensor } from "../../../../src/onnx/graph.ts";
import { realsOf } from "../_call.ts";

/** What is known of nodes. */
export interface Known {
  /** The nodes that give values, by the values' names. */
  readonly producers: ReadonlyMap<string, Node>;
  readonly statics: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Finds the operator of which a node is the end. */
export type Pattern = (node: Node, known: Known) => Pick<Node, "op" | "inputs" | "attrs"> | undefined;

/** The node that gives a value, if it is this operator. */
export function made(name: string, op: string, { producers }: Known): Node | undefined {
  const node = producers.get(name);
  return node?.op === op && node.domain === undefined ? node : undefined;
}

/** The one number that a constant holds. */
export function numberOf(name: string, known: Known): number | undefined {
  return known.statics.get(name)?.data.length === 1 ? uniformOf(name, known) : undefined;
}

/** The number that all elements of a constant are. */
export function uniformOf(name: string, { statics }: Known): number | undefined {
  const tensor = statics.get(name);
  if (tensor === undefined) return undefined;
  const [first, ...others] = realsOf(tensor);
  return others.every((value) => value === first) ? first : undefined;
}

/** Whether a number is the one that is wanted, as float32 has it. */
export const isNear = (value: number | undefined, wanted: number) =>
  value !== undefined && Math.abs(value - wanted) < 1e-4 * wanted;

/** The other input of a node of two, where one holds what is looked for. */
export function besides<T>(
  { inputs: [a, b] }: Node,
  find: (name: string) => T | undefined,
): { readonly found: T; readonly other: string } | undefined {
  for (const [name, other] of [[a, b], [b, a]]) {
    const found = find(name);
    if (found !== undefined) return { found, other };
  }
  return undefined;
}
