/** Operators that none of TF.js's layers computes: layers of one operation. */
import type { OperationName } from "../../../../src/operations/mod.ts";
import { type Call, refuse, type Row } from "../_call.ts";
import { scale } from "../_constants.ts";
import { elementwise, operation } from "../_operation.ts";
import { plainOrder, type Value } from "../_value.ts";

/** Operations on each number, by ONNX's operators. */
const UNARY: Readonly<Record<string, OperationName>> = {
  Abs: "abs",
  Ceil: "ceil",
  Cos: "cos",
  Erf: "erf",
  Exp: "exp",
  Floor: "floor",
  Log: "log",
  Reciprocal: "reciprocal",
  Round: "round",
  Sign: "sign",
  Sin: "sin",
  Sqrt: "sqrt",
  Not: "not",
};

/** Operations on two numbers each. */
const BINARY: Readonly<Record<string, OperationName>> = {
  Pow: "power",
  Equal: "equal",
  Greater: "greater",
  GreaterOrEqual: "greaterEqual",
  Less: "less",
  LessOrEqual: "lessEqual",
};

/** Reductions over axes. */
const REDUCED: Readonly<Record<string, string>> = {
  ReduceSum: "sum",
  ReduceMin: "min",
  ReduceProd: "prod",
  ReduceL2: "l2",
};

/** The rows. */
export const OPERATION_ROWS: Readonly<Record<string, Row>> = {
  ...mapRows(UNARY, (name) => (call) => ({
    ...elementwise(call, name, [call.value(0)]),
    ...(NON_NEGATIVE.has(name) ? { isNonNegative: true } : {}),
  })),
  ...mapRows(BINARY, (name) => (call) => elementwise(call, name, [0, 1])),
  ...mapRows(REDUCED, (by) => (call) => reduced(call, by)),
  Celu: celu,
  LogSoftmax: logSoftmax,
  Where: (call) => elementwise(call, "where", [0, 1, 2]),
  Slice: slice,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  InstanceNormalization: instanceNorm,
};

const NON_NEGATIVE: ReadonlySet<string> = new Set(["abs", "exp", "sqrt"]);

function mapRows<T>(table: Readonly<Record<string, T>>, make: (value: T) => Row): Readonly<Record<string, Row>> {
  return Object.fromEntries(Object.entries(table).map(([op, value]) => [op, make(value)]));
}

/** α · elu(x / α) */
function celu(call: Call): Value {
  const alpha = call.number("alpha", 1);
  const x = scale(call, call.value(0), { factor: 1 / alpha });
  const name = call.builder.layer({ className: "ELU", config: { alpha: 1 }, inbound: [x.read()] }, "_elu");
  return scale(call, { ...x, read: () => name }, { factor: alpha });
}

function logSoftmax(call: Call): Value {
  const x = call.value(0);
  const asked = call.number("axis", -1);
  const axis = asked < 0 ? asked + x.shape.length : asked;
  if (axis === 0) refuse("it is over the batch");
  const order = [...x.order.filter((own) => own !== axis), axis];
  return call.gives(operation(call, "logSoftmax", { inbound: [call.builder.stored(x, order)] }), order);
}

/** Reduces over any axes but the batch. */
export function reduced(call: Call, by: string): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const given = call.integers(1, "axes");
  if (given === undefined) refuse("it is over all axes, the batch among them");
  const axes = given.map((axis) => axis < 0 ? axis + rank : axis);
  if (axes.includes(0)) refuse("it is over the batch");
  const keepDims = call.number("keepdims", 1) === 1;
  const places = axes.map((axis) => x.order.indexOf(axis) + 1).toSorted((a, b) => a - b);
  const name = operation(call, "reduce", { inbound: [x.read()], options: { by, axes: places, keepDims } });
  if (keepDims) return call.gives(name, x.order);
  const left = x.order.filter((axis) => !axes.includes(axis));
  const order = left.map((axis) => axis - axes.filter((gone) => gone < axis).length);
  return call.gives(name, order);
}

function slice(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const starts = call.integers(1, "starts") ?? refuse("it has no starts");
  const axes = (call.integers(3, "axes") ?? starts.map((_, i) => i)).map((axis) => axis < 0 ? axis + rank : axis);
  const steps = call.integers(4, "steps") ?? starts.map(() => 1);
  const output = call.outputShape();
  const bounds = x.shape.map((side, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return { from: 0, to: side, step: 1 };
    if (steps[at] < 1) refuse(`it goes by ${steps[at]} along axis ${axis}`);
    const from = Math.min(side, Math.max(0, starts[at] < 0 ? starts[at] + side : starts[at]));
    return { from, to: from + (output[axis] - 1) * steps[at] + 1, step: steps[at] };
  });
  if (bounds[0].from !== 0 || output[0] !== x.shape[0]) refuse("it takes some samples of the batch");
  if (output.some((side) => side < 1)) refuse(`it takes nothing: [${output}]`);
  if (output.join() === x.shape.join()) return x;
  const stored = x.order.map((axis) => bounds[axis]);
  const options = {
    begin: stored.map(({ from }) => from),
    end: stored.map(({ to }) => to),
    strides: stored.map(({ step }) => step),
  };
  const name = operation(call, "slice", { inbound: [x.read()], options });
  return call.gives(name, x.order, { isNonNegative: x.isNonNegative === true });
}

function gather(call: Call): Value {
  if (!call.isValue(0)) return embedding(call);
  const x = call.value(0);
  const rank = x.shape.length;
  const asked = call.number("axis", 0);
  const axis = asked < 0 ? asked + rank : asked;
  if (axis === 0) refuse("it picks samples");
  const tensor = call.constant(1) ?? refuse("its indices are computed, constants are needed");
  if (tensor.shape.length > 1) refuse(`its indices are [${tensor.shape}], a list or a number is needed`);
  const indices = Array.from(call.reals(1, "indices"), (index) => index < 0 ? index + x.shape[axis] : index);
  const place = x.order.indexOf(axis) + 1;
  const name = operation(call, "gather", { inbound: [x.read()], options: { axis: place, indices } });
  const more = { isNonNegative: x.isNonNegative === true };
  if (tensor.shape.length === 1) return call.gives(name, x.order, more);
  const shape = call.outputShape();
  const order = x.order.filter((own) => own !== axis).map((own) => own > axis ? own - 1 : own);
  return { shape, order, read: () => call.builder.reshape(name, order.map((own) => shape[own])), ...more };
}

/** Rows of a constant table by computed indices. */
function embedding(call: Call): Value {
  const table = call.constant(0) ?? refuse("its table is unknown");
  const indices = call.value(1);
  if (table.shape.length !== 2 || indices.shape.length !== 2 || call.number("axis", 0) !== 0) {
    refuse(`it takes [${indices.shape}] of [${table.shape}], rows of a table by a list a sample are needed`);
  }
  const [inputDim, outputDim] = table.shape;
  const name = call.builder.layer({
    className: "Embedding",
    config: { inputDim, outputDim, inputLength: indices.shape[1] },
    inbound: [call.builder.stored(indices)],
    weights: [{ name: "embeddings", shape: [inputDim, outputDim], data: call.reals(0, "table") }],
  });
  return call.gives(name, plainOrder(3));
}

function expand(call: Call): Value {
  const x = call.value(0);
  const shape = call.outputShape();
  if (shape.length !== x.shape.length) refuse(`it makes [${shape}] of [${x.shape}], values of one rank are needed`);
  return repeated(call, x, shape.map((side, axis) => side / x.shape[axis]));
}

function tile(call: Call): Value {
  return repeated(call, call.value(0), call.integers(1, "repeats") ?? refuse("it has no repeats"));
}

function repeated(call: Call, x: Value, repeats: readonly number[]): Value {
  if (repeats[0] !== 1) refuse("it repeats samples");
  if (repeats.every((count) => count === 1)) return x;
  const options = { repeats: x.order.map((axis) => repeats[axis]) };
  const name = operation(call, "tile", { inbound: [x.read()], options });
  return call.gives(name, x.order, { isNonNegative: x.isNonNegative === true });
}

/** (x − mean) / √(variance + ε) · scale + bias, the mean and variance those of each sample's channel. */
function instanceNorm(call: Call): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  if (rank < 3) refuse(`it normalizes [${x.shape}], pictures or rows are needed`);
  const axes = x.order.flatMap((axis, i) => axis === 1 ? [] : [i + 1]);
  const options = { by: "mean", axes, keepDims: true };
  const source = x.read();
  const mean = operation(call, "reduce", { inbound: [source], options, suffix: "_mean" });
  const centred = operation(call, "subtract", { inbound: [source, mean], suffix: "_centred" });
  const squared = operation(call, "square", { inbound: [centred], suffix: "_squared" });
  const variance = operation(call, "reduce", { inbound: [squared], options, suffix: "_variance" });
  const sides = x.order.map(() => 1);
  const add = (inbound: readonly string[], suffix: string) => call.builder.layer({ className: "Add", inbound }, suffix);
  const multiply = (inbound: readonly string[], suffix: string) =>
    call.builder.layer({ className: "Multiply", inbound }, suffix);
  const epsilon = call.builder.constant(sides, Float32Array.of(call.number("epsilon", 1e-5)));
  const deviation = operation(call, "sqrt", { inbound: [add([variance, epsilon], "_positive")], suffix: "_deviation" });
  const normed = operation(call, "divide", { inbound: [centred, deviation], suffix: "_normed" });
  const channels = x.order.map((axis) => axis === 1 ? x.shape[1] : 1);
  const [factor, term] = [1, 2].map((i) => call.builder.constant(channels, call.reals(i, "scale and bias")));
  return call.gives(add([multiply([normed, factor], "_scaled"), term], ""), x.order);
}
