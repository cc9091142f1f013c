/** Operators that set numbers of an axis in proportion to one another. */
import { type Call, refuse, type Row } from "../_call.ts";
import { operation } from "../_operation.ts";
import { lastOrder, type Value } from "../_value.ts";
import { reshaped } from "./shape.ts";

/** The rows. */
export const SOFTMAXES: Readonly<Record<string, Row>> = {
  Softmax: (call) => ({ ...alongAxis(call, softmax), isNonNegative: true }),
  LogSoftmax: (call) => alongAxis(call, (x) => operation(call, "logSoftmax", { inbound: [x] })),
  Hardmax: (call) => ({ ...alongAxis(call, hardmax), isNonNegative: true }),
};

/** What is given the name of a value and the shape that it is stored in, and works along its last axis. */
type AlongLast = (name: string, stored: readonly number[], call: Call) => string;

/** Stores the axis last; in older opsets it and all behind it are one. */
function alongAxis(call: Call, work: AlongLast): Value {
  const given = call.value(0);
  const { shape } = given;
  const axis = call.axis(-1, shape.length);
  if (axis === 0) refuse("it is over the batch");
  const isJoined = call.number("rows", 0) === 1 && shape.slice(axis + 1).some((side) => side !== 1);
  const joined = shape.slice(axis).reduce((product, side) => product * side, 1);
  const x = isJoined ? reshaped(call, given, [...shape.slice(0, axis), joined]) : given;
  const order = lastOrder(x, axis);
  const stored = order.map((own) => x.shape[own]);
  const name = work(call.builder.stored(x, order), stored, call);
  const value: Value = { shape: x.shape, order, read: () => name };
  return isJoined ? reshaped(call, value, shape) : value;
}

function softmax(name: string, _stored: readonly number[], { builder }: Call): string {
  return builder.layer({ className: "Softmax", config: { axis: -1 }, inbound: [name] });
}

/** 1 at the largest, the first of equal ones. */
function hardmax(name: string, stored: readonly number[], call: Call): string {
  const options = { of: "max", axis: stored.length, keepDims: false };
  const place = operation(call, "argument", { inbound: [name], options, suffix: "_place" });
  return operation(call, "oneHot", { inbound: [place], options: { depth: stored[stored.length - 1], on: 1, off: 0 } });
}
