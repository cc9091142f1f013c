/** Convolutions, poolings and batch normalization on blocked channels. */
import type { Attrs, Node } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import { type Correlated, correlatedBy } from "../filter_gradient.ts";
import { denseFilter, depthwiseFilter, firstFilter, pictureFilter } from "./_filters.ts";
import type { BlockedForms, Padding } from "./_forms.ts";

/** Computes a node in blocks and returns true, or leaves it alone and returns false. */
export type BlockedRule = (node: Node, forms: BlockedForms) => boolean;

interface ConvParts {
  readonly x: string;
  readonly filter: string;
  readonly bias?: string | undefined;
  readonly attrs: Attrs;
  /** What the convolution leaves in output channels that do not count. */
  readonly padding: Padding;
}

/** Appends the blocked convolution that computes `node`. */
function placeConv(node: Node, forms: BlockedForms, parts: ConvParts): true {
  const { x, filter, bias, attrs, padding } = parts;
  const [output] = node.outputs;
  const channels = forms.blockedShape(output)[1];
  const inputs = [x, filter, ...(bias === undefined ? [] : [forms.padEnd(forms.plain(bias), 0, channels)])];
  const blocked = forms.defineBlocked(output, padding);
  const type = { dtype: "float32", shape: forms.blockedShape(output) } as const;
  forms.out.place("Conv", inputs, { domain: BLOCKED_DOMAIN, attrs, type, output: blocked });
  return true;
}

/** A convolution whose channels are many enough to fill blocks. */
export const conv: BlockedRule = (node, forms) => {
  const [x, filter, bias] = node.inputs;
  const [xShape, filterShape] = [forms.shapeOf(x), forms.shapeOf(filter)];
  if (xShape.length !== 4 || forms.out.typeOf(x).dtype !== "float32") return false;
  const [outs, ins] = filterShape;
  const group = (node.attrs.group as number | undefined) ?? 1;
  if (!forms.isWorthwhile(outs)) return false;
  if (group === outs && ins === 1 && group > 1) {
    const channels = forms.roundUp(outs);
    const parts = { x: forms.blocked(x), filter: depthwiseFilter(forms, filter), bias, padding: timesZero(forms, x) };
    return placeConv(node, forms, { ...parts, attrs: { ...node.attrs, group: channels } });
  }
  const pictures = correlatedBy(node, forms.index);
  if (pictures !== undefined) return correlation(node, forms, pictures);
  if (group > 1) {
    // Groups that are whole blocks: others would share one.
    if ([ins, outs / group].some((channels) => channels % forms.block !== 0)) return false;
    const parts = { x: forms.blocked(x), filter: denseFilter(forms, filter), bias };
    return placeConv(node, forms, { ...parts, attrs: node.attrs, padding: "zero" });
  }
  if (forms.isBlocked(x) || forms.isWorthwhile(ins)) {
    const parts = { x: forms.blockedToSum(x), filter: denseFilter(forms, filter), bias };
    return placeConv(node, forms, { ...parts, attrs: node.attrs, padding: "zero" });
  }
  if (ins >= forms.block) return false;
  const parts = { x, filter: firstFilter(forms, filter), bias };
  return placeConv(node, forms, { ...parts, attrs: node.attrs, padding: "zero" });
};

/** What is left of the channels of `x` that do not count when each is multiplied by 0. */
function timesZero(forms: BlockedForms, x: string): Padding {
  return forms.paddingOf(x) === "any" ? "any" : "zero";
}

/** What sums of products of the channels of `x` that do not count are. */
function productsOf(forms: BlockedForms, x: string): Padding {
  return forms.paddingOf(x) === "zero" ? "zero" : "any";
}

function correlation(node: Node, forms: BlockedForms, pictures: Correlated): boolean {
  const { groups } = pictures;
  const [n] = forms.shapeOf(pictures.x);
  const [, outs, ...taps] = forms.shapeOf(node.outputs[0]);
  const isOnePixel = groups === 1 && taps.every((dim) => dim === 1);
  if (isOnePixel && correlatePixels(node, forms, pictures)) return true;
  if (!forms.isWorthwhile(n) || (groups > 1 && outs / groups % forms.block !== 0)) return false;
  const pads = (node.attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  const filter = pictureFilter(forms, pictures.dy);
  // Windows that reach over a border are computed one by one, inner ones three at a time: the border is written out.
  const swapped = bordered(forms, node.inputs[0], { pads, pictures });
  const x = forms.blocked(filledGroups(forms, swapped, { n, groups }));
  const attrs = { ...node.attrs, pads: [0, 0, 0, 0] };
  return placeConv(node, forms, { x, filter, attrs, padding: productsOf(forms, pictures.dy) });
}

/**
 * Writes zeros around the pictures of `swapped`, which are those of `pictures.x` with batch and channels swapped.
 *
 * In blocks a 1 × 1 depthwise convolution with ones does it on all threads; Pad runs on one.
 */
function bordered(
  forms: BlockedForms,
  swapped: string,
  { pads, pictures: { x: picture, groups } }: { readonly pads: readonly number[]; readonly pictures: Correlated },
): string {
  const { out } = forms;
  if (pads.every((pad) => pad === 0)) return forms.plain(swapped);
  if (!forms.isBlocked(picture)) {
    const ends = [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]];
    return out.emit("Pad", [forms.plain(swapped), out.ints(`${swapped}_pads`, ends)]);
  }
  const [n, channels, h, w] = forms.blockedShape(picture);
  const ones = out.constant(`${picture}_ones`, "float32", [channels, 1, 1, 1], new Float32Array(channels).fill(1));
  const size = [h + pads[0] + pads[2], w + pads[1] + pads[3]];
  const wide = out.place("Conv", [forms.blocked(picture), ones], {
    domain: BLOCKED_DOMAIN,
    attrs: { kernel_shape: [1, 1], pads, group: channels },
    type: { dtype: "float32", shape: [n, channels, ...size] },
  });
  const own = forms.shapeOf(picture)[1];
  const plain = out.place("ReorderOutput", [wide], {
    domain: BLOCKED_DOMAIN,
    attrs: { channels: own },
    type: { dtype: "float32", shape: [n, own, ...size] },
  });
  if (groups === 1) return forms.transpose(plain, [1, 0, 2, 3]);
  const split = forms.view(plain, [n, groups, own / groups, ...size]);
  return forms.view(forms.transpose(split, [2, 1, 0, 3, 4]), [own / groups, groups * n, ...size]);
}

/** Fills up the batch of each group, which stands in the place of its channels, to whole blocks. */
function filledGroups(
  forms: BlockedForms,
  swapped: string,
  { n, groups }: { readonly n: number; readonly groups: number },
): string {
  if (groups === 1 || n % forms.block === 0) return swapped;
  const [inside, , ...size] = forms.shapeOf(swapped);
  const split = forms.view(swapped, [inside, groups, n, ...size]);
  return forms.view(forms.padEnd(split, 2, forms.roundUp(n)), [inside, groups * forms.roundUp(n), ...size]);
}

/**
 * The same for 1 × 1 filters: a product of matrices over all pixels of the batch.
 *
 * It runs as a convolution [1, pixels, 1, columns] → [1, rows, 1, columns] with 1 × 1 filters, whose channels are the
 * pixels: the fastest product of matrices that ONNX Runtime has here. The picture with more channels gives the filters,
 * for bringing the other one into order is dearer: twice as fast for 144 channels and 32 than the other way round.
 */
function correlatePixels(node: Node, forms: BlockedForms, { x, dy }: Correlated): boolean {
  const [output] = node.outputs;
  const [n, ins, h, w] = forms.shapeOf(x);
  const [, outs, ...size] = forms.shapeOf(dy);
  if (size.join() !== `${h},${w}` || n * h * w % forms.block !== 0 || !forms.isBlocked(x)) return false;
  if (outs >= ins) {
    const product = pixelProduct(forms, { rows: dy, columns: x });
    const moved = forms.transpose(product, [1, 0, 2]);
    forms.view(moved, forms.blockedShape(output), forms.defineBlocked(output, productsOf(forms, dy)));
    return true;
  }
  const product = forms.transpose(pixelProduct(forms, { rows: x, columns: dy }), [0, 2, 1]);
  const [rows] = forms.blockedShape(x).slice(1);
  const plain = forms.view(product, [rows, outs]);
  forms.view(forms.first(plain, { axis: 0, count: ins }), forms.shapeOf(output), output);
  return true;
}

/** Sums products of channels of two pictures over batch and pixels: [rows / block, columns, block]. */
function pixelProduct(
  forms: BlockedForms,
  { rows, columns }: { readonly rows: string; readonly columns: string },
): string {
  const { block, out } = forms;
  const [n, count, h, w] = forms.shapeOf(columns);
  const pixels = n * h * w;
  const last = out.place("ReorderOutput", [forms.blocked(columns)], {
    domain: BLOCKED_DOMAIN,
    attrs: { channels: count, channels_last: 1 },
    type: { dtype: "float32", shape: [n, h, w, count] },
  });
  const tiles = [pixels / block, block, count, 1];
  const turned = out.place("ReorderInput", [forms.view(last, tiles)], {
    domain: BLOCKED_DOMAIN,
    type: { dtype: "float32", shape: tiles },
  });
  const [, filters] = forms.blockedShape(rows);
  const planes = forms.view(forms.blocked(rows), [n, filters / block, h * w * block]);
  const filter = forms.view(forms.transpose(planes, [1, 0, 2]), [filters, pixels, 1, 1]);
  const product = out.place("Conv", [forms.view(turned, [1, pixels, 1, count]), filter], {
    domain: BLOCKED_DOMAIN,
    attrs: { kernel_shape: [1, 1] },
    type: { dtype: "float32", shape: [1, filters, 1, count] },
  });
  return forms.view(product, [filters / block, count, block]);
}

/**
 * The gradient of a depthwise convolution with strides by its input: a convolution of dy, zeros put between its pixels,
 * with the filter turned round.
 */
export const convTranspose: BlockedRule = (node, forms) => {
  const [x, filter, bias] = node.inputs;
  const [channels, perGroup, kh, kw] = forms.shapeOf(filter);
  const attrs = node.attrs as Readonly<Record<string, readonly number[] | undefined>>;
  const { strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], output_padding: extra = [0, 0] } = attrs;
  const isDepthwise = Number(node.attrs.group) === channels && perGroup === 1 && channels % forms.block === 0;
  const reach = [(kh - 1) * dilations[0] + 1, (kw - 1) * dilations[1] + 1];
  const begin = reach.map((size, i) => size - 1 - pads[i]);
  // Behind the last pixel there are strides - 1 zeros already.
  const end = reach.map((size, i) => size - strides[i] + extra[i] - pads[i + 2]);
  const isPlain = node.attrs.output_shape === undefined && node.attrs.auto_pad === undefined && bias === undefined;
  if (!isDepthwise || !isPlain || !forms.isBlocked(x) || [...begin, ...end].some((pad) => pad < 0)) return false;
  return placeConv(node, forms, {
    x: spread(forms, x, strides),
    filter: turned(forms, depthwiseFilter(forms, filter)),
    attrs: { kernel_shape: [kh, kw], dilations, pads: [...begin, ...end], group: channels },
    padding: "zero",
  });
};

/** Puts zeros behind each pixel, so that pixels are `strides` apart: each place takes its pixel or one of zeros. */
function spread(forms: BlockedForms, x: string, [sy, sx]: readonly number[]): string {
  const { block } = forms;
  const [n, channels, h, w] = forms.blockedShape(x);
  const pixels = forms.view(forms.blocked(x), [n * channels / block, h * w, block]);
  const places = Int32Array.from({ length: h * sy * w * sx }, (_, i) => {
    const [row, column] = [Math.floor(i / (w * sx)), i % (w * sx)];
    return row % sy === 0 && column % sx === 0 ? row / sy * w + column / sx : h * w;
  });
  return forms.view(forms.gather(forms.padEnd(pixels, 1, h * w + 1), places), [n, channels, h * sy, w * sx]);
}

/** Turns a depthwise filter in blocks by half a circle. */
function turned(forms: BlockedForms, filter: string): string {
  const { block, out } = forms;
  const [channels, one, kh, kw] = out.typeOf(filter).shape;
  const taps = forms.view(filter, [channels / block, kh * kw, block]);
  const bounds = [[-1], [-kh * kw - 1], [1], [-1]].map((values, i) => out.ints(`${filter}_${i}`, values));
  return forms.view(out.emit("Slice", [taps, ...bounds]), [channels, one, kh, kw]);
}

/** Max and average pools, without the indices of maxima. */
export const pool: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  if (!forms.isBlocked(x) || node.outputs.length > 1 || forms.out.typeOf(x).dtype !== "float32") return false;
  if ((node.attrs.ceil_mode ?? 0) !== 0) return false;
  const input = forms.blocked(x);
  const padding = node.op === "MaxPool" ? forms.paddingOf(x) : productsOf(forms, x);
  const output = forms.defineBlocked(node.outputs[0], padding);
  const type = { dtype: "float32", shape: forms.blockedShape(node.outputs[0]) } as const;
  forms.out.place(node.op, [input], { domain: BLOCKED_DOMAIN, attrs: node.attrs, type, output });
  return true;
};

/** Statistics that are given: one number a channel to multiply by, one to add, which is a 1 × 1 depthwise convolution. */
export const batchNorm: BlockedRule = (node, forms) => {
  const [x, ...rest] = node.inputs;
  if (!forms.isBlocked(x)) return false;
  const [scale, offset, mean, variance] = rest.map((name) => forms.plain(name));
  const epsilon = (node.attrs.epsilon as number | undefined) ?? 1e-5;
  if (isAll(forms, mean, 0) && isAll(forms, variance, 1) && epsilon === 0) {
    return affine(node, forms, { factor: scale, offset });
  }
  const { out } = forms;
  const shift = out.constant(`${node.name}_epsilon`, "float32", [], Float32Array.of(epsilon));
  const factor = out.emit("Div", [scale, out.emit("Sqrt", [out.emit("Add", [variance, shift])])]);
  return affine(node, forms, { factor, offset: out.emit("Sub", [offset, out.emit("Mul", [mean, factor])]) });
};

function isAll(forms: BlockedForms, name: string, value: number): boolean {
  const { constant } = forms.out.typeOf(name);
  return constant !== undefined && (constant.data as Float32Array).every((item) => item === value);
}

/** Multiplies and adds per channel; `factor` and `offset` are vectors of the channels. */
export function affine(
  node: Node,
  forms: BlockedForms,
  { factor, offset }: { readonly factor: string; readonly offset?: string | undefined },
): true {
  const [x] = node.inputs.filter((name) => forms.isBlocked(name));
  const channels = forms.blockedShape(x)[1];
  const filter = forms.view(forms.padEnd(factor, 0, channels), [channels, 1, 1, 1]);
  const attrs = { kernel_shape: [1, 1], group: channels };
  return placeConv(node, forms, { x: forms.blocked(x), filter, bias: offset, attrs, padding: timesZero(forms, x) });
}
