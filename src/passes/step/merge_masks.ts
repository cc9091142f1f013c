/**
 * Joins the masks that gradients of ReLU, clips and fake quantizers multiply by.
 *
 * Each is dy where a value v lies in a range, else 0. Behind one another they ask about the same value: a ReLU and the
 * quantizer behind it whether 0 < v ≤ high. One question takes four passes over memory; a ReLU6 with its quantizer took
 * twelve, and kept the values between alive until then.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { uniformOf } from "./_uniform.ts";
import { definePass, type Pass } from "../pass.ts";

/** A bound: a number, or the name of a scalar that is computed. */
type Bound = number | string;

/** `dy` where every one of `lows` ≤ `of` ≤ every one of `highs`, else 0. */
interface Mask {
  readonly dy: string;
  readonly of: string;
  readonly lows: readonly Bound[];
  readonly highs: readonly Bound[];
  /** Masks that it was joined from. */
  readonly count: number;
}

/** The least number above 0: v > 0 is v ≥ this. */
const LEAST_POSITIVE = 2 ** -149;

/** Joins masks of masks, and writes range tests in the form that takes the fewest passes. */
export const mergeMasks: Pass = definePass({ name: "mergeMasks", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const mask = joinedMask(node, index);
    // A ReLU's own gradient is two passes already.
    const isCheap = mask === undefined || (mask.count === 1 && node.op === "Mul");
    if (isCheap) out.push(withRelu(node, index));
    else placeMask(node, out, { ...mask, of: reluOf(mask, index) });
  }
  return removeDeadNodes(out.finish());
}

/**
 * Returns the ReLU of what `mask` asks about, if it asks for positive numbers: the answer is the same, and what is before
 * the ReLU need not be kept. A ReLU6 is computed in one, without the ReLU in it.
 */
function reluOf({ of, lows }: Range, index: Index): string {
  const relu = index.uses(of).find(({ op }) => op === "Relu")?.outputs[0];
  const isPositive = lows.some((low) => typeof low === "number" && low > 0);
  if (relu === undefined || !isPositive) return of;
  const isPart = ({ op, inputs }: Node) =>
    (op === "Clip" || op === "Min") && inputs.slice(1).some((bound) => index.constant(bound) !== undefined);
  return index.uses(relu).some(isPart) ? of : relu;
}

/** Makes a ReLU's derivative ask about the ReLU. */
function withRelu(node: Node, index: Index): Node {
  const range = node.op === "HardSigmoid" ? readStep(node.outputs[0], index) : undefined;
  return range === undefined ? node : { ...node, inputs: [reluOf(range, index)] };
}

function placeMask(node: Node, out: GraphWriter, { dy, of, lows, highs }: Mask): void {
  const low = combine(node, out, { bounds: lows, op: "Max" });
  const high = combine(node, out, { bounds: highs, op: "Min" });
  const like = { like: node };
  const clipped = out.emit("Clip", [of, low, high], like);
  const inside = out.emit("Cast", [out.emit("Equal", [clipped, of], like)], { attrs: { to: 1 }, ...like });
  out.emit("Mul", [dy, inside], { output: node.outputs[0], ...like });
}

function combine(
  node: Node,
  out: GraphWriter,
  { bounds, op }: { readonly bounds: readonly Bound[]; readonly op: "Max" | "Min" },
): string {
  const numbers = bounds.filter((bound) => typeof bound === "number");
  const names = bounds.filter((bound) => typeof bound === "string");
  const scalar = (value: number) => out.constant(`${node.outputs[0]}_bound`, "float32", [], Float32Array.of(value));
  const known = numbers.length === 0 ? [] : [scalar(op === "Max" ? Math.max(...numbers) : Math.min(...numbers))];
  const all = [...known, ...names];
  if (all.length === 0) return scalar(op === "Max" ? -Infinity : Infinity);
  return all.length === 1 ? all[0] : out.emit(op, all, { like: node });
}

/** Reads the mask that `node` applies, joined with those that its dy went through before. */
function joinedMask(node: Node, index: Index): Mask | undefined {
  const outer = readMask(node, index);
  if (outer === undefined) return undefined;
  const before = index.soleUse(outer.dy) === node ? index.producer(outer.dy) : undefined;
  const inner = before === undefined ? undefined : joinedMask(before, index);
  if (inner === undefined || !isSameWithin(inner.of, outer, index)) return outer;
  return {
    dy: inner.dy,
    of: outer.of,
    lows: [...inner.lows, ...outer.lows],
    highs: [...inner.highs, ...outer.highs],
    count: inner.count + outer.count,
  };
}

/** Whether value `name` equals the one that `mask` asks about, wherever that lies in the mask's range. */
function isSameWithin(name: string, mask: Mask, index: Index): boolean {
  if (name === mask.of) return true;
  const made = index.producer(name);
  if (made === undefined || made.inputs[0] !== mask.of) return false;
  if (made.op === "Relu") return mask.lows.some((low) => typeof low === "number" && low >= 0);
  if (made.op !== "Clip") return false;
  const [low, high] = made.inputs.slice(1).map((bound) => boundOf(bound, index));
  const isAbove = low === undefined || mask.lows.some((own) => own === low || isOrdered(low, own));
  return isAbove && (high === undefined || mask.highs.some((own) => own === high || isOrdered(own, high)));
}

function isOrdered(a: Bound, b: Bound): boolean {
  return typeof a === "number" && typeof b === "number" && a <= b;
}

function readMask(node: Node, index: Index): Mask | undefined {
  if (node.op === "Where") return readWhere(node, index);
  if (node.op !== "Mul") return undefined;
  for (const [factor, dy] of [node.inputs, node.inputs.toReversed()]) {
    const range = readStep(factor, index) ?? readInside(factor, index);
    if (range !== undefined) return { dy, ...range, count: 1 };
  }
  return undefined;
}

type Range = Pick<Mask, "of" | "lows" | "highs">;

/** Step(v), the derivative of ReLU. */
function readStep(factor: string, index: Index): Range | undefined {
  const node = index.producer(factor);
  const isStep = node?.op === "HardSigmoid" && (node.attrs.alpha as number) > 2 ** 127 && node.attrs.beta === 0;
  return isStep ? { of: node.inputs[0], lows: [LEAST_POSITIVE], highs: [] } : undefined;
}

/** Cast(Clip(v, low, high) == v). */
function readInside(factor: string, index: Index): Range | undefined {
  const cast = index.producer(factor);
  const equal = cast?.op === "Cast" && cast.attrs.to === 1 ? index.producer(cast.inputs[0]) : undefined;
  if (equal?.op !== "Equal") return undefined;
  const clip = index.producer(equal.inputs[0]);
  if (clip?.op !== "Clip" || clip.inputs[0] !== equal.inputs[1]) return undefined;
  const [low, high] = clip.inputs.slice(1).map((bound) => boundOf(bound, index));
  if (low === undefined || high === undefined) return undefined;
  return { of: clip.inputs[0], lows: [low], highs: [high] };
}

/** Where(low ≤ v and v ≤ high, dy, 0), TF.js's gradient of a clip. */
function readWhere(node: Node, index: Index): Mask | undefined {
  const [condition, dy, otherwise] = node.inputs;
  const and = index.producer(condition);
  if (and?.op !== "And" || uniformOf(otherwise, index) !== 0) return undefined;
  const [above, below] = and.inputs.map((name) => index.producer(name));
  if (above?.op !== "GreaterOrEqual" || below?.op !== "LessOrEqual" || above.inputs[0] !== below.inputs[0]) {
    return undefined;
  }
  const [low, high] = [above, below].map(({ inputs }) => boundOf(inputs[1], index));
  if (typeof low !== "number" || typeof high !== "number") return undefined;
  return { dy, of: above.inputs[0], lows: [low], highs: [high], count: 1 };
}

function boundOf(name: string | undefined, { constant }: Index): Bound | undefined {
  if (name === undefined || name === "") return undefined;
  const tensor = constant(name);
  if (tensor === undefined) return name;
  return tensor.data.length === 1 ? Number(tensor.data[0]) : undefined;
}
