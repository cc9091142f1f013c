/**
 * Computes the fake quantization of weights as arithmetic.
 *
 * ONNX Runtime's QuantizeLinear along the last axis, where TF.js has the output channels of its kernels, takes 6 ns an
 * element and one thread; Div, Round, Clip and Mul take 0.5 and share half of that with the gradient. The numbers are the
 * same: clip(rne(x / s), qmin - z, qmax - z)·s.
 */
import { codeRangeOf, isCodeType } from "../../numbers/codes.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { uniformOf } from "./_uniform.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces QuantizeLinear → DequantizeLinear along an axis with one zero point for all, and clips by uniform bounds. */
export const simulateWeights: Pass = definePass({ name: "simulateWeights", rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (!placeArithmetic(node, { out, index }) && !placeClip(node, { out, index })) out.push(node);
  }
  return removeDeadNodes(out.finish());
}

interface Writing {
  readonly out: GraphWriter;
  readonly index: Index;
}

function placeArithmetic(node: Node, { out, index }: Writing): boolean {
  const quantize = node.op === "DequantizeLinear" ? index.producer(node.inputs[0]) : undefined;
  if (quantize?.op !== "QuantizeLinear" || !sameGrid(quantize, node)) return false;
  const [x, scale, zeroPoint] = quantize.inputs;
  const { dtype } = out.typeOf(quantize.outputs[0]);
  const size = out.typeOf(scale).shape;
  const zero = uniformOf(zeroPoint, index);
  if (!isCodeType(dtype) || size.length !== 1 || zero === undefined) return false;
  const like = { like: node };
  const after = out.typeOf(x).shape.length - 1 - ((quantize.attrs.axis as number | undefined) ?? 1);
  const spread = after === 0
    ? scale
    : out.emit("Reshape", [scale, out.ints(`${scale}_spread`, [size[0], ...new Array(after).fill(1)])], like);
  const { qmin, qmax } = codeRangeOf(dtype);
  const above = clippedBy("Max", x, { scale, index }) ?? { source: x, bound: qmin - zero };
  const below = clippedBy("Min", above.source, { scale, index }) ?? { source: above.source, bound: qmax - zero };
  const rounded = out.emit("Round", [out.emit("Div", [below.source, spread], like)], like);
  const codes = out.emit("Clip", [rounded, scalar(out, above.bound), scalar(out, below.bound)], like);
  out.emit("Mul", [codes, spread], { ...like, output: node.outputs[0] });
  return true;
}

function scalar(out: GraphWriter, value: number): string {
  return out.constant("bound", "float32", [], Float32Array.of(value));
}

function sameGrid(a: Node, b: Node): boolean {
  return a.inputs[1] === b.inputs[1] && a.inputs[2] === b.inputs[2] && a.attrs.axis === b.attrs.axis;
}

/** What `x` is before values beyond bound·scale are cut off by `op`: that is done to the codes as well. */
function clippedBy(
  op: "Max" | "Min",
  x: string,
  { scale, index }: { readonly scale: string; readonly index: Index },
): { readonly source: string; readonly bound: number } | undefined {
  const clip = index.producer(x);
  if (clip?.op !== op || clip.inputs.length !== 2) return undefined;
  const end = index.producer(clip.inputs[1]);
  const real = end?.op === "Reshape" ? index.producer(end.inputs[0]) : end;
  if (real?.op !== "Mul" || real.inputs[1] !== scale) return undefined;
  const bound = uniformOf(real.inputs[0], index);
  return bound === undefined ? undefined : { source: clip.inputs[0], bound };
}

/** Min(Max(x, low), high) of numbers, in one pass. */
function placeClip(node: Node, { out, index }: Writing): boolean {
  const max = node.op === "Min" && node.inputs.length === 2 ? index.producer(node.inputs[0]) : undefined;
  if (max?.op !== "Max" || max.inputs.length !== 2) return false;
  const [low, high] = [uniformOf(max.inputs[1], index), uniformOf(node.inputs[1], index)];
  const { dtype, shape } = out.typeOf(max.inputs[0]);
  const isSame = shape.join() === out.typeOf(node.outputs[0]).shape.join();
  if (low === undefined || high === undefined || dtype !== "float32" || !isSame || low > high) return false;
  out.emit("Clip", [max.inputs[0], scalar(out, low), scalar(out, high)], { like: node, output: node.outputs[0] });
  return true;
}
