/**
 * Normalizes values of any rank as they are: TF.js makes pictures of sequences and volumes before it normalizes them.
 *
 * Channels are the last axis of either form, so the Reshapes around BatchNormalization change nothing but keep it from
 * being folded into the convolution or matrix product before.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { toChannelsFirst, toChannelsLast } from "../layout.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/**
 * Replaces Reshape → Transpose → BatchNormalization → Transpose → Reshape by a normalization of what is reshaped. Without
 * the last Reshape that is done to the rows of a matrix product: a dense layer's, over the places of a picture.
 */
export const batchNormRank: Pass = definePass({ name: "batchNormRank", requires: [holds.mergedReshapes], rewrite });

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const framed = new Map<Node, Frame>();
  for (const node of graph.nodes) {
    const frame = frameOf(node, index, out);
    if (frame !== undefined) framed.set(frame.last, frame);
  }
  for (const node of graph.nodes) {
    const frame = framed.get(node);
    if (frame === undefined) out.push(node);
    else emit(frame, out);
  }
  return removeDeadNodes(out.finish());
}

/** A normalization behind a Reshape. */
interface Frame {
  readonly norm: Node;
  /** The value that is reshaped before. */
  readonly x: string;
  /** The shape in the end. */
  readonly target: string;
  /** The node behind that gives it: a Reshape, or the Transpose. */
  readonly last: Node;
}

function frameOf(norm: Node, index: Index, out: GraphWriter): Frame | undefined {
  if (norm.op !== "BatchNormalization") return undefined;
  const before = index.producer(norm.inputs[0]);
  const reshape = before?.op === "Transpose" ? index.producer(before.inputs[0]) : undefined;
  const after = index.soleUse(norm.outputs[0]);
  if (reshape?.op !== "Reshape" || after?.op !== "Transpose") return undefined;
  if (!isPerm(before, toChannelsFirst) || !isPerm(after, toChannelsLast)) return undefined;
  const [x] = reshape.inputs;
  const reader = index.soleUse(after.outputs[0]);
  const isReshaped = reader?.op === "Reshape" && reader.inputs[0] === after.outputs[0];
  if (!isReshaped && !(isProduct(x, index) && out.typeOf(x).shape.length === 2)) return undefined;
  const last = isReshaped ? reader : after;
  const [, target] = isReshaped ? reader.inputs : reshape.inputs;
  const [channels] = out.typeOf(norm.inputs[1]).shape;
  const keeps = [x, last.outputs[0]].every((name) => out.typeOf(name).shape.at(-1) === channels);
  return keeps && out.typeOf(x).shape.length >= 2 ? { norm, x, target, last } : undefined;
}

/** Whether `x` is a matrix product, or one with its bias. */
function isProduct(x: string, index: Index): boolean {
  const node = index.producer(x);
  if (node?.op === "Add") return node.inputs.some((name) => index.producer(name)?.op === "MatMul");
  return node?.op === "Gemm" || node?.op === "MatMul";
}

function isPerm(node: Node | undefined, wanted: (rank: number) => number[]): boolean {
  const perm = node?.attrs.perm as readonly number[] | undefined;
  return perm !== undefined && perm.join() === wanted(perm.length).join();
}

function emit({ norm, x, target, last }: Frame, out: GraphWriter): void {
  const like = norm;
  const { length: rank } = out.typeOf(x).shape;
  const first = rank === 2 ? x : out.emit("Transpose", [x], { attrs: { perm: toChannelsFirst(rank) }, like });
  const normalized = out.emit(norm.op, [first, ...norm.inputs.slice(1)], { attrs: norm.attrs, like });
  const y = rank === 2
    ? normalized
    : out.emit("Transpose", [normalized], { attrs: { perm: toChannelsLast(rank) }, like });
  out.push({
    op: "Reshape",
    name: last.name,
    layer: last.layer,
    inputs: [y, target],
    outputs: last.outputs,
    attrs: {},
  });
}
