/**
 * NumPy's `.npy` files: one array of numbers, whose header is checked against the file before memory is taken.
 *
 * Source: NumPy's enhancement proposal 1 and `numpy.lib.format`: the string \x93NUMPY, a version, the header's length (2
 * bytes of version 1, else 4), the header, a literal of a Python dictionary with "descr", "fortran_order" and "shape"; then
 * the elements.
 */
import { showValue } from "../../src/text/plain.ts";
import { readBytes } from "./_files.ts";
import { parseNpyHeader } from "./_npy_header.ts";

/** An array as its file has it. */
export interface NpyArray {
  /** Its path. */
  readonly file: string;
  readonly shape: readonly number[];
  readonly type: NpyType;
  /** Elements in C order, from `first` on, so many; as numbers, those of integers of 64 bits rounded. */
  readonly numbers: (first: number, count: number) => Float64Array;
}

/** A type of elements. */
export interface NpyType {
  /** As in "float32". */
  readonly name: string;
  readonly bytes: number;
}

interface Reader extends NpyType {
  readonly read: (view: DataView, at: number, isLittle: boolean) => number;
  /** Reads elements in this machine's order of bytes at once; absent: JavaScript has no such array. */
  readonly readAll?: (bytes: ArrayBuffer) => Float64Array;
}

/** Whether this machine's lowest byte comes first. */
const IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** What arrays can hold, by NumPy's codes. */
const TYPES: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["b1", { name: "bool", bytes: 1, read: (view, at) => view.getUint8(at) === 0 ? 0 : 1 }],
  ["i1", {
    name: "int8",
    bytes: 1,
    read: (view, at) => view.getInt8(at),
    readAll: (bytes) => new Float64Array(new Int8Array(bytes)),
  }],
  ["u1", {
    name: "uint8",
    bytes: 1,
    read: (view, at) => view.getUint8(at),
    readAll: (bytes) => new Float64Array(new Uint8Array(bytes)),
  }],
  ["i2", {
    name: "int16",
    bytes: 2,
    read: (view, at, little) => view.getInt16(at, little),
    readAll: (bytes) => new Float64Array(new Int16Array(bytes)),
  }],
  ["u2", {
    name: "uint16",
    bytes: 2,
    read: (view, at, little) => view.getUint16(at, little),
    readAll: (bytes) => new Float64Array(new Uint16Array(bytes)),
  }],
  ["i4", {
    name: "int32",
    bytes: 4,
    read: (view, at, little) => view.getInt32(at, little),
    readAll: (bytes) => new Float64Array(new Int32Array(bytes)),
  }],
  ["u4", {
    name: "uint32",
    bytes: 4,
    read: (view, at, little) => view.getUint32(at, little),
    readAll: (bytes) => new Float64Array(new Uint32Array(bytes)),
  }],
  ["i8", { name: "int64", bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) }],
  ["u8", { name: "uint64", bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) }],
  ["f2", { name: "float16", bytes: 2, read: readHalf }],
  ["f4", {
    name: "float32",
    bytes: 4,
    read: (view, at, little) => view.getFloat32(at, little),
    readAll: (bytes) => new Float64Array(new Float32Array(bytes)),
  }],
  ["f8", {
    name: "float64",
    bytes: 8,
    read: (view, at, little) => view.getFloat64(at, little),
    readAll: (bytes) => new Float64Array(new Float64Array(bytes)),
  }],
]);

/** What NumPy calls other types. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["O", "Python objects, which only Python can read"],
  ["c", "complex numbers"],
  ["S", "text"],
  ["U", "text"],
  ["V", "records"],
  ["M", "dates"],
  ["m", "times"],
  ["f", "floats of a size that only some machines have"],
]);

/**
 * Reads a file.
 *
 * @throws {Error} If it cannot be read.
 * @throws {RangeError} If it is no such file, holds other things than numbers, or more or fewer of them than it says.
 */
export async function readNpy(file: string): Promise<NpyArray> {
  return parseNpy(await readBytes(file), file);
}

/**
 * Reads the bytes of a file.
 *
 * @throws {RangeError} If they are none of such a file, hold other things than numbers, or more or fewer than they say.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseNpy } from "./npy.ts";
 *
 * const header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }\n";
 * const bytes = new TextEncoder().encode(`?NUMPY\x01\x00${String.fromCharCode(header.length)}\x00${header}abcd`);
 * bytes[0] = 0x93;
 * const { shape, numbers } = parseNpy(bytes, "letters.npy");
 * assert.deepEqual([shape, [...numbers(0, 4)]], [[2, 2], [97, 99, 98, 100]]);
 * ```
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const { descr, isFortran, shape, from } = parseNpyHeader(bytes, file);
  const { type, isLittle } = typeOf(descr, file);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const has = bytes.length - from;
  const needs = count * type.bytes;
  if (has !== needs) {
    throw new RangeError(
      `Cannot read "${file}": ${has} bytes follow its header, its shape (${shape.join(", ")}) of ${type.name} needs ` +
        `${needs}${has < needs ? "; it is truncated" : ""}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, has);
  const place = isFortran && shape.length > 1 ? fortranPlace(shape) : undefined;
  const isNative = type.bytes === 1 || isLittle === IS_LITTLE;
  const numbers = (first: number, count: number) => {
    if (place === undefined && isNative && type.readAll !== undefined) {
      return type.readAll(bytes.slice(from + first * type.bytes, from + (first + count) * type.bytes).buffer);
    }
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      values[i] = type.read(view, (place === undefined ? first + i : place(first + i)) * type.bytes, isLittle);
    }
    return values;
  };
  return { file, shape, type, numbers };
}

function typeOf(descr: string, file: string): { readonly type: Reader; readonly isLittle: boolean } {
  const [, order, code] = /^([<>|=]?)(.*)$/s.exec(descr) ?? [];
  const type = TYPES.get(code);
  if (type !== undefined) return { type, isLittle: order !== ">" };
  const what = OTHERS.get(code[0]);
  throw new RangeError(
    `Cannot read "${file}": its elements are ${what === undefined ? "" : `${what} `}(${
      showValue(descr)
    }), needed are ` +
      `numbers: bool, integers, float16, float32 or float64`,
  );
}

/** Where the element that is the i-th in C order lies where the first index is the fastest. */
function fortranPlace(shape: readonly number[]): (i: number) => number {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, dim) => product * dim, 1));
  return (i) => {
    let [rest, place] = [i, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return place;
  };
}

/** Source: IEEE 754, binary16. */
function readHalf(view: DataView, at: number, isLittle: boolean): number {
  const bits = view.getUint16(at, isLittle);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 31
    ? (fraction === 0 ? Infinity : NaN)
    : exponent === 0
    ? fraction * 2 ** -24
    : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits < 0x8000 ? size : -size;
}
