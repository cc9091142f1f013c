/** Operators that make one number of many: reductions over axes, and the places of the largest. */
import { type Call, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import { lastOrder, type Value } from "../_value.ts";

/** Reductions over axes, by ONNX's operators. */
const REDUCED: Readonly<Record<string, string>> = {
  ReduceL1: "l1",
  ReduceL2: "l2",
  ReduceLogSum: "logSum",
  ReduceLogSumExp: "logSumExp",
  ReduceMin: "min",
  ReduceProd: "prod",
  ReduceSum: "sum",
  ReduceSumSquare: "sumSquare",
};

/** The rows. */
export const REDUCTIONS: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(Object.entries(REDUCED).map(([op, by]): [string, Row] => [op, (call) => reduced(call, by)])),
  ArgMax: (call) => argument(call, "max"),
  ArgMin: (call) => argument(call, "min"),
  CumSum: cumulate,
  TopK: topK,
};

/** Reduces over any axes but the batch. */
export function reduced(call: Call, by: string): Value {
  const x = call.value(0);
  const rank = x.shape.length;
  const given = call.integers(1, "axes") ?? [];
  if (given.length === 0 && call.number("noop_with_empty_axes", 0) === 1) return x;
  if (given.length === 0) refuse("it is over all axes, the batch among them");
  const axes = given.map((axis) => axis < 0 ? axis + rank : axis);
  return reducedOver(call, x, { by, axes, keepDims: call.number("keepdims", 1) === 1 });
}

/** How a value is reduced. */
export interface Reduction {
  /** As the layer of one operation calls it. */
  readonly by: string;
  /** ONNX's axes. */
  readonly axes: readonly number[];
  /** Whether they stay, of one element each. */
  readonly keepDims: boolean;
}

/** Reduces `x` over axes, none of which is the batch. */
export function reducedOver(call: Call, x: Value, { by, axes, keepDims }: Reduction, suffix = ""): Value {
  if (axes.includes(0)) refuse("it is over the batch");
  const places = axes.map((axis) => x.order.indexOf(axis) + 1).toSorted((a, b) => a - b);
  const name = operation(call, "reduce", { inbound: [x.read()], options: { by, axes: places, keepDims }, suffix });
  const shape = x.shape.flatMap((side, axis) => !axes.includes(axis) ? [side] : keepDims ? [1] : []);
  return { shape, order: orderWithout(x, axes, keepDims), read: () => name };
}

function orderWithout({ order }: Value, axes: readonly number[], keepDims: boolean): readonly number[] {
  if (keepDims) return order;
  return order.filter((axis) => !axes.includes(axis)).map((axis) => axis - axes.filter((gone) => gone < axis).length);
}

function argument(call: Call, of: string): Value {
  const x = call.value(0);
  const axis = call.axis(0, x.shape.length);
  if (axis === 0) refuse("it is over the batch");
  if (call.number("select_last_index", 0) === 1) refuse("it picks the last of equal ones");
  const keepDims = call.number("keepdims", 1) === 1;
  const options = { of, axis: x.order.indexOf(axis) + 1, keepDims };
  const name = operation(call, "argument", { inbound: [x.read()], options });
  return call.gives(name, orderWithout(x, [axis], keepDims), { isNonNegative: true });
}

function cumulate(call: Call): Value {
  const x = call.value(0);
  const [asked] = call.integers(1, "axis") ?? [0];
  const axis = asked < 0 ? asked + x.shape.length : asked;
  if (axis === 0) refuse("it is over the batch");
  const options = {
    axis: x.order.indexOf(axis) + 1,
    exclusive: call.number("exclusive", 0) === 1,
    reverse: call.number("reverse", 0) === 1,
  };
  return call.gives(operation(call, "cumulate", { inbound: [x.read()], options }), x.order);
}

/** Values and places, each a layer if it is read. */
function topK(call: Call): readonly Value[] {
  const x = call.value(0);
  const axis = call.axis(-1, x.shape.length);
  if (axis === 0) refuse("it picks samples");
  const [k] = call.integers(1, "number") ?? refuse("it has no number");
  const of = call.number("largest", 1) === 1 ? "max" : "min";
  const order = lastOrder(x, axis);
  const inbound = [call.builder.stored(x, order)];
  return ["values", "places"].flatMap((gives, i) => {
    if (!call.isRead(call.node.outputs[i] ?? "")) return [{ shape: [], order: [], read: () => "" }];
    const name = operation(call, "topK", { inbound, options: { k, of, gives }, suffix: i === 0 ? "" : "_places" });
    return [{ shape: call.outputShape(i), order, read: () => name }];
  });
}
