/** How operators other than convolutions run on blocked channels. */
import { type Node, sizeOf } from "../../../onnx/graph.ts";
import { traitsOf } from "../../../onnx/schema/mod.ts";
import { affine, batchNorm, type BlockedRule, conv, convTranspose, pool } from "./_conv_rules.ts";
import { isSplitBatch } from "./_filters.ts";
import type { BlockedForms } from "./_forms.ts";
import { paddingAfter, paddingOnGrid } from "./_padding.ts";
import { max, min, sum, sumSquare } from "./_reduce_rules.ts";

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Operators that work on each element alone. */
const elementwise: BlockedRule = (node, forms) => {
  const shape = forms.shapeOf(node.outputs[0]);
  // Reordering goes by float32, which does not hold what float64 is there for.
  if (shape.length !== 4 || forms.out.typeOf(node.outputs[0]).dtype === "float64") return false;
  const pictures = node.inputs.filter((name) => name !== "" && isSame(forms.shapeOf(name), shape));
  if (!pictures.some((name) => forms.isBlocked(name)) || !isDefined(node, forms)) return false;
  const others = node.inputs.filter((name) => name !== "" && !pictures.includes(name));
  if (others.some((name) => sizeOf(forms.shapeOf(name)) !== 1)) return perChannel(node, forms);
  const inputs = node.inputs.map((name) => {
    if (name === "") return name;
    return pictures.includes(name) ? forms.blocked(name) : forms.plain(name);
  });
  const padding = paddingAfter(node, forms);
  forms.out.push({ ...node, inputs, outputs: [forms.defineBlocked(node.outputs[0], padding)] });
  return true;
};

/** Whether channels that do not count can do no harm: integers have no NaN, and 0 / 0 of them ends the process. */
function isDefined(node: Node, forms: BlockedForms): boolean {
  const [output] = node.outputs;
  const isFull = forms.shapeOf(output)[1] % forms.block === 0;
  const { mapsZeroToZero, keepsFinite } = traitsOf(node);
  return isFull || forms.out.typeOf(output).dtype.startsWith("float") || mapsZeroToZero !== undefined ||
    keepsFinite === true;
}

/** A picture and one number a channel. Only where it can be one multiplication and addition; others are rare. */
function perChannel(node: Node, forms: BlockedForms): boolean {
  const [first, second] = node.inputs;
  const [x, vector] = forms.isBlocked(first) ? [first, second] : [second, first];
  const channels = forms.shapeOf(x)[1];
  const shape = forms.shapeOf(vector);
  const isVector = node.inputs.length === 2 && sizeOf(shape) === channels && shape.at(-3) === channels;
  if (!isVector || forms.out.typeOf(x).dtype !== "float32") return false;
  const flat = () => forms.view(forms.plain(vector), [channels]);
  const ones = () => forms.out.constant(`${node.name}_ones`, "float32", [channels], new Float32Array(channels).fill(1));
  if (node.op === "Mul") return affine(node, forms, { factor: flat() });
  if (node.op === "Add") return affine(node, forms, { factor: ones(), offset: flat() });
  if (node.op === "Sub" && x === first) {
    return affine(node, forms, { factor: ones(), offset: forms.out.emit("Neg", [flat()]) });
  }
  return false;
}

/** Quantization with one scale a tensor is element by element. */
const quantize: BlockedRule = (node, forms) => {
  const [x, ...grid] = node.inputs;
  if (!forms.isBlocked(x) || grid.some((name) => sizeOf(forms.shapeOf(name)) !== 1)) return false;
  const inputs = [forms.blocked(x), ...grid.map((name) => forms.plain(name))];
  forms.out.push({ ...node, inputs, outputs: [forms.defineBlocked(node.outputs[0], paddingOnGrid(node, forms))] });
  return true;
};

/** The batch's dimension joined with the channels': blocks stay blocks. */
const reshape: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  const [output] = node.outputs;
  if (!forms.isBlocked(x) || !isSplitBatch(forms.shapeOf(x), forms.shapeOf(output), forms.block)) return false;
  // [n·c, 1, h, w] is a filter; the convolution that reads it finds the picture itself.
  if (forms.shapeOf(output)[0] !== 1) return false;
  const blocked = forms.blocked(x);
  forms.view(blocked, forms.shapeOf(output), forms.defineBlocked(output, "zero"));
  return true;
};

/** [in, out, kh, kw] → [kh, kw, in, out], what a filter's gradient is turned into for TF.js: blocks move as a whole. */
const transpose: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  if (!forms.isBlocked(x) || (node.attrs.perm as readonly number[]).join() !== "2,3,0,1") return false;
  const [output] = node.outputs;
  const shape = forms.shapeOf(output);
  const moved = forms.transpose(forms.viewBlocks(x), [2, 3, 0, 1, 4]);
  const wide = forms.view(moved, [...shape.slice(0, 3), forms.blockedShape(x)[1]]);
  forms.view(forms.first(wide, { axis: 3, count: shape[3] }), shape, output);
  return true;
};

/** Channels that are whole blocks can be joined and so on along the channels' axis. */
const concat: BlockedRule = (node, forms) => {
  if (node.attrs.axis !== 1 || !node.inputs.some((name) => forms.isBlocked(name))) return false;
  if (node.inputs.some((name) => forms.shapeOf(name).length !== 4 || forms.shapeOf(name)[1] % forms.block !== 0)) {
    return false;
  }
  const inputs = node.inputs.map((name) => forms.blocked(name));
  forms.out.push({ ...node, inputs, outputs: [forms.defineBlocked(node.outputs[0], "zero")] });
  return true;
};

/** Rows and columns cut out: pixels gathered, on all threads. First rows of few pictures are cut out. */
const slice: BlockedRule = (node, forms) => {
  const [x, ...bounds] = node.inputs;
  const [starts, ends, axes, steps] = bounds.map((name) => forms.out.intsOf(name));
  if (!forms.isBlocked(x) || starts === undefined || ends === undefined || axes === undefined) return false;
  if (axes.join() === "0,2" && bounds.length === 3) {
    const [output] = node.outputs;
    const cut = forms.out.emit("Slice", [forms.viewBlocks(x), ...bounds]);
    forms.view(cut, forms.blockedShape(output), forms.defineBlocked(output, forms.paddingOf(x)));
    return true;
  }
  const isKnown = bounds.length === 3 || (steps?.every((step) => step > 0) ?? false);
  if (!isKnown || axes.some((axis) => axis !== 2 && axis !== 3)) return false;
  const [n, channels, h, w] = forms.blockedShape(x);
  const [rows, columns] = [h, w].map((size, i) => {
    const at = axes.indexOf(i + 2);
    return at < 0 ? range(0, size) : range(starts[at], ends[at], { size, step: steps?.[at] ?? 1 });
  });
  const pixels = forms.view(forms.blocked(x), [n * channels / forms.block, h * w, forms.block]);
  const picked = forms.gather(
    pixels,
    Int32Array.from(rows.flatMap((row) => columns.map((column) => row * w + column))),
  );
  forms.view(picked, forms.blockedShape(node.outputs[0]), forms.defineBlocked(node.outputs[0], forms.paddingOf(x)));
  return true;
};

/** The places that Slice takes of `size`; negative bounds count from the end. */
function range(start: number, end: number, { size = end, step = 1 } = {}): number[] {
  const [first, last] = [start, end].map((bound) => Math.max(0, Math.min(bound < 0 ? bound + size : bound, size)));
  return Array.from({ length: Math.max(0, Math.ceil((last - first) / step)) }, (_, i) => first + i * step);
}

/** Rows and columns added. */
const pad: BlockedRule = (node, forms) => {
  const [x, pads, ...rest] = node.inputs;
  const ends = forms.out.intsOf(pads);
  if (!forms.isBlocked(x) || ends?.length !== 8 || [0, 1, 4, 5].some((i) => ends[i] !== 0)) return false;
  const own = forms.out.ints(`${node.name}_pads`, [...ends.slice(0, 4), 0, ...ends.slice(4), 0]);
  const wide = forms.out.emit("Pad", [forms.viewBlocks(x), own, ...rest], { attrs: node.attrs });
  const isZero = rest.every((name) => name === "" || forms.operandPadding(name) === "zero");
  const padding = isZero ? forms.paddingOf(x) : "any";
  forms.view(wide, forms.blockedShape(node.outputs[0]), forms.defineBlocked(node.outputs[0], padding));
  return true;
};

/** Channels [k, k, c] laid out as k × k pixels, where c are whole blocks. */
const depthToSpace: BlockedRule = (node, forms) => {
  const [x] = node.inputs;
  const [output] = node.outputs;
  const [n, channels] = forms.shapeOf(output);
  if (!forms.isBlocked(x) || node.attrs.mode === "CRD" || channels % forms.block !== 0) return false;
  const k = node.attrs.blocksize as number;
  const [, , h, w] = forms.shapeOf(x);
  const split = forms.view(forms.blocked(x), [n, k, k, channels / forms.block, h, w, forms.block]);
  forms.view(forms.transpose(split, [0, 3, 4, 1, 5, 2, 6]), forms.shapeOf(output), forms.defineBlocked(output, "zero"));
  return true;
};

/** The rules by ONNX operator, of those that are not element by element. */
const RULES: Readonly<Record<string, BlockedRule | undefined>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  BatchNormalization: batchNorm,
  QuantizeLinear: quantize,
  DequantizeLinear: quantize,
  ReduceMean: sum,
  ReduceSum: sum,
  ReduceSumSquare: sumSquare,
  ReduceMax: max,
  ReduceMin: min,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Pad: pad,
  DepthToSpace: depthToSpace,
};

/** Returns how `node` is computed in blocks, or undefined if there is no way. */
export function blockedRuleOf(node: Node): BlockedRule | undefined {
  if (node.domain !== undefined) return undefined;
  return RULES[node.op] ?? (traitsOf(node).elementwise ? elementwise : undefined);
}
