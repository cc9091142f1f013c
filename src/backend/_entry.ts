/** What the backend keeps of each tensor. */
import type * as tf from "@tensorflow/tfjs-core";
import type { DType, TypedArray } from "../numbers/dtype.ts";
import type { Value } from "../onnx/writer.ts";
import type { Buffer } from "./_buffer.ts";

/** A tensor's elements: in memory, or a value of the recording under way, or both. */
export interface Entry {
  readonly dtype: tf.DataType;
  refCount: number;
  buffer?: Buffer;
  value?: Value;
  /** The id of the recording that `value` belongs to. */
  recording?: symbol;
  /** Why its value could not be computed: told to whoever reads it. */
  error?: unknown;
}

/** Element types of TF.js as ONNX's. */
export const DTYPES: Readonly<Partial<Record<tf.DataType, DType>>> = {
  float32: "float32",
  int32: "int32",
  bool: "bool",
};

/** Holds `values` in the array class of `dtype`. Strings and complex numbers stay what they are: only fallbacks see them. */
export function toElements(values: tf.BackendValues, dtype: tf.DataType): TypedArray {
  const array = values as Float32Array | Int32Array | Uint8Array;
  if (dtype === "float32" && !(array instanceof Float32Array)) return Float32Array.from(array);
  if (dtype === "int32" && !(array instanceof Int32Array)) return Int32Array.from(array);
  if (dtype === "bool" && !(array instanceof Uint8Array)) return Uint8Array.from(array);
  return array;
}

/** Whether two shapes are one. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}
