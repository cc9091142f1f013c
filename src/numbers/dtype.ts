/** Element types of ONNX tensors: names, TensorProto codes, sizes and the typed arrays that hold them. */

/** Names of ONNX element types, as ONNX Runtime's JavaScript API spells them; "bfloat16" it does not know. */
export type DType =
  | "float32"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "int32"
  | "int64"
  | "bool"
  | "float16"
  | "bfloat16"
  | "float64"
  | "uint32"
  | "uint64";

/** Arrays that hold tensor elements: bool as bytes 0 and 1, float16 and bfloat16 as their bit patterns. */
export type TypedArray =
  | Float32Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float64Array
  | Uint32Array
  | BigUint64Array;

interface DTypeInfo {
  /** TensorProto.DataType, onnx.proto3. */
  readonly code: number;
  readonly bytes: number;
  readonly array: new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => TypedArray;
}

const INFO: Readonly<Record<DType, DTypeInfo>> = {
  float32: { code: 1, bytes: 4, array: Float32Array },
  uint8: { code: 2, bytes: 1, array: Uint8Array },
  int8: { code: 3, bytes: 1, array: Int8Array },
  uint16: { code: 4, bytes: 2, array: Uint16Array },
  int16: { code: 5, bytes: 2, array: Int16Array },
  int32: { code: 6, bytes: 4, array: Int32Array },
  int64: { code: 7, bytes: 8, array: BigInt64Array },
  bool: { code: 9, bytes: 1, array: Uint8Array },
  float16: { code: 10, bytes: 2, array: Uint16Array },
  float64: { code: 11, bytes: 8, array: Float64Array },
  uint32: { code: 12, bytes: 4, array: Uint32Array },
  uint64: { code: 13, bytes: 8, array: BigUint64Array },
  bfloat16: { code: 16, bytes: 2, array: Uint16Array },
};

/** Returns the TensorProto.DataType code of `dtype`. */
export function codeOf(dtype: DType): number {
  return INFO[dtype].code;
}

/** Returns the element type with TensorProto.DataType `code`, or undefined for one that this project has no use for. */
export function dtypeOfCode(code: number): DType | undefined {
  return (Object.keys(INFO) as DType[]).find((dtype) => INFO[dtype].code === code);
}

/** Returns the bytes that one element takes. */
export function bytesPerElement(dtype: DType): number {
  return INFO[dtype].bytes;
}

/** Makes a zero-filled array of `length` elements of `dtype`. */
export function allocate(dtype: DType, length: number): TypedArray {
  return viewOf(dtype, new ArrayBuffer(length * INFO[dtype].bytes));
}

/** Views `buffer` as elements of `dtype`. */
export function viewOf(dtype: DType, buffer: ArrayBuffer, byteOffset = 0, length?: number): TypedArray {
  return new INFO[dtype].array(buffer, byteOffset, length);
}

/** Whether `dtype` is one of the integer types, bool excluded. */
export function isInteger(dtype: DType): boolean {
  return dtype.startsWith("int") || dtype.startsWith("uint");
}
