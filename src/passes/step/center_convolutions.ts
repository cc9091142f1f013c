/**
 * Lets convolutions subtract from their results what batch normalization would subtract from them.
 *
 * In training it computes its statistics around the mean of the first picture's first rows
 * (src/ops/batch_norm_training.ts). Behind a convolution that is a bias, which costs nothing where a pass over all pixels
 * would; these rows are convolved once more to know it.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** Replaces Conv → Sub of what is computed of its first rows by Conv with a bias. */
export const centerConvolutions: Pass = definePass({
  name: "centerConvolutions",
  requires: [holds.channelsFirst],
  rewrite,
});

/** A convolution, and the two that read it. */
interface Centered {
  readonly conv: Node;
  /** Takes the first picture's first rows. */
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
  if (
    conv.op !== "Conv" || conv.attrs.auto_pad !== undefined || conv.domain !== undefined || index.isOutput(x) ||
    index.uses(x).length !== 2
  ) {
    return undefined;
  }
  const [slice, sub] = ["Slice", "Sub"].map((op) => index.uses(x).find((node) => node.op === op));
  if (slice === undefined || sub === undefined || sub.inputs[0] !== x || sub.inputs[1] === x) return undefined;
  const [starts, ends, axes] = slice.inputs.slice(1).map((name) => out.intsOf(name)?.join());
  const isFirst = starts === "0,0" && ends?.startsWith("1,") && axes === "0,2" && slice.inputs.length === 4;
  const { shape } = out.typeOf(sub.inputs[1]);
  const isPerChannel = shape.length >= 3 && shape.every((dim, i) => dim === 1 || i === shape.length - 3) &&
    shape.at(-3) === out.typeOf(x).shape[1];
  return isFirst && isPerChannel ? { conv, slice, sub } : undefined;
}

/** Convolves what the first rows of the result are computed of. */
function convolveFirst(out: GraphWriter, { conv, slice }: Centered): void {
  const [x, ...weights] = conv.inputs;
  const [, , kh] = out.typeOf(weights[0]).shape;
  const { strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0] } = conv.attrs as Record<
    string,
    readonly number[] | undefined
  >;
  const [, , height] = out.typeOf(x).shape;
  const [, , rows] = out.typeOf(slice.outputs[0]).shape;
  const needed = (rows - 1) * strides[0] + (kh - 1) * dilations[0] + 1 - pads[0];
  const ends = out.ints(`${slice.name}_rows`, [1, Math.min(needed, height)]);
  const first = out.emit("Slice", [x, slice.inputs[1], ends, slice.inputs[3]], { like: conv });
  const attrs = { ...conv.attrs, pads: [pads[0], pads[1], Math.max(0, needed - height), pads[3]] };
  out.emit("Conv", [first, ...weights], { attrs, like: conv, output: slice.outputs[0] });
}

function convolveAround(out: GraphWriter, { conv, sub }: Centered): void {
  const [x, filter, bias] = conv.inputs;
  const [, channels] = out.typeOf(conv.outputs[0]).shape;
  const shift = out.emit("Reshape", [sub.inputs[1], out.ints(`${sub.name}_channels`, [channels])], { like: sub });
  const negative = out.emit("Neg", [shift], { like: sub });
  const shifted = bias === undefined || bias === "" ? negative : out.emit("Add", [bias, negative], { like: sub });
  out.emit("Conv", [x, filter, shifted], { attrs: conv.attrs, like: conv, output: sub.outputs[0] });
}
