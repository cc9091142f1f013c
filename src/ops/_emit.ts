/** Small steps that many ops share. */
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { codeOf, type DType } from "../numbers/dtype.ts";
import { sizeOf } from "../onnx/graph.ts";
import { type Emit, Unsupported, type Value } from "./op.ts";

/** Constants up to this many elements are written out; larger ones of one value are expanded when the graph runs. */
const WRITTEN_OUT = 16;

/** Returns a constant of rank 0. */
export function scalar(emit: Emit, dtype: DType, value: number): Value {
  return emit.constant(dtype, [], [value]);
}

/** Returns a constant int64 vector: axes, sizes, starts. */
export function vector(emit: Emit, values: readonly number[]): Value {
  return emit.constant("int64", [values.length], values);
}

/** Returns `x` as `dtype`: truncated towards 0 where that is an integer type, `x != 0` where it is bool. */
export function cast(emit: Emit, x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : emit.node("Cast", [x], { to: codeOf(dtype) });
}

/** Returns a value of `shape` whose elements are all `value`. */
export function filled(
  emit: Emit,
  type: { readonly dtype: DType; readonly shape: readonly number[] },
  value: number,
): Value {
  const { dtype, shape } = type;
  const size = sizeOf(shape);
  if (size <= WRITTEN_OUT) return emit.constant(dtype, shape, new Array<number>(size).fill(value));
  return emit.node("Expand", [scalar(emit, dtype, value), vector(emit, shape)]);
}

/** Returns a value without elements. */
export function empty(emit: Emit, { dtype, shape }: Pick<Value, "dtype" | "shape">): Value {
  return emit.constant(dtype, shape, []);
}

/** Whether `x` has no elements. */
export function isEmpty(x: Pick<Value, "shape">): boolean {
  return x.shape.includes(0);
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Returns `x` in the shape `shape`. */
export function reshaped(emit: Emit, x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x;
  // Without allowzero a 0 in the shape means "as it was".
  return emit.node("Reshape", [x, vector(emit, shape)], shape.includes(0) ? { allowzero: 1 } : {});
}

/** Returns `x` with a new dimension of 1 at each of `axes`, counted in the result. */
export function unsqueezed(emit: Emit, x: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? x : emit.node("Unsqueeze", [x, vector(emit, axes)]);
}

/** Returns `x` with its dimensions in the order `perm`. */
export function transposed(emit: Emit, x: Value, perm: readonly number[]): Value {
  return perm.every((axis, i) => axis === i) ? x : emit.node("Transpose", [x], { perm });
}

/** Checks that all of `values` are float32, the only type that the operator computes in as TF.js does. */
export function needFloat(kernel: string, ...values: readonly Value[]): void {
  for (const { dtype } of values) {
    if (dtype !== "float32") throw new Unsupported(`Cannot lower "${kernel}" of ${dtype}: needed is float32`);
  }
}

/** Checks that `a` and `b` have one dtype, and that it is a number's: TF.js adds bools as bytes. */
export function needNumbers(kernel: string, a: Value, b: Value): void {
  if (a.dtype !== b.dtype || a.dtype === "bool") {
    throw new Unsupported(`Cannot lower "${kernel}" of ${a.dtype} and ${b.dtype}: needed are numbers of one dtype`);
  }
}

/** Returns what TF.js's shape functions read of a tensor: shape, rank and dtype. There is no data behind it. */
export function infoOf({ shape }: Value, dtype: DataType = "float32"): TensorInfo & { readonly rank: number } {
  return { dataId: {}, shape: [...shape], dtype, rank: shape.length };
}
