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

/** Replaces Reshape → Transpose → BatchNormalization → Transpose → Reshape by a normalization of what is reshaped. */
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

/** A normalization between two reshapes. */
interface Frame {
  readonly norm: Node;
  /** The value that is reshaped before. */
  readonly x: string;
  /** The Reshape behind. */
  readonly last: Node;
}

function frameOf(norm: Node, index: Index, out: GraphWriter): Frame | undefined {
  if (norm.op !== "BatchNormalization") return undefined;
  const before = index.producer(norm.inputs[0]);
  const reshape = before?.op === "Transpose" ? index.producer(before.inputs[0]) : undefined;
  const after = index.soleUse(norm.outputs[0]);
  const last = after?.op === "Transpose" ? index.soleUse(after.outputs[0]) : undefined;
  if (reshape?.op !== "Reshape" || last?.op !== "Reshape" || last.inputs[0] !== after?.outputs[0]) return undefined;
  if (!isPerm(before, toChannelsFirst) || !isPerm(after, toChannelsLast)) return undefined;
  const [channels] = out.typeOf(norm.inputs[1]).shape;
  const [x] = reshape.inputs;
  const keeps = [x, last.outputs[0]].every((name) => out.typeOf(name).shape.at(-1) === channels);
  return keeps && out.typeOf(x).shape.length >= 2 ? { norm, x, last } : undefined;
}

function isPerm(node: Node | undefined, wanted: (rank: number) => number[]): boolean {
  const perm = node?.attrs.perm as readonly number[] | undefined;
  return perm !== undefined && perm.join() === wanted(perm.length).join();
}

function emit({ norm, x, last }: Frame, out: GraphWriter): void {
  const like = norm;
  const { length: rank } = out.typeOf(x).shape;
  const first = rank === 2 ? x : out.emit("Transpose", [x], { attrs: { perm: toChannelsFirst(rank) }, like });
  const normalized = out.emit(norm.op, [first, ...norm.inputs.slice(1)], { attrs: norm.attrs, like });
  const y = rank === 2
    ? normalized
    : out.emit("Transpose", [normalized], { attrs: { perm: toChannelsLast(rank) }, like });
  out.push({ ...last, inputs: [y, last.inputs[1]] });
}
