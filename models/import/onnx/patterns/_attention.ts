/** The shares of attention: softmax(scale · q · kᵀ + mask), as files write them. */
import type { Node } from "../../../../src/onnx/graph.ts";
import { besides, type Known, made, numberOf, type Pattern, uniformOf } from "./_pattern.ts";

/** Scores from here down count for nothing: e to them is 0 beside e to any other. */
export const FAR_BELOW = -1000;

/** The largest float32. */
const FLOAT32 = 3.4028234663852886e38;

/**
 * A softmax of a product of matrices of heads, scaled and masked in any of the usual ways.
 *
 * Becomes "AttentionShares" of q, kᵀ and a mask, if there is one: `mask` says whether it is 1 where a key is left out
 * ("blocked"), 1 where it counts ("counted"), or is added to scores ("added").
 */
export function shares(node: Node, known: Known): ReturnType<Pattern> {
  const [input] = node.inputs;
  if (node.op !== "Softmax" || ![-1, 3].includes(Number(node.attrs.axis ?? -1))) return undefined;
  if (known.shapes.get(input)?.length !== 4) return undefined;
  const masked = maskedOf(input, known);
  const scores = scaledOf(masked.scores, known);
  const product = made(scores.of, "MatMul", known);
  if (product === undefined) return undefined;
  const [a, b] = product.inputs.map((name) => scaledOf(name, known));
  const scale = scores.factor * a.factor * b.factor;
  if (!(scale > 0)) return undefined;
  if (masked.mask === undefined) return { op: "AttentionShares", inputs: [a.of, b.of], attrs: { scale } };
  const { name, kind, farBelow } = masked.mask;
  const attrs = { scale, mask: kind, ...(farBelow === undefined ? {} : { far_below: farBelow }) };
  return { op: "AttentionShares", inputs: [a.of, b.of, name], attrs };
}

/** A value times a number, or divided by one; by 1 where it is neither. */
function scaledOf(name: string, known: Known): { readonly of: string; readonly factor: number } {
  const product = made(name, "Mul", known);
  const by = product && besides(product, (input) => numberOf(input, known));
  if (by !== undefined) return again(by.other, by.found, known);
  const quotient = made(name, "Div", known);
  const divisor = quotient && numberOf(quotient.inputs[1], known);
  return quotient === undefined || divisor === undefined
    ? { of: name, factor: 1 }
    : again(quotient.inputs[0], 1 / divisor, known);
}

function again(name: string, factor: number, known: Known): ReturnType<typeof scaledOf> {
  const inner = scaledOf(name, known);
  return { of: inner.of, factor: inner.factor * factor };
}

/** Scores, and what tells which of them count. */
interface Masked {
  readonly scores: string;
  readonly mask?: Mask;
}

interface Mask {
  readonly name: string;
  readonly kind: "blocked" | "counted" | "added";
  /** What is added where a key is left out, if that is known. */
  readonly farBelow?: number;
}

function maskedOf(name: string, known: Known): Masked {
  const choice = made(name, "Where", known);
  if (choice !== undefined) {
    const [mask, yes, no] = choice.inputs;
    if (isFarBelow(yes, known)) return { scores: no, mask: { name: mask, kind: "blocked" } };
    if (isFarBelow(no, known)) return { scores: yes, mask: { name: mask, kind: "counted" } };
  }
  const sum = made(name, "Add", known);
  const scores = sum && besides(sum, (input) => made(scaledOf(input, known).of, "MatMul", known) && input);
  return scores === undefined ? { scores: name } : { scores: scores.found, mask: penaltyOf(scores.other, known) };
}

function isFarBelow(name: string, known: Known): boolean {
  return (uniformOf(name, known) ?? 0) <= FAR_BELOW;
}

/** What is added to scores: 1 where a key is left out, times a number far below 0, or anything else. */
function penaltyOf(name: string, known: Known): Mask {
  const product = made(name, "Mul", known);
  const blocked = product && besides(product, (input) => isFarBelow(input, known) ? numberOf(input, known) : undefined);
  if (blocked !== undefined) {
    return { name: blocked.other, kind: "blocked", farBelow: Math.max(blocked.found, -FLOAT32) };
  }
  // A factor of 1 is what PyTorch's products that add something have.
  const { of, factor } = scaledOf(name, known);
  const choice = made(of, "Where", known);
  const [mask = "", ...chosen] = choice?.inputs ?? [];
  const [yes = NaN, no = NaN] = chosen.map((input) => factor * (uniformOf(input, known) ?? NaN));
  if (yes <= FAR_BELOW && no === 0) return { name: mask, kind: "blocked" };
  if (no <= FAR_BELOW && yes === 0) return { name: mask, kind: "counted" };
  return { name, kind: "added" };
}
