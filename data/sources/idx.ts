/** IDX, the file format of MNIST: a magic number, the sides, then bytes. Source: Y. LeCun, "The MNIST database". */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { formatBytes } from "../../src/io/read.ts";
import { messageOf, readBytes } from "./_files.ts";

/** The third byte of the magic number for unsigned bytes, the only element type that MNIST uses. */
const UBYTE = 0x08;

/** An array of unsigned bytes with its sides. */
export interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/** Which IDX file is read. */
export interface IdxFile {
  /** Its path. */
  readonly file: string;
  /** How many sides its array must have. */
  readonly rank: number;
}

/** Most bytes of an array: more fit in no one. */
const MOST_BYTES = 2 ** 31;

/**
 * Reads an IDX file of unsigned bytes, gzipped or not.
 *
 * What gzip holds is expanded no further than the sides say that come first in it.
 *
 * @throws {Error} If the file cannot be read.
 * @throws {RangeError} If it is damaged.
 */
export async function readIdx(idx: IdxFile): Promise<IdxArray> {
  const bytes = await readBytes(idx.file);
  return parseIdx(isGzip(bytes) ? await unpack(bytes, idx) : bytes, idx);
}

/** Whether the bytes are gzip, whatever the file is called. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

async function unpack(packed: Uint8Array, idx: IdxFile): Promise<Uint8Array> {
  const cannot = `Cannot read "${idx.file}"`;
  const header = headerOf(idx);
  // Of a file that ends before its header ends, the parser says so.
  const { length } = readHeader(await gunzip(packed, header, idx), idx);
  const whole = header + length;
  const promised = new DataView(packed.buffer, packed.byteOffset).getUint32(Math.max(packed.length - 4, 0), true);
  if (promised > whole) {
    throw new RangeError(`${cannot}: its gzip promises ${promised} bytes, its sides need ${whole}`);
  }
  if (whole > packed.length * MOST_RATIO) {
    throw new RangeError(`${cannot}: its sides need ${whole} bytes, ${packed.length} bytes of gzip cannot hold them`);
  }
  // One more, so that what is too long shows.
  return await gunzip(packed, whole + 1, idx);
}

/** No two bits of deflate stand for more than 258 bytes. */
const MOST_RATIO = 1032;

/** Expands gzip, but no further than to `most` bytes. */
async function gunzip(packed: Uint8Array, most: number, { file }: IdxFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(most);
  let length = 0;
  try {
    const stream = Readable.from([packed]).pipe(createGunzip());
    for await (const chunk of stream) {
      const part: Uint8Array = chunk.subarray(0, most - length);
      bytes.set(part, length);
      length += part.length;
      if (length === most) break;
    }
  } catch (error) {
    throw new RangeError(`Cannot read "${file}": it is no whole gzip file (${messageOf(error)})`, { cause: error });
  }
  return bytes.subarray(0, length);
}

/**
 * Parses the bytes of an IDX file of unsigned bytes.
 *
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
export function parseIdx(bytes: Uint8Array, idx: IdxFile): IdxArray {
  const { dims, length } = readHeader(bytes, idx);
  const data = bytes.subarray(headerOf(idx));
  if (data.length === length) return { dims, data };
  throw new RangeError(
    `Cannot read "${idx.file}": ${data.length} bytes follow its header, ` +
      `its sides ${dims.join("x")} need ${length}${data.length < length ? "; it is truncated" : ""}`,
  );
}

function headerOf({ rank }: IdxFile): number {
  return 4 + 4 * rank;
}

interface Header {
  readonly dims: readonly number[];
  /** Bytes that follow. */
  readonly length: number;
}

function readHeader(bytes: Uint8Array, idx: IdxFile): Header {
  const { file, rank } = idx;
  const cannot = `Cannot read "${file}"`;
  if (bytes.length < headerOf(idx)) {
    throw new RangeError(`${cannot}: it has ${bytes.length} bytes, needed is an IDX header of ${headerOf(idx)}`);
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
  const length = dims.reduce((a, b) => a * b, 1);
  if (length <= MOST_BYTES) return { dims, length };
  throw new RangeError(
    `${cannot}: its sides ${dims.join("x")} need ${formatBytes(length)}, at most ${
      formatBytes(MOST_BYTES)
    } can be read`,
  );
}
