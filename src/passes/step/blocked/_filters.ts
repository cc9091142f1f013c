/** Filters in the order in which convolutions on blocked channels read them. */
import type { Node } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import type { BlockedForms } from "./_forms.ts";

/** A filter [out, in, kh, kw] as its transposition from another value: dimension i is dimension perm[i] of the source. */
interface Source {
  readonly name: string;
  readonly perm: readonly number[];
}

/** Looks through a Transpose, so that there is one transposition in the end, from the trained variable's own order. */
function sourceOf(forms: BlockedForms, filter: string): Source {
  const producer = forms.index.producer(filter);
  if (producer?.op === "Transpose" && !forms.isBlocked(producer.inputs[0])) {
    return { name: producer.inputs[0], perm: producer.attrs.perm as readonly number[] };
  }
  return { name: forms.plain(filter), perm: [0, 1, 2, 3] };
}

/** [out, in, kh, kw] → [out/b, in/b, kh, kw, b in, b out], declared as [out, in, kh, kw] with both rounded up. */
export function denseFilter(forms: BlockedForms, filter: string): string {
  const { block } = forms;
  const [outs, ins, kh, kw] = forms.shapeOf(filter);
  const declared = [forms.roundUp(outs), forms.roundUp(ins), kh, kw];
  const { name, perm } = sourceOf(forms, filter);
  const [out, inner] = perm;
  const padded = forms.padEnd(forms.padEnd(name, out, declared[0]), inner, declared[1]);
  const size = forms.shapeOf(padded);
  if (out === 2 && inner === 3) return byTiles(forms, padded, { perm, declared });
  // Each of the two channel dimensions becomes two; where the parts of dimension d are from then on:
  const first = [0, 1, 2, 3].map((d) => d + (out < d ? 1 : 0) + (inner < d ? 1 : 0));
  const split = size.flatMap((dim, d) => d === out || d === inner ? [dim / block, block] : [dim]);
  const order = [first[out], first[inner], first[perm[2]], first[perm[3]], first[inner] + 1, first[out] + 1];
  return forms.view(forms.transpose(forms.view(padded, split), order), declared);
}

/**
 * The same from [kh, kw, out, in], where tiles of b × b elements are to be turned.
 *
 * ReorderInput does it ten times as fast as Transpose.
 */
function byTiles(
  forms: BlockedForms,
  name: string,
  { perm, declared }: { perm: readonly number[]; declared: readonly number[] },
): string {
  const { block } = forms;
  const [outs, ins] = declared;
  const size = forms.shapeOf(name);
  const blocks = size[0] * size[1] * outs / block;
  const shape = [blocks, block, ins, 1];
  const turned = forms.out.place("ReorderInput", [forms.view(name, shape)], {
    domain: BLOCKED_DOMAIN,
    type: { dtype: "float32", shape },
  });
  const tiles = forms.view(turned, [size[0], size[1], outs / block, ins / block, block * block]);
  return forms.view(forms.transpose(tiles, [2, 3, perm[2], perm[3], 4]), declared);
}

/** [out, in, kh, kw] → [out/b, in, kh, kw, b out], for inputs of fewer channels than a block, which stay plain. */
export function firstFilter(forms: BlockedForms, filter: string): string {
  const { block } = forms;
  const [outs, ins, kh, kw] = forms.shapeOf(filter);
  const { name, perm } = sourceOf(forms, filter);
  const out = perm[0];
  const padded = forms.padEnd(name, out, forms.roundUp(outs));
  const first = [0, 1, 2, 3].map((d) => d + (out < d ? 1 : 0));
  const split = forms.shapeOf(padded).flatMap((dim, d) => d === out ? [dim / block, block] : [dim]);
  const order = [first[out], first[perm[1]], first[perm[2]], first[perm[3]], first[out] + 1];
  return forms.view(forms.transpose(forms.view(padded, split), order), [forms.roundUp(outs), ins, kh, kw]);
}

/** [c, 1, kh, kw] → [c/b, kh, kw, b], declared as [c, 1, kh, kw] with c rounded up. */
export function depthwiseFilter(forms: BlockedForms, filter: string): string {
  const { block } = forms;
  const [channels, , kh, kw] = forms.shapeOf(filter);
  const rounded = forms.roundUp(channels);
  const declared = [rounded, 1, kh, kw];
  const reshape = forms.index.producer(filter);
  if (reshape?.op === "Reshape") {
    // A picture's planes as filters: the gradient of a depthwise convolution. Its blocks are these blocks.
    const picture = reshape.inputs[0];
    if (forms.isBlocked(picture) && isSplitBatch(forms.shapeOf(picture), [channels, 1, kh, kw], block)) {
      return forms.view(forms.blocked(picture), declared);
    }
    const kernel = lastChannels(forms, forms.index.producer(reshape.inputs[0]));
    if (kernel !== undefined) {
      const split = forms.view(forms.padEnd(kernel, 2, rounded), [kh * kw, rounded / block, block]);
      return forms.view(forms.transpose(split, [1, 0, 2]), declared);
    }
  }
  const split = forms.view(forms.padEnd(forms.plain(filter), 0, rounded), [rounded / block, block, kh * kw]);
  return forms.view(forms.transpose(split, [0, 2, 1]), declared);
}

/** Returns TF.js's kernel [kh, kw, c, 1] of which `node` is the transposition to [c, 1, kh, kw]. */
function lastChannels(forms: BlockedForms, node: Node | undefined): string | undefined {
  if (node?.op !== "Transpose" || (node.attrs.perm as readonly number[]).join() !== "2,3,0,1") return undefined;
  return forms.shapeOf(node.inputs[0])[3] === 1 ? forms.plain(node.inputs[0]) : undefined;
}

/** Whether `to` is `from` with its batch and its channels in one dimension, the channels being whole blocks. */
export function isSplitBatch(from: readonly number[], to: readonly number[], block: number): boolean {
  const [n, channels, h, w] = from;
  const isMerged = to[0] * to[1] === n * channels;
  return from.length === 4 && to.length === 4 && channels % block === 0 && isMerged && h === to[2] && w === to[3];
}

/** A picture dy [n, out, h, w] as the filter [out, n, h, w]: the gradient of a convolution by its filter. */
export function pictureFilter(forms: BlockedForms, dy: string): string {
  const { block } = forms;
  const [n, , h, w] = forms.shapeOf(dy);
  const outs = forms.blockedShape(dy)[1];
  const rounded = forms.roundUp(n);
  const padded = forms.padEnd(forms.blocked(dy), 0, rounded);
  const split = forms.view(padded, [rounded / block, block, outs / block, h * w, block]);
  return forms.view(forms.transpose(split, [2, 0, 3, 1, 4]), [outs, rounded, h, w]);
}
