/**
 * ReLUs with slopes below 0, as files write them in parts.
 *
 * Whatever is put together of x, |x|, max(x, 0), min(x, 0) and max(−x, 0) by sums and constant factors is
 *
 *     p · max(x, 0) + n · min(x, 0),
 *
 * and with p = 1 it is a PRelu of slopes n, or a LeakyRelu where they are one number.
 */
import type { Node, Tensor } from "../../../src/onnx/graph.ts";
import { realsOf } from "./_call.ts";

/** What is known of nodes. */
interface Known {
  readonly producers: ReadonlyMap<string, Node>;
  readonly statics: ReadonlyMap<string, Tensor>;
}

/** Numbers that a value is multiplied by: one, or as a constant of a shape has them. */
interface Factors {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Factors above and below 0. */
interface Slopes {
  readonly above: Factors;
  readonly below: Factors;
}

/** Sums and products nest no deeper. */
const DEEPEST = 6;

/** Puts single operators in the place of the sums that are one, with the constants that these read. */
export function recognizeSlopes<
  T extends { readonly nodes: readonly Node[]; readonly statics: ReadonlyMap<string, Tensor> },
>(
  flow: T,
): T {
  const producers = new Map(flow.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const known = { producers, statics: flow.statics };
  const statics = new Map(flow.statics);
  const nodes = flow.nodes.map((node): Node => {
    const found = slopedOf(node, known);
    if (found === undefined) return node;
    const { x, below } = found;
    if (below.data.length === 1) return { ...node, op: "LeakyRelu", inputs: [x], attrs: { alpha: below.data[0] } };
    const name = `${node.outputs[0]}/slopes`;
    statics.set(name, { dtype: "float32", shape: below.shape, data: Float32Array.from(below.data) });
    return { ...node, op: "PRelu", inputs: [x, name], attrs: {} };
  });
  return { ...flow, nodes, statics };
}

/** What a node computes, if that is x above 0 and has other slopes below. */
function slopedOf(node: Node, known: Known): { readonly x: string; readonly below: Factors } | undefined {
  if (!["Add", "Sub", "Max"].includes(node.op) || node.domain !== undefined || node.inputs.length !== 2) {
    return undefined;
  }
  const x = node.op === "Max" ? largerOf(node, known) : node.inputs.map((name) => bentOf(name, known)).find(Boolean);
  const slopes = x === undefined ? undefined : slopesOf(node.outputs[0], { x, known });
  if (x === undefined || slopes === undefined || slopes.above.data.some((factor) => factor !== 1)) return undefined;
  const isPlain = [0, 1].some((plain) => slopes.below.data.every((factor) => factor === plain));
  return isPlain ? undefined : { x, below: slopes.below };
}

/** The x of max(x, a · x). */
function largerOf({ inputs }: Node, { producers }: Known): string | undefined {
  return inputs.find((x) =>
    inputs.some((other) => producers.get(other)?.op === "Mul" && producers.get(other)?.inputs.includes(x))
  );
}

/** The x of the first absolute value, maximum or minimum that a value is made of. */
function bentOf(name: string, known: Known, depth = 0): string | undefined {
  const node = known.producers.get(name);
  if (node === undefined || depth > DEEPEST) return undefined;
  const bent = bendOf(node, known);
  if (bent !== undefined) return negatedOf(bent.of, known) ?? bent.of;
  if (!["Add", "Sub", "Mul", "Neg", "Div"].includes(node.op)) return undefined;
  return node.inputs.map((input) => bentOf(input, known, depth + 1)).find((found) => found !== undefined);
}

/** Of what a node is the absolute value, the part above 0 or that below. */
function bendOf(
  node: Node,
  { statics }: Known,
): { readonly of: string; readonly above: number; readonly below: number } | undefined {
  const { op, inputs: [a, b, c] } = node;
  const isZero = (name = "") => numbersOf(statics.get(name))?.every((value) => value === 0) === true;
  if (op === "Abs") return { of: a, above: 1, below: -1 };
  if (op === "Relu" || (op === "Clip" && isZero(b) && (c ?? "") === "")) return { of: a, above: 1, below: 0 };
  if (op !== "Max" && op !== "Min") return undefined;
  const of = isZero(b) ? a : isZero(a) ? b : undefined;
  if (of === undefined || node.inputs.length !== 2) return undefined;
  return op === "Max" ? { of, above: 1, below: 0 } : { of, above: 0, below: 1 };
}

/** The x of −x. */
function negatedOf(name: string, { producers, statics }: Known): string | undefined {
  const node = producers.get(name);
  if (node?.op === "Neg") return node.inputs[0];
  const factor = node?.op === "Mul" ? node.inputs.find((input) => isNumber(statics.get(input), -1)) : undefined;
  return factor === undefined ? undefined : node?.inputs.find((input) => input !== factor);
}

interface Asking {
  readonly x: string;
  readonly known: Known;
}

/** The factors of x that a value is. */
function slopesOf(name: string, { x, known }: Asking, depth = 0): Slopes | undefined {
  if (name === x) return { above: ONE, below: ONE };
  const node = known.producers.get(name);
  if (node === undefined || depth > DEEPEST) return undefined;
  const of = (input: string) => slopesOf(input, { x, known }, depth + 1);
  const bent = bendOf(node, known);
  if (bent?.of === x) return { above: numbers(bent.above), below: numbers(bent.below) };
  // What is above 0 of −x is below 0 of x.
  if (bent !== undefined && negatedOf(bent.of, known) === x) {
    return { above: numbers(-bent.below), below: numbers(-bent.above) };
  }
  const [a, b] = node.inputs;
  if (node.op === "Neg") return scaled(of(a), numbers(-1));
  if (node.op === "Add") return summed(of(a), of(b));
  if (node.op === "Sub") return summed(of(a), scaled(of(b), numbers(-1)));
  if (node.op === "Max") return larger(of(a), of(b));
  if (node.op === "Mul") {
    const [constant, other] = known.statics.has(a) ? [a, b] : [b, a];
    return scaled(of(other), factorsOf(known.statics.get(constant)));
  }
  const divisor = node.op === "Div" ? factorsOf(known.statics.get(b)) : undefined;
  return divisor && scaled(of(a), { ...divisor, data: divisor.data.map((value) => 1 / value) });
}

const numbers = (value: number): Factors => ({ shape: [], data: [value] });
const ONE = numbers(1);

function numbersOf(tensor: Tensor | undefined): Float32Array | undefined {
  return tensor === undefined ? undefined : realsOf(tensor);
}

function isNumber(tensor: Tensor | undefined, value: number): boolean {
  const found = numbersOf(tensor);
  return found?.length === 1 && found[0] === value;
}

function factorsOf(tensor: Tensor | undefined): Factors | undefined {
  const data = numbersOf(tensor);
  if (tensor === undefined || data === undefined) return undefined;
  return data.length === 1 ? numbers(data[0]) : { shape: tensor.shape, data: Array.from(data) };
}

/** Joins factors number by number; undefined where their shapes are two. */
function joined(a: Factors, b: Factors, by: (a: number, b: number) => number): Factors | undefined {
  if (a.data.length === 1) return { shape: b.shape, data: b.data.map((value) => by(a.data[0], value)) };
  if (b.data.length === 1) return { shape: a.shape, data: a.data.map((value) => by(value, b.data[0])) };
  return a.shape.join() === b.shape.join() ? { ...a, data: a.data.map((value, i) => by(value, b.data[i])) } : undefined;
}

function both(a: Slopes | undefined, b: Slopes | undefined, by: (a: number, b: number) => number): Slopes | undefined {
  const above = a && b && joined(a.above, b.above, by);
  const below = a && b && joined(a.below, b.below, by);
  return above && below && { above, below };
}

function summed(a: Slopes | undefined, b: Slopes | undefined): Slopes | undefined {
  return both(a, b, (p, q) => p + q);
}

function scaled(a: Slopes | undefined, factors: Factors | undefined): Slopes | undefined {
  return both(a, factors && { above: factors, below: factors }, (p, q) => p * q);
}

/** Above 0 the larger factor gives the larger number, below 0 the smaller. */
function larger(a: Slopes | undefined, b: Slopes | undefined): Slopes | undefined {
  const above = a && b && joined(a.above, b.above, Math.max);
  const below = a && b && joined(a.below, b.below, Math.min);
  return above && below && { above, below };
}
