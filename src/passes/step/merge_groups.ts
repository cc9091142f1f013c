/**
 * Joins groups of convolutions until they fill blocks of channels.
 *
 * ONNX Runtime's operators on blocked channels take groups of whole blocks. A group of fewer channels is joined with its
 * neighbours to one of as many as are needed, its filters having zeros for the others' channels: twice or four times the
 * arithmetic, at many times the rate of a product of matrices for each group of 4 channels (docs/engine.md).
 *
 * Of the gradient by the filter, what filters would learn of the others' channels is left out.
 */
import type { Graph, Node } from "../../onnx/graph.ts";
import { indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";
import { type Correlated, correlatedBy } from "./filter_gradient.ts";

/** More groups in one would compute more zeros than the blocks' rate makes up for. */
const MOST_JOINED = 4;

/**
 * Joins groups of convolutions, and of their gradients, to whole blocks.
 *
 * @param block Channels a block, which is the machine's to say; 1 where ONNX Runtime has no such operators.
 */
export function mergeGroups(block: number): Pass {
  return definePass({
    name: "mergeGroups",
    requires: [holds.channelsFirst],
    rewrite: (graph) => block === 1 ? graph : rewrite(graph, block),
  });
}

function rewrite(graph: Graph, block: number): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const pictures = correlatedBy(node, index);
    const groups = groupsOf(node, { out, pictures });
    const joined = groups === undefined ? 1 : joinedFor(groups, block);
    if (groups === undefined || joined === 1) out.push(node);
    else if (pictures === undefined) convolveJoined(node, out, { ...groups, joined });
    else correlateJoined(node, out, { ...groups, joined, pictures });
  }
  return removeDeadNodes(out.finish());
}

/** The groups of a convolution. */
interface Groups {
  readonly count: number;
  /** Channels that a group reads. */
  readonly inside: number;
  /** Filters of a group. */
  readonly own: number;
  /** The numbers of channels that are to be whole blocks. */
  readonly filling: readonly number[];
}

function groupsOf(
  node: Node,
  { out, pictures }: { readonly out: GraphWriter; readonly pictures: Correlated | undefined },
): Groups | undefined {
  const count = Number(node.attrs.group ?? 1);
  if (node.op !== "Conv" || node.domain !== undefined || count === 1) return undefined;
  const [filters, channels, ...size] = out.typeOf(node.inputs[1]).shape;
  if (size.length !== 2) return undefined;
  const own = filters / count;
  if (pictures === undefined) return { count, inside: channels, own, filling: [channels, own] };
  const [inside] = out.typeOf(node.inputs[0]).shape;
  return { count, inside, own, filling: [own] };
}

/** How many groups are to be one: 1 if that is of no use. */
function joinedFor({ count, filling }: Groups, block: number): number {
  for (let joined = 1; joined <= Math.min(count, MOST_JOINED); joined++) {
    if (count % joined === 0 && filling.every((channels) => channels * joined % block === 0)) return joined;
  }
  return 1;
}

interface Joined extends Groups {
  /** Groups in one. */
  readonly joined: number;
}

function convolveJoined(node: Node, out: GraphWriter, { count, inside, own, joined }: Joined): void {
  const [x, filter, ...bias] = node.inputs;
  const wide = out.emit("Concat", new Array<string>(joined).fill(filter), { attrs: { axis: 1 }, like: node });
  const filters = count * own;
  const isOwn = Float32Array.from({ length: filters * inside * joined }, (_, i) => {
    const [of, channel] = [Math.floor(i / (inside * joined)), i % (inside * joined)];
    return Math.floor(of / own) % joined === Math.floor(channel / inside) ? 1 : 0;
  });
  const mask = out.constant(`${node.name}_own`, "float32", [filters, inside * joined, 1, 1], isOwn);
  const masked = out.emit("Mul", [wide, mask], { like: node });
  const attrs = { ...node.attrs, group: count / joined };
  out.emit("Conv", [x, masked, ...bias], { attrs, output: node.outputs[0], like: node });
}

function correlateJoined(
  node: Node,
  out: GraphWriter,
  { count, inside, own, joined, pictures }: Joined & { readonly pictures: Correlated },
): void {
  const view = (name: string, shape: readonly number[], output?: string) =>
    out.emit("Reshape", [name, out.ints(`${name}_shape`, shape)], {
      like: node,
      ...(output === undefined ? {} : { output }),
    });
  const groups = count / joined;
  const [n, , h, w] = out.typeOf(pictures.x).shape;
  const swapped = groups === 1
    ? out.emit("Transpose", [pictures.x], { attrs: { perm: [1, 0, 2, 3] }, like: node })
    : view(
      out.emit("Transpose", [view(pictures.x, [n, groups, joined * inside, h, w])], {
        attrs: { perm: [2, 1, 0, 3, 4] },
        like: node,
      }),
      [joined * inside, groups * n, h, w],
    );
  const all = out.emit("Conv", [swapped, node.inputs[1]], { attrs: { ...node.attrs, group: groups }, like: node });
  const [output] = node.outputs;
  const { shape } = out.typeOf(output);
  const [kh, kw] = shape.slice(2);
  // Of [channels of which group, channel, groups, filters of which group, …], those of the same group.
  const pairs = out.emit("Transpose", [view(all, [joined, inside, groups, joined, own * kh * kw])], {
    attrs: { perm: [1, 2, 0, 3, 4] },
    like: node,
  });
  const diagonal = Int32Array.from({ length: joined }, (_, i) => i * (joined + 1));
  const same = out.emit("Gather", [
    view(pairs, [inside, groups, joined * joined, own * kh * kw]),
    out.constant(`${node.name}_own`, "int32", [joined], diagonal),
  ], { attrs: { axis: 2 }, like: node });
  view(same, shape, output);
}
