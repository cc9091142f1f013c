/** How operators read values whose batch is not first: a row for each kind. */
import { sizeOf } from "../../../../src/onnx/graph.ts";
import { refuse } from "../_call.ts";
import type { Batch } from "../_value.ts";
import { asForm, type Moved, type Moving, shiftedBatch } from "./_moving.ts";
import { axesFirst, type Placed, reshaped, samplesOf, shapeFirst, whole } from "./_place.ts";

/** Says what a node becomes, or refuses it. */
export type BatchRule = (op: Moving) => Moved;

const ELEMENTWISE = [
  ..."Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift Cast Ceil Celu Clip Cos Cosh Div Dropout Elu Equal Erf Exp"
    .split(
      " ",
    ),
  ..."Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log"
    .split(
      " ",
    ),
  ..."Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh".split(
    " ",
  ),
  ..."Softplus Softsign Sqrt Sub Sum Tan Tanh ThresholdedRelu Where Xor".split(" "),
];

const REDUCTIONS =
  "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"
    .split(" ");

const along = (rule: BatchRule, ...ops: readonly string[]) => Object.fromEntries(ops.map((op) => [op, rule]));

/** The rows; an operator without one needs the batch first. */
export const BATCH_RULES: Readonly<Record<string, BatchRule>> = {
  ...along(elementwise, ...ELEMENTWISE),
  ...along(reduction, ...REDUCTIONS),
  ...along(ofAxis(-1), "Softmax", "LogSoftmax", "Hardmax"),
  ...along(reshape, "Reshape", "Flatten", "Squeeze", "Unsqueeze"),
  ...along(arg, "ArgMax", "ArgMin"),
  ...along(recurrent, "LSTM", "GRU", "RNN"),
  Concat: ofAxis(0),
  Split: ofAxis(0),
  Transpose: transpose,
  Slice: slice,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  MatMul: matMul,
  Gemm: gemm,
  LayerNormalization: layerNorm,
};

/** Axes counted from the first. */
function axisOf(axis: number, { shape }: Placed): number {
  return axis < 0 ? axis + shape.length : axis;
}

/** Returns what an axis of the file is here, which has to be one of its own. */
function ownAxis(axis: number, value: Placed): number {
  const at = axisOf(axis, value);
  const own = axesFirst(value)[at] ?? [];
  // Of a single sample an axis is whole, though it counts as a part of it.
  if (at !== value.batch.axis || (samplesOf(value) === 1 && own.length === 1)) return own[0];
  return refuse(`it works along the axis of the batch (${at} of [${value.shape}])`);
}

/** Returns where the batch is when an axis is gone. */
function without(batch: Batch, ...axes: readonly number[]): Batch {
  return { ...batch, axis: batch.axis - axes.filter((axis) => axis < batch.axis).length };
}

/** All inputs in the form of the output, which has the batch where the inputs do, counted from the last axis. */
function elementwise(op: Moving): Moved {
  const shape = op.output();
  const places = op.node.inputs.flatMap((_, i) => op.placed(i) ?? []);
  const forms = places.map((value): Placed => ({
    shape,
    batch: shiftedBatch(value.batch, shape.length - value.shape.length),
  }));
  const form = forms.find((form) => places.every((value) => asForm(value, form) && hasRoom(form, value))) ??
    refuse(`it joins ${places.map(({ shape }) => `[${shape}]`).join(" and ")}, whose samples are no same axis`);
  return { batches: op.node.outputs.map(() => form.batch), inputs: op.node.inputs.map((_, i) => op.read(i, form)) };
}

/** Whether an output has the batch of `value` where its form says: an axis of one element may have been repeated. */
function hasRoom({ shape, batch: { axis, before, after } }: Placed, value: Placed): boolean {
  return shape[axis] === before * after * samplesOf(value);
}

/** Operators that have one attribute "axis", and read values of one form. */
function ofAxis(otherwise: number): BatchRule {
  return (op) => {
    const places = op.node.inputs.flatMap((_, i) => op.placed(i) ?? []);
    const [value] = places;
    const { attrs } = op.node;
    if (attrs.rows === 1) checkRow(op, value);
    const axis = ownAxis(op.number("axis", otherwise), value);
    const inputs = op.node.inputs.map((name, i) => {
      const own = op.placed(i) ?? op.constant(i);
      return own === undefined || own.shape.length !== value.shape.length
        ? name
        : op.read(i, { ...value, shape: own.shape });
    });
    return { batches: op.node.outputs.map(() => value.batch), inputs, attrs: { ...attrs, axis } };
  };
}

/** A softmax over all axes from one on: only one of them may have more than one element. */
function checkRow(op: Moving, value: Placed): void {
  const from = axisOf(op.number("axis", 1), value);
  if (sizeOf(value.shape.slice(from + 1)) !== 1) refuse(`it is over all of [${value.shape.slice(from)}] together`);
}

function reshape(op: Moving): Moved {
  const value = op.value(0);
  const to = op.output();
  const batch = reshaped(value, to) ?? refuse(`it makes [${to}] of [${value.shape}], samples have to stay apart`);
  return { batches: [batch], op: "Reshape", inputs: op.node.inputs.slice(0, 1), attrs: {} };
}

function transpose(op: Moving): Moved {
  const value = op.value(0);
  const given = op.node.attrs.perm;
  const perm = Array.isArray(given) ? given.map(Number) : value.shape.map((_, i) => value.shape.length - 1 - i);
  const axes = axesFirst(value);
  return {
    batches: [{ ...value.batch, axis: perm.indexOf(value.batch.axis) }],
    attrs: { ...op.node.attrs, perm: [0, ...perm.flatMap((axis) => axes[axis])] },
  };
}

function reduction(op: Moving): Moved {
  const value = op.value(0);
  const axes = (op.integers(1, "axes") ?? refuse("it is over all axes, the batch among them"))
    .map((axis) => axisOf(axis, value));
  const own = op.list(axes.map((axis) => ownAxis(axis, value)));
  const batch = op.number("keepdims", 1) === 1 ? value.batch : without(value.batch, ...axes);
  return { batches: [batch], inputs: [op.node.inputs[0], own] };
}

function arg(op: Moving): Moved {
  const value = op.value(0);
  const asked = axisOf(op.number("axis", 0), value);
  const batch = op.number("keepdims", 1) === 1 ? value.batch : without(value.batch, asked);
  return { batches: [batch], attrs: { ...op.node.attrs, axis: ownAxis(asked, value) } };
}

function slice(op: Moving): Moved {
  const value = op.value(0);
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => op.integers(i, "bounds"));
  if (starts === undefined || ends === undefined) refuse("it has no bounds");
  const taken = (axes ?? starts.map((_, i) => i)).map((axis) => axisOf(axis, value));
  const isWhole = (at: number) => taken[at] === value.batch.axis && op.output()[taken[at]] === value.shape[taken[at]];
  const kept = taken.flatMap((_, at) => isWhole(at) ? [] : [at]);
  const pick = (list: readonly number[]) => op.list(kept.map((at) => list[at]));
  const own = op.list(kept.map((at) => ownAxis(taken[at], value)));
  return {
    batches: [value.batch],
    inputs: [op.node.inputs[0], pick(starts), pick(ends), own, pick(steps ?? starts.map(() => 1))],
  };
}

function gather(op: Moving): Moved {
  const indices = op.placed(1);
  if (indices !== undefined) {
    if (op.placed(0) !== undefined || op.number("axis", 0) !== 0) refuse("it picks by computed indices");
    return { batches: [indices.batch] };
  }
  const value = op.value(0);
  const asked = axisOf(op.number("axis", 0), value);
  const places = (op.constant(1)?.shape ?? []).length;
  const moved = asked < value.batch.axis ? places - 1 : 0;
  return {
    batches: [{ ...value.batch, axis: value.batch.axis + moved }],
    attrs: { ...op.node.attrs, axis: ownAxis(asked, value) },
  };
}

function expand(op: Moving): Moved {
  const value = op.value(0);
  const shape = op.output();
  const form: Placed = { shape, batch: shiftedBatch(value.batch, shape.length - value.shape.length) };
  if (!hasRoom(form, value)) refuse("it repeats samples");
  return { batches: [form.batch], inputs: [op.read(0, form), op.list(shapeFirst(form))] };
}

function tile(op: Moving): Moved {
  const value = op.value(0);
  const repeats = op.integers(1, "repeats") ?? refuse("it has no repeats");
  if (repeats[value.batch.axis] !== 1) refuse("it repeats samples");
  return { batches: [value.batch], inputs: [op.node.inputs[0], op.list(byAxes(repeats, value, 1))] };
}

/** A number for each axis of the file as one for each axis here; the batch and what shares its axis have `none`. */
function byAxes(numbers: readonly number[], value: Placed, none: number): readonly number[] {
  const axes = axesFirst(value);
  return [none, ...axes.flatMap((own, axis) => own.map(() => axis === value.batch.axis ? none : numbers[axis]))];
}

function pad(op: Moving): Moved {
  const value = op.value(0);
  const given = op.integers(1, "pads") ?? refuse("it has no pads");
  const axes = (op.integers(3, "axes") ?? value.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, value));
  const sides = [0, 1].map((end) =>
    value.shape.map((_, axis) => axes.includes(axis) ? given[axes.indexOf(axis) + end * axes.length] : 0)
  );
  if (sides.some((side) => side[value.batch.axis] !== 0)) refuse("it pads the batch");
  const pads = op.list(sides.flatMap((side) => byAxes(side, value, 0)));
  return { batches: [value.batch], inputs: [op.node.inputs[0], pads, ...op.node.inputs.slice(2, 3)] };
}

function matMul(op: Moving): Moved {
  const [a, b] = [op.placed(0), op.placed(1)];
  if (a !== undefined && b !== undefined) return product(op, a, b);
  if (a === undefined) return refuse("its first factor is a constant");
  const matrix = op.constant(1)?.shape ?? [];
  if (matrix.length > 2) refuse(`its second factor is [${matrix}], a matrix is needed`);
  const form = rowsOf(a);
  return { batches: [form.batch], inputs: [op.read(0, form), op.node.inputs[1]] };
}

/** Matrices of each sample: the batch is an axis before them. */
function product(op: Moving, a: Placed, b: Placed): Moved {
  const rank = op.output().length;
  const own = [a, b].map(({ shape, batch }): Batch => shiftedBatch(batch, rank - shape.length));
  // A single sample may be taken for a part of the first axis.
  const batches = [...own, { axis: 0, before: 1, after: op.output()[0] }];
  const batch =
    batches.find((batch) =>
      batch.axis < rank - 2 && [a, b].every((value) => asForm(value, { shape: op.output(), batch }))
    ) ??
      refuse(`it multiplies [${a.shape}] by [${b.shape}] over samples, which have to be an axis before the last two`);
  return { batches: [batch], inputs: own.map((_, i) => op.read(i, { shape: op.output(), batch })) };
}

/** A value whose last axis is summed over: its samples have to be in another. */
function rowsOf(value: Placed): Placed {
  const { shape, batch } = value;
  const last = shape.length - 1;
  if (batch.axis !== last || last === 0) return value;
  if (samplesOf(value) !== 1) refuse(`it sums over the axis of the batch of [${shape}]`);
  return { shape, batch: { axis: 0, before: shape[0], after: 1 } };
}

function gemm(op: Moving): Moved {
  const value = op.value(0);
  if (op.number("transA", 0) !== 0) refuse("it transposes what it reads (transA)");
  if (op.placed(1) !== undefined || op.placed(2) !== undefined) refuse("it multiplies by computed numbers");
  const form = rowsOf(value);
  return { batches: [form.batch], inputs: [op.read(0, form), ...op.node.inputs.slice(1)] };
}

/** Sequences [t, n, c] and states [directions, n, units] → [t, directions, n, units], [directions, n, units]. */
function recurrent(op: Moving): Moved {
  const inputs = op.node.inputs.map((name, i) => {
    const value = op.placed(i);
    if (value === undefined) return name;
    if (i !== 0 && i !== 5 && i !== 6) refuse(`its input ${i} is computed, a constant is needed`);
    return op.read(i, { shape: value.shape, batch: whole(1) });
  });
  return { batches: op.node.outputs.map((_, i) => whole(i === 0 ? 2 : 1)), inputs };
}

function layerNorm(op: Moving): Moved {
  const value = op.value(0);
  const rank = value.shape.length;
  const axis = axisOf(op.number("axis", -1), value);
  if (axis <= value.batch.axis) refuse(`it normalizes over the batch of [${value.shape}]`);
  return { batches: op.node.outputs.map(() => value.batch), attrs: { ...op.node.attrs, axis: axis - rank } };
}
