/**
 * Operators that files write as several: layer normalization before opset 17, and GELU before opset 20.
 *
 * A node that is the end of such a group becomes one that computes it from the group's start; nodes that nobody reads then
 * are dropped.
 */
import type { Node, Tensor } from "../../../src/onnx/graph.ts";
import { realsOf } from "./_call.ts";

/** What is known of nodes. */
export interface Known {
  /** The nodes that give values, by the values' names. */
  readonly producers: ReadonlyMap<string, Node>;
  readonly statics: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Finds the operator of which a node is the end. */
type Pattern = (node: Node, known: Known) => Pick<Node, "op" | "inputs" | "attrs"> | undefined;

const PATTERNS: readonly Pattern[] = [scaledNorm, norm, gelu];

/** Puts single operators in the place of those that are written as several. */
export function recognize(
  nodes: readonly Node[],
  { statics, shapes, outputs }: Omit<Known, "producers"> & { readonly outputs: readonly string[] },
): readonly Node[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const known: Known = { producers, statics, shapes };
  const found = nodes.map((node) => {
    for (const pattern of PATTERNS) {
      const whole = pattern(node, known);
      if (whole !== undefined) return { ...node, ...whole };
    }
    return node;
  });
  const needed = new Set(outputs);
  return found.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    node.inputs.forEach((name) => needed.add(name));
    return true;
  }).toReversed();
}

/** The node that gives a value, if it is this operator. */
function made(name: string, op: string, { producers }: Known): Node | undefined {
  const node = producers.get(name);
  return node?.op === op && node.domain === undefined ? node : undefined;
}

/** The one number that a constant holds. */
function numberOf(name: string, { statics }: Known): number | undefined {
  const tensor = statics.get(name);
  if (tensor === undefined) return undefined;
  const values = realsOf(tensor);
  return values.length === 1 ? values[0] : undefined;
}

const isNear = (value: number | undefined, wanted: number) =>
  value !== undefined && Math.abs(value - wanted) < 1e-4 * wanted;

/** The other input of a node of two, where one holds what is looked for. */
function besides<T>(
  { inputs: [a, b] }: Node,
  find: (name: string) => T | undefined,
): { readonly found: T; readonly other: string } | undefined {
  for (const [name, other] of [[a, b], [b, a]]) {
    const found = find(name);
    if (found !== undefined) return { found, other };
  }
  return undefined;
}

/** (x − mean(x)) / √(mean((x − mean(x))²) + ε) over the last axes. */
function norm(node: Node, known: Known): ReturnType<Pattern> {
  if (node.op !== "Div") return undefined;
  const centred = centredOf(node.inputs[0], known);
  const root = made(node.inputs[1], "Sqrt", known);
  const shifted = root && made(root.inputs[0], "Add", known);
  const sum = shifted && besides(shifted, (name) => numberOf(name, known));
  if (centred === undefined || sum === undefined) return undefined;
  const variance = meanOf(sum.other, known);
  const square = variance && squareOf(variance.x, known);
  const again = square === undefined ? undefined : centredOf(square, known);
  if (again?.x !== centred.x || variance?.axis !== centred.axis || again.axis !== centred.axis) return undefined;
  return { op: "LayerNormalization", inputs: [centred.x], attrs: { axis: centred.axis, epsilon: sum.found } };
}

/** A normalization times a constant, and plus another. */
function scaledNorm(node: Node, known: Known): ReturnType<Pattern> {
  const isSum = node.op === "Add";
  if (!isSum && node.op !== "Mul") return undefined;
  const inner = besides(node, (name) => {
    const producer = known.producers.get(name);
    return producer && (isSum ? scaledNorm(producer, known) : norm(producer, known));
  });
  if (inner === undefined) return undefined;
  const { found, other } = inner;
  // A bias without a factor is none of a normalization's, nor is a second factor or bias.
  if (found.inputs.length !== (isSum ? 2 : 1)) return undefined;
  const sides = known.shapes.get(found.inputs[0])?.slice(Number(found.attrs.axis));
  if (known.statics.get(other)?.shape.join() !== sides?.join()) return undefined;
  return { ...found, inputs: [...found.inputs, other] };
}

/** x − mean(x) over the last axes. */
function centredOf(name: string, known: Known): { readonly x: string; readonly axis: number } | undefined {
  const node = made(name, "Sub", known);
  const mean = node && meanOf(node.inputs[1], known);
  return node !== undefined && mean?.x === node.inputs[0] ? mean : undefined;
}

/** A mean over the last axes, from `axis` on, counted from the end. */
function meanOf(name: string, known: Known): { readonly x: string; readonly axis: number } | undefined {
  const node = made(name, "ReduceMean", known);
  if (node === undefined || (node.attrs.keepdims ?? 1) !== 1) return undefined;
  const [x, list = ""] = node.inputs;
  const rank = known.shapes.get(x)?.length ?? 0;
  const given = known.statics.get(list);
  if (given === undefined) return undefined;
  const axes = Array.from(realsOf(given), (axis) => axis < 0 ? axis : axis - rank).toSorted((a, b) => a - b);
  const areLast = axes.every((axis, i) => axis === i - axes.length);
  return areLast && axes.length < rank ? { x, axis: axes[0] } : undefined;
}

/** What a value is the square of. */
function squareOf(name: string, known: Known): string | undefined {
  const power = made(name, "Pow", known);
  if (power !== undefined && numberOf(power.inputs[1], known) === 2) return power.inputs[0];
  const product = made(name, "Mul", known);
  return product !== undefined && product.inputs[0] === product.inputs[1] ? product.inputs[0] : undefined;
}

/** x · (1 + erf(x / √2)) · 1/2, multiplied in any order. */
function gelu(node: Node, known: Known): ReturnType<Pattern> {
  if (node.op !== "Mul") return undefined;
  const { factors, constant } = factorsOf(node, known);
  if (factors.length !== 2 || !isNear(constant, 0.5)) return undefined;
  const pair = besides({ ...node, inputs: factors }, (name) => erfOf(name, known));
  return pair !== undefined && pair.found === pair.other ? { op: "Gelu", inputs: [pair.other], attrs: {} } : undefined;
}

/** Takes a product of products apart: what is computed, and the product of the numbers. */
function factorsOf(node: Node, known: Known): { readonly factors: readonly string[]; readonly constant: number } {
  const parts = node.inputs.map((name) => {
    const number = numberOf(name, known);
    if (number !== undefined) return { factors: [], constant: number };
    const inner = made(name, "Mul", known);
    return inner === undefined ? { factors: [name], constant: 1 } : factorsOf(inner, known);
  });
  return {
    factors: parts.flatMap(({ factors }) => factors),
    constant: parts.reduce((product, { constant }) => product * constant, 1),
  };
}

/** The x of 1 + erf(x / √2). */
function erfOf(name: string, known: Known): string | undefined {
  const sum = made(name, "Add", known);
  const one = sum && besides(sum, (input) => numberOf(input, known));
  const erf = one?.found === 1 ? made(one.other, "Erf", known) : undefined;
  const inside = erf && known.producers.get(erf.inputs[0]);
  if (inside?.op === "Div") return isNear(numberOf(inside.inputs[1], known), Math.SQRT2) ? inside.inputs[0] : undefined;
  const product = inside?.op === "Mul" ? besides(inside, (input) => numberOf(input, known)) : undefined;
  return isNear(product?.found, Math.SQRT1_2) ? product?.other : undefined;
}
