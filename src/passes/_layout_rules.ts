/** How operators that do not care about the order of axes are computed in channels-first layout. */
import type { Attrs, Node } from "../onnx/graph.ts";
import { traitsOf } from "../onnx/schema/mod.ts";
import type { GraphWriter } from "../onnx/writer.ts";

/** What a rule asks for: values in channels-first form, and their types. */
export interface Forms {
  readonly out: GraphWriter;
  /** Returns the channels-first form of `name`. */
  first(name: string): string;
  /** Returns `name`, an operand broadcast against values of `rank`, with its axes in channels-first order. */
  operand(name: string, rank: number): string;
}

/** A node's inputs and attributes in channels-first form. */
export interface Moved {
  readonly inputs: readonly string[];
  readonly attrs?: Attrs;
  /** Whether the outputs are channels-first too; false for results whose axes come in the same order either way. */
  readonly keepsLayout: boolean;
}

/** Moves a node, or returns undefined if it needs its inputs channels-last. */
type LayoutRule = (node: Node, forms: Forms) => Moved | undefined;

/** Axis of the channels-last layout → the same axis of the channels-first one. */
function moveAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive === 0) return 0;
  return positive === rank - 1 ? 1 : positive + 1;
}

/** Reorders one entry an axis from channels-last to channels-first. */
function moveEntries<T>(entries: readonly T[]): T[] {
  return [entries[0], entries[entries.length - 1], ...entries.slice(1, -1)];
}

/** Rank of the node's output, to which its operands are broadcast. */
function outputRank(node: Node, forms: Forms): number {
  return forms.out.typeOf(node.outputs[0]).shape.length;
}

const elementwise: LayoutRule = (node, forms) => {
  const rank = outputRank(node, forms);
  return { inputs: node.inputs.map((name) => forms.operand(name, rank)), keepsLayout: true };
};

/** Operators with parameters after their first input: only that one is a picture. */
const firstInputOnly: LayoutRule = (node, forms) => ({
  inputs: [forms.first(node.inputs[0]), ...node.inputs.slice(1)],
  keepsLayout: true,
});

const quantize: LayoutRule = (node, forms) => {
  const rank = outputRank(node, forms);
  const isPerChannel = forms.out.typeOf(node.inputs[1]).shape.length === 1;
  // ONNX's default.
  const axis = (node.attrs.axis as number | undefined) ?? 1;
  return {
    inputs: [forms.first(node.inputs[0]), ...node.inputs.slice(1)],
    ...(isPerChannel ? { attrs: { ...node.attrs, axis: moveAxis(axis, rank) } } : {}),
    keepsLayout: true,
  };
};

const alongAxis: LayoutRule = (node, forms) => {
  const rank = outputRank(node, forms);
  const axis = (node.attrs.axis as number | undefined) ?? (node.op === "Split" ? 0 : -1);
  const inputs = node.op === "Split"
    ? [forms.first(node.inputs[0]), ...node.inputs.slice(1)]
    : node.inputs.map((name) => forms.first(name));
  return { inputs, attrs: { ...node.attrs, axis: moveAxis(axis, rank) }, keepsLayout: true };
};

const reduce: LayoutRule = (node, forms) => {
  const rank = forms.out.typeOf(forms.first(node.inputs[0])).shape.length;
  const listed = node.inputs.length > 1 ? forms.out.intsOf(node.inputs[1]) : node.attrs.axes as readonly number[];
  if (listed === undefined) return undefined;
  const axes = listed.map((axis) => moveAxis(axis, rank));
  const keepsLayout = (node.attrs.keepdims ?? 1) === 1;
  if (!keepsLayout && !keepsOrder(listed, rank)) return undefined;
  const first = forms.first(node.inputs[0]);
  if (node.inputs.length > 1) return { inputs: [first, forms.out.ints(`${node.outputs[0]}_axes`, axes)], keepsLayout };
  return { inputs: [first], attrs: { ...node.attrs, axes }, keepsLayout };
};

const argReduce: LayoutRule = (node, forms) => {
  const first = forms.first(node.inputs[0]);
  const rank = forms.out.typeOf(first).shape.length;
  const axis = (node.attrs.axis as number | undefined) ?? 0;
  const keepsLayout = (node.attrs.keepdims ?? 1) === 1;
  if (!keepsLayout && !keepsOrder([axis], rank)) return undefined;
  return { inputs: [first], attrs: { ...node.attrs, axis: moveAxis(axis, rank) }, keepsLayout };
};

/** Whether the axes that a reduction leaves come in the same order in both layouts. */
function keepsOrder(reduced: readonly number[], rank: number): boolean {
  const gone = new Set(reduced.map((axis) => axis < 0 ? axis + rank : axis));
  const left = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !gone.has(axis));
  const moved = left.map((axis) => moveAxis(axis, rank));
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]);
}

/** Inputs that hold one number an axis (Expand's shape, Tile's repeats). */
const perAxisInput: LayoutRule = (node, forms) => {
  const entries = forms.out.intsOf(node.inputs[1]);
  const first = forms.first(node.inputs[0]);
  if (entries === undefined || entries.length !== forms.out.typeOf(first).shape.length) return undefined;
  return { inputs: [first, forms.out.ints(`${node.outputs[0]}_cf_axes`, moveEntries(entries))], keepsLayout: true };
};

const pad: LayoutRule = (node, forms) => {
  const pads = forms.out.intsOf(node.inputs[1]);
  if (pads === undefined) return undefined;
  const rank = pads.length / 2;
  const moved = [...moveEntries(pads.slice(0, rank)), ...moveEntries(pads.slice(rank))];
  const rest = node.inputs.slice(2);
  return {
    inputs: [forms.first(node.inputs[0]), forms.out.ints(`${node.outputs[0]}_pads`, moved), ...rest],
    keepsLayout: true,
  };
};

const slice: LayoutRule = (node, forms) => {
  const rank = outputRank(node, forms);
  const starts = forms.out.intsOf(node.inputs[1]);
  if (starts === undefined) return undefined;
  const axes = forms.out.intsOf(node.inputs[3]) ?? starts.map((_, i) => i);
  const moved = forms.out.ints(`${node.outputs[0]}_axes`, axes.map((axis) => moveAxis(axis, rank)));
  return {
    inputs: [forms.first(node.inputs[0]), node.inputs[1], node.inputs[2], moved, ...node.inputs.slice(4)],
    keepsLayout: true,
  };
};

/**
 * Dropping or merging axes of length 1 needs no transposition: [n, c, 1, 1] and [n, 1, 1, c] hold the same elements. Nor
 * does another division of the axes between: [n, h, w, c] → [n, h·w, c] is [n, c, h, w] → [n, c, h·w].
 */
const reshape: LayoutRule = (node, forms) => {
  const first = forms.first(node.inputs[0]);
  const { shape } = forms.out.typeOf(first);
  if (shape.slice(2).every((dim) => dim === 1)) {
    return { inputs: [first, ...node.inputs.slice(1)], keepsLayout: false };
  }
  const target = forms.out.typeOf(node.outputs[0]).shape;
  if (target.length < 3 || target[0] !== shape[0] || target.at(-1) !== shape[1]) return undefined;
  return { inputs: [first, forms.out.ints(`${node.outputs[0]}_cf_shape`, moveEntries(target))], keepsLayout: true };
};

/** The rules by ONNX operator, of those that are not element by element or have parameters besides. */
const RULES: Readonly<Record<string, LayoutRule | undefined>> = {
  Clip: firstInputOnly,
  QuantizeLinear: quantize,
  DequantizeLinear: quantize,
  Concat: alongAxis,
  Split: alongAxis,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSumSquare: reduce,
  ArgMax: argReduce,
  ArgMin: argReduce,
  Expand: perAxisInput,
  Tile: perAxisInput,
  Pad: pad,
  Slice: slice,
  Reshape: reshape,
};

/** Returns how `node` is computed channels-first, or undefined if it needs its inputs channels-last. */
export function layoutRuleOf(node: Node): LayoutRule | undefined {
  return RULES[node.op] ?? (traitsOf(node).elementwise ? elementwise : undefined);
}
