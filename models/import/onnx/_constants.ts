/** Constants among what a node reads, laid out as values are stored. */
import { type Call, realsOf, refuse } from "./_call.ts";
import type { Value } from "./_value.ts";

/** A constant laid out as a value is stored. */
export interface Laid {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Lays constant input `i` out as `x` is stored, if it is a constant that can be added to it, sample by sample. */
export function constantAs(call: Call, i: number, x: Pick<Value, "shape" | "order">): Laid | undefined {
  const tensor = call.constant(i);
  if (tensor === undefined) return undefined;
  const rank = x.shape.length;
  if (tensor.shape.length > rank) refuse(`it joins [${x.shape}] and a constant [${tensor.shape}]`);
  const aligned = [...new Array<number>(rank - tensor.shape.length).fill(1), ...tensor.shape];
  const all = realsOf(tensor);
  // One that was made for each sample alike, of the batch's size, is one for any.
  const width = all.length / aligned[0];
  if (!all.every((value, i) => value === all[i % width])) refuse(`its constant [${tensor.shape}] differs by sample`);
  aligned[0] = 1;
  const values = all.subarray(0, width);
  return { shape: x.order.map((axis) => aligned[axis]), data: permuted(values, aligned, x.order) };
}

/** Returns elements of `shape` in the order that they have with its axes in the order `axes`; others are of one element. */
export function permuted(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  return Float32Array.from({ length: values.length }, (_, at) => {
    let [left, from] = [at, 0];
    for (let k = axes.length - 1; k >= 0; k--) {
      from += left % shape[axes[k]] * steps[axes[k]];
      left = Math.floor(left / shape[axes[k]]);
    }
    return values[from];
  });
}

/** Constant input `i` as a value of its own, one for all samples, stored as `like` is. */
export function constantValue(call: Call, i: number, like: Pick<Value, "shape" | "order">): Value {
  const laid = constantAs(call, i, like) ?? refuse(`its input ${i} is unknown`);
  const shape = [...like.shape];
  like.order.forEach((axis, at) => shape[axis] = laid.shape[at]);
  const name = call.builder.constant(laid.shape, laid.data);
  return { shape, order: like.order, read: () => name };
}

/** factor · x + term, number by number: a constant factor and a constant term. */
export function scale(
  call: Call,
  x: Value,
  { factor, term = 0 }: { readonly factor: number; readonly term?: number },
): Value {
  const shape = x.order.map(() => 1);
  const scaled = factor === 1
    ? x.read()
    : join(call, "Multiply", [x.read(), call.builder.constant(shape, Float32Array.of(factor))], "_scaled");
  const name = term === 0
    ? scaled
    : join(call, "Add", [scaled, call.builder.constant(shape, Float32Array.of(term))], "_shifted");
  return { shape: x.shape, order: x.order, read: () => name };
}

/** Joins values by a layer of TF.js. */
export function join({ builder }: Call, className: string, inbound: readonly string[], suffix = ""): string {
  return builder.layer({ className, inbound }, suffix);
}
