/** Removes nodes that change no number: identities, repeated Q/DQ pairs, clips that quantization does anyway, mirrors. */
import { codeRangeOf, isCodeType } from "../../numbers/codes.ts";
import { type Graph, type Node, type Tensor, typeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { unclampedCode } from "../../numbers/quantize.ts";
import { holds } from "../conditions.ts";
import { type Decline, definePass, type Pass } from "../pass.ts";

/**
 * Removes Identity, a Q/DQ pair right behind an equal one, Clip before Q where the grid ends within its bounds, and what
 * turns elements or axes back to where they were.
 */
export const dropRedundant: Pass = definePass({ name: "dropRedundant", ensures: [holds.noIdentity], rewrite });

function rewrite(graph: Graph, decline: Decline): Graph {
  const index = indexOf(graph);
  const renamed = new Map<string, string>();
  const resolve = (name: string): string => renamed.has(name) ? resolve(renamed.get(name)!) : name;
  for (const node of graph.nodes) {
    const source = replacement(node, { graph, index });
    const beyond = source === undefined ? whyNotAbsorbed(node, index) : undefined;
    if (beyond !== undefined) decline(node, beyond);
    if (source !== undefined && !graph.outputs.includes(node.outputs[0])) renamed.set(node.outputs[0], source);
  }
  const nodes = graph.nodes
    .filter(({ outputs }) => !renamed.has(outputs[0]))
    .map((node) => ({ ...node, inputs: node.inputs.map(resolve) }));
  return removeDeadNodes({ ...graph, nodes });
}

/** Returns the value that `node`'s output equals for all that read it, or undefined. */
function replacement(
  node: Node,
  { graph, index }: { readonly graph: Graph; readonly index: Index },
): string | undefined {
  if (node.op === "Identity") return node.inputs[0];
  if (node.op === "Slice" || node.op === "Transpose") {
    const before = index.producer(node.inputs[0]);
    if (before?.op !== node.op) return undefined;
    const isUndone = node.op === "Slice" ? areMirrors(node, before, { graph, index }) : areInverse(node, before);
    return isUndone ? before.inputs[0] : undefined;
  }
  if (node.op === "QuantizeLinear") {
    const dq = index.producer(node.inputs[0]);
    return dq?.op === "DequantizeLinear" && isSameGrid(node, dq, index) ? dq.inputs[0] : undefined;
  }
  if (node.op !== "Clip") return undefined;
  const uses = index.uses(node.outputs[0]);
  return uses.length > 0 && uses.every((use) => saturatesWithin(use, node, index)) ? node.inputs[0] : undefined;
}

/** Whether two Transposes bring every axis back to its place. */
function areInverse(a: Node, b: Node): boolean {
  const [second, first] = [a, b].map(({ attrs }) => attrs.perm as readonly number[] | undefined);
  return first !== undefined && second !== undefined && second.every((axis, i) => first[axis] === i);
}

/** Whether two Slices turn the same axes round from end to end, which is how Reverse is written. */
function areMirrors(
  a: Node,
  b: Node,
  { graph, index: { constant } }: { readonly graph: Graph; readonly index: Index },
) {
  const numbers = ({ inputs }: Node) => inputs.slice(1).map((name) => Array.from(constant(name)?.data ?? [], Number));
  const [starts, , , steps = []] = numbers(a);
  const isMirror = steps.length > 0 && [...starts, ...steps].every((value) => value === -1);
  const isWhole = typeOf(graph, a.outputs[0]).shape.join() === typeOf(graph, b.inputs[0]).shape.join();
  return isMirror && isWhole && JSON.stringify(numbers(a)) === JSON.stringify(numbers(b));
}

/** Says how far the grid behind a ReLU or Clip reaches beyond what it lets through: ONNX Runtime absorbs it if it does not. */
function whyNotAbsorbed({ op, inputs, outputs }: Node, index: Index): string | undefined {
  const quantize = op === "Relu" || op === "Clip" ? index.soleUse(outputs[0]) : undefined;
  const reach = quantize?.op === "QuantizeLinear" ? reachOf(quantize, index) : undefined;
  if (reach === undefined) return undefined;
  const bound = (i: number, absent: number) => {
    const isAbsent = inputs[i] === undefined || inputs[i] === "";
    return isAbsent ? absent : Number(index.constant(inputs[i])?.data[0] ?? NaN);
  };
  const [low, high] = op === "Relu" ? [0, Infinity] : [bound(1, -Infinity), bound(2, Infinity)];
  if (Number.isNaN(low + high) || (reach.min >= low && reach.max <= high)) return undefined;
  const [min, max, from, to] = [reach.min, reach.max, low, high].map((x) => Number(x.toPrecision(4)));
  return `the grid behind it reaches from ${min} to ${max}, beyond ${from} to ${to}`;
}

/** Returns the real values that the codes of a QuantizeLinear by one scale stand for; undefined if they are not known. */
function reachOf({ inputs }: Node, { constant }: Index): { readonly min: number; readonly max: number } | undefined {
  const [scale, zeroPoint] = [constant(inputs[1]), constant(inputs[2])];
  if (scale?.data.length !== 1 || zeroPoint === undefined || !isCodeType(zeroPoint.dtype)) return undefined;
  const { qmin, qmax } = codeRangeOf(zeroPoint.dtype);
  const [min, max] = [qmin, qmax].map((code) => (code - Number(zeroPoint.data[0])) * Number(scale.data[0]));
  return { min, max };
}

function isSameGrid(a: Node, b: Node, { constant }: Index): boolean {
  return (a.attrs.axis ?? 1) === (b.attrs.axis ?? 1) && [1, 2].every((i) => {
    const [x, y] = [constant(a.inputs[i]), constant(b.inputs[i])];
    return x !== undefined && y !== undefined && x.dtype === y.dtype && x.data.join() === y.data.join();
  });
}

/** Whether `quantize` maps the bounds of `clip` to its lowest and highest code, so that clipping first changes none. */
function saturatesWithin(quantize: Node, clip: Node, { constant }: Index): boolean {
  const [low, high] = [constant(clip.inputs[1]), constant(clip.inputs[2])];
  const [scale, zeroPoint] = [constant(quantize.inputs[1]), constant(quantize.inputs[2])];
  if (quantize.op !== "QuantizeLinear" || scale?.data.length !== 1 || zeroPoint === undefined) return false;
  if (!isCodeType(zeroPoint.dtype)) return false;
  const { qmin, qmax } = codeRangeOf(zeroPoint.dtype);
  const params = { scale: Number(scale.data[0]), zeroPoint: Number(zeroPoint.data[0]) };
  const code = (bound: Tensor) => unclampedCode(Number(bound.data[0]), params);
  return (low === undefined || code(low) <= qmin) && (high === undefined || code(high) >= qmax);
}
