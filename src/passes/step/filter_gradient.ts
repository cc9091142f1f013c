/**
 * Computes a convolution's gradient by its filter as products of matrices.
 *
 * It is recorded as a convolution of x [in, n, h, w] with dy [out, n, h', w'], the batch in the channels' place; in groups,
 * of x [in / groups, groups · n, h, w] (src/ops/group_conv2d.ts). Where no operator on blocked channels takes it,
 * gathering patches and multiplying is 2 to 3 times as fast (docs/engine.md).
 */
import { type Graph, type Node, sizeOf } from "../../onnx/graph.ts";
import { type Index, indexOf, removeDeadNodes } from "../../onnx/index.ts";
import { GraphWriter } from "../../onnx/writer.ts";
import { holds, ofNodes } from "../conditions.ts";
import { definePass, type Pass } from "../pass.ts";

/** The pictures x [n, in, h, w] and dy [n, out, h', w'] that a convolution correlates. */
export interface Correlated {
  readonly x: string;
  readonly dy: string;
  readonly groups: number;
}

/** Returns the pictures if `node` convolves one with the other, both with batch and channels swapped. */
export function correlatedBy(node: Node, index: Index): Correlated | undefined {
  if (node.op !== "Conv" || node.domain !== undefined) return undefined;
  const groups = Number(node.attrs.group ?? 1);
  const [x, dy] = [
    groups === 1 ? movedBy("1,0,2,3", node.inputs[0], index) : swappedInGroups(node.inputs[0], index),
    movedBy("1,0,2,3", node.inputs[1], index),
  ];
  return x === undefined || dy === undefined ? undefined : { x, dy, groups };
}

/** What a transposition by `perm` gives `name` of. */
function movedBy(perm: string, name: string, index: Index): string | undefined {
  const node = index.producer(name);
  const isMoved = node?.op === "Transpose" && (node.attrs.perm as readonly number[]).join() === perm;
  return isMoved ? node.inputs[0] : undefined;
}

/** The picture [n, in, h, w] of which `name` is [in / groups, groups · n, h, w]. */
function swappedInGroups(name: string, index: Index): string | undefined {
  const joined = index.producer(name);
  const split = joined?.op === "Reshape" ? movedBy("2,1,0,3,4", joined.inputs[0], index) : undefined;
  const reshape = split === undefined ? undefined : index.producer(split);
  return reshape?.op === "Reshape" ? reshape.inputs[0] : undefined;
}

/** Replaces correlations of pictures: dW = Σ over images of patches(x) · dyᵀ. */
export const multiplyFilterGradients: Pass = definePass({
  name: "multiplyFilterGradients",
  requires: [holds.channelsFirst],
  ensures: [
    ofNodes("no picture is convolved with a picture", (node, index) => correlatedBy(node, index) !== undefined),
  ],
  rewrite,
});

function rewrite(graph: Graph): Graph {
  const index = indexOf(graph);
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    const pictures = correlatedBy(node, index);
    if (pictures === undefined) out.push(node);
    else placeProducts(node, out, pictures);
  }
  return removeDeadNodes(out.finish());
}

function placeProducts(node: Node, out: GraphWriter, { x, dy, groups }: Correlated): void {
  const [n, outs, h, w] = out.typeOf(dy).shape;
  const own = outs / groups;
  const view = (name: string, shape: readonly number[], output?: string) =>
    out.emit("Reshape", [name, out.ints(`${name}_shape`, shape)], {
      like: node,
      ...(output === undefined ? {} : { output }),
    });
  const columns = patches(node, out, x);
  const [, rows] = out.typeOf(columns).shape;
  // Patches times dy, not dy times patches: what is transposed on the fly is the smaller one then.
  const factors = [
    view(columns, [n, groups, rows / groups, h * w]),
    view(dy, [n, groups, own, h * w]),
  ];
  const products = out.emit("FusedMatMul", factors, { attrs: { transB: 1 }, like: node });
  const sum = out.emit("ReduceSum", [products, out.ints(`${products}_axes`, [0])], {
    attrs: { keepdims: 0 },
    like: node,
  });
  const [output] = node.outputs;
  const [ins, , kh, kw] = out.typeOf(output).shape;
  const perTap = view(sum, [groups, ins, kh, kw, own]);
  const moved = out.emit("Transpose", [perTap], { attrs: { perm: [1, 0, 4, 2, 3] }, like: node });
  view(moved, [ins, outs, kh, kw], output);
}

/**
 * Gathers each output position's patch: [n, c, h, w] → [n, c·kh·kw, h', w'].
 *
 * A depthwise convolution with one-hot kernels does it at memory speed, pads and strides included.
 */
function patches(node: Node, out: GraphWriter, x: string): string {
  const channels = out.typeOf(x).shape[1];
  const [, , kh, kw] = out.typeOf(node.outputs[0]).shape;
  // The strides of the convolution whose gradient this is dilate dy, and its dilations are steps over x.
  const { dilations: strides = [1, 1], strides: dilations = [1, 1], pads = [0, 0, 0, 0] } = node.attrs as Record<
    string,
    readonly number[] | undefined
  >;
  const taps = kh * kw;
  if (taps === 1 && sizeOf(strides) === 1 && pads.every((pad) => pad === 0)) return x;
  const oneHot = new Float32Array(channels * taps * taps);
  for (let c = 0; c < channels; c++) {
    for (let tap = 0; tap < taps; tap++) oneHot[(c * taps + tap) * taps + tap] = 1;
  }
  const kernel = out.constant(`${node.name}_patches`, "float32", [channels * taps, 1, kh, kw], oneHot);
  const attrs = { kernel_shape: [kh, kw], strides, dilations, pads, group: channels };
  return out.emit("Conv", [x, kernel], { attrs, like: node });
}
