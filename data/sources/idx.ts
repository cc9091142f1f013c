/** IDX, the file format of MNIST: a magic number, the sides, then bytes. Source: Y. LeCun, "The MNIST database". */
import { gunzipSync } from "node:zlib";
import { firstLine } from "./_files.ts";

/** The third byte of the magic number for unsigned bytes, the only element type that MNIST uses. */
const UBYTE = 0x08;

/** An array of unsigned bytes with its sides. */
export interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** Unpacks gzip if the bytes are gzip, whatever the file is called. */
function unpack(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    const because = error instanceof Error ? firstLine(error.message) : String(error);
    throw new RangeError(`Cannot read "${file}": it is no whole gzip file (${because})`, { cause: error });
  }
}

/**
 * Reads an IDX file of unsigned bytes, gzipped or not.
 *
 * @param packed The file's bytes.
 * @param expected The file's path, for messages, and how many sides its array must have.
 * @throws {RangeError} If the magic number, the number of sides or the length is wrong.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseIdx } from "./idx.ts";
 *
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 5);
 * assert.deepEqual([...parseIdx(labels, { file: "labels", rank: 1 }).data], [7, 5]);
 * ```
 */
export function parseIdx(packed: Uint8Array, expected: { readonly file: string; readonly rank: number }): IdxArray {
  const { file, rank } = expected;
  const bytes = unpack(packed, file);
  const cannot = `Cannot read "${file}"`;
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new RangeError(`${cannot}: it has ${bytes.length} bytes, needed is an IDX header of ${header}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = view.getUint32(0);
  if (magic !== UBYTE * 256 + rank) {
    const hex = (n: number) => `0x${n.toString(16).padStart(8, "0")}`;
    throw new RangeError(
      `${cannot}: its magic number is ${hex(magic)}, needed is ${hex(UBYTE * 256 + rank)} ` +
        `(IDX, unsigned bytes, ${rank} ${rank === 1 ? "side" : "sides"})`,
    );
  }
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = dims.reduce((a, b) => a * b, 1);
  if (bytes.length - header !== size) {
    throw new RangeError(
      `${cannot}: ${bytes.length - header} bytes follow its header, ` +
        `its sides ${dims.join("x")} need ${size}${bytes.length - header < size ? "; it is truncated" : ""}`,
    );
  }
  return { dims, data: bytes.subarray(header) };
}
