/**
 * Lets convolutions subtract from their results what batch normalization would subtract from them.
 *
 * In training it computes its statistics around the mean of the batch's first sample (src/ops/batch_norm_training.ts).
 * Behind a convolution that is a bias, which costs nothing where a pass over all pixels would; the first sample is
 * convolved once more to know it.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces Conv → Sub of what is computed of the first sample by Conv with a bias. */
export const centerConvolutions: Pass = definePass({
  name: "centerConvolutions",
  requires: [holds.channelsFirst],
  rewrite,
});

/** A convolution, and the two that read it. */
interface Centered {
  readonly conv: Node;
  /** Takes the first sample. */
  readonly slice: Node;
  /** Subtracts one number a channel. */
  readonly sub: Node;
}

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  const found = graph.nodes.flatMap((node) => centeredAt(node, { index, out }) ?? []);
  const [bySlice, bySub] = (["slice", "sub"] as const).map((role) => new Map(found.map((each) => [each[role], each])));
  const gone = new Set(found.map(({ conv }) => conv));
  for (const node of graph.nodes) {
    const [ofSlice, ofSub] = [bySlice.get(node), bySub.get(node)];
    if (ofSlice !== undefined) convolveFirst(out, ofSlice);
    else if (ofSub !== undefined) convolveAround(out, ofSub);
    else if (!gone.has(node)) out.push(node);
  }
  return removeDeadNodes(out.finish());
}

function centeredAt(
  conv: Node,
  { index, out }: { readonly index: Index; readonly out: GraphWriter },
): Centered | undefined {
  const [x] = conv.outputs;
  if (conv.op !== "Conv" || conv.domain !== undefined || index.isOutput(x) || index.uses(x).length !== 2) {
    return undefined;
  }
  const [slice, sub] = ["Slice", "Sub"].map((op) => index.uses(x).find((node) => node.op === op));
  if (slice === undefined || sub === undefined || sub.inputs[0] !== x || sub.inputs[1] === x) return undefined;
  const bounds = slice.inputs.slice(1).map((name) => out.intsOf(name)?.join());
  const { shape } = out.typeOf(sub.inputs[1]);
  const isPerChannel = shape.length >= 3 && shape.every((dim, i) => dim === 1 || i === shape.length - 3) &&
    shape.at(-3) === out.typeOf(x).shape[1];
  return bounds.join(";") === "0;1;0" && isPerChannel ? { conv, slice, sub } : undefined;
}

function convolveFirst(out: GraphWriter, { conv, slice }: Centered): void {
  const [x, ...weights] = conv.inputs;
  const first = out.emit("Slice", [x, ...slice.inputs.slice(1)], { like: conv });
  out.emit("Conv", [first, ...weights], { attrs: conv.attrs, like: conv, output: slice.outputs[0] });
}

function convolveAround(out: GraphWriter, { conv, sub }: Centered): void {
  const [x, filter, bias] = conv.inputs;
  const [, channels] = out.typeOf(conv.outputs[0]).shape;
  const shift = out.emit("Reshape", [sub.inputs[1], out.ints(`${sub.name}_channels`, [channels])], { like: sub });
  const negative = out.emit("Neg", [shift], { like: sub });
  const shifted = bias === undefined || bias === "" ? negative : out.emit("Add", [bias, negative], { like: sub });
  out.emit("Conv", [x, filter, shifted], { attrs: conv.attrs, like: conv, output: sub.outputs[0] });
}
