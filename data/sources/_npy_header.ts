/** The header of NumPy's `.npy` files. */
import { showValue } from "../../src/text/plain.ts";

/** What a header says. */
export interface NpyHeader {
  /** Type of the elements, as in "<f4". */
  readonly descr: string;
  /** Whether the first index is the fastest. */
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly from: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Before it there are the magic number and the version. */
const LENGTH_AT = 8;

/** More axes than NumPy has. */
const MOST_AXES = 64;

/** @throws {RangeError} If it is no header of an array. */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const cannot = `Cannot read "${file}"`;
  if (bytes.length < LENGTH_AT + 4 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new RangeError(
      `${cannot}: it is no .npy file of NumPy${bytes.length < LENGTH_AT + 4 ? " or is cut off" : ""}`,
    );
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new RangeError(`${cannot}: it is of version ${version}.${bytes[7]} of .npy, needed is 1, 2 or 3`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = version === 1 ? 2 : 4;
  const length = size === 2 ? view.getUint16(LENGTH_AT, true) : view.getUint32(LENGTH_AT, true);
  const from = LENGTH_AT + size + length;
  if (from > bytes.length) {
    throw new RangeError(`${cannot}: its header of ${length} bytes is longer than the file; it is truncated`);
  }
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(LENGTH_AT + size, from));
  const fields = fieldsOf(text);
  if (fields === undefined) {
    throw new RangeError(`${cannot}: its header is damaged (${showValue(text.trim())})`);
  }
  const { descr, isFortran, shape } = fields;
  if (descr === undefined) {
    throw new RangeError(`${cannot}: its elements are records of several fields, an array of numbers is needed`);
  }
  return { descr, isFortran, shape, from };
}

interface Fields extends Omit<NpyHeader, "descr" | "from"> {
  /** Undefined of records. */
  readonly descr: string | undefined;
}

/** A key and its value: a text, a truth value, a tuple of integers, or a list that is not looked into. */
const FIELD = /^\s*(?:'(\w+)'|"(\w+)")\s*:\s*(?:'([^']*)'|"([^"]*)"|(True|False)|\(([\dL,\s]*)\)|(\[.*\]))\s*(?:,|$)/s;

/** Reads Python's literal of a dictionary with exactly the three keys, each once. */
function fieldsOf(text: string): Fields | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const found = new Map<string, RegExpExecArray>();
  for (let rest = inner; rest.trim() !== "";) {
    const field = FIELD.exec(rest);
    if (field === null) return undefined;
    const key = field[1] ?? field[2];
    if (found.has(key)) return undefined;
    found.set(key, field);
    rest = rest.slice(field[0].length);
  }
  const [descr, order, shape] = ["descr", "fortran_order", "shape"].map((key) => found.get(key));
  if (found.size !== 3 || descr === undefined || order?.[5] === undefined || shape?.[6] === undefined) return undefined;
  const name = descr[3] ?? descr[4];
  if (name === undefined && descr[7] === undefined) return undefined;
  const dims = dimsOf(shape[6]);
  return dims && { descr: name, isFortran: order[5] === "True", shape: dims };
}

/** Sides between commas, the last of which may follow them; Python 2 wrote an L behind each. */
function dimsOf(text: string): readonly number[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  if (parts.length > MOST_AXES || !parts.every((part) => /^\d{1,15}L?$/.test(part))) return undefined;
  return parts.map((part) => Number(part.replace("L", "")));
}
