/**
 * A file of pictures: their bytes one after another, and behind them what vouches for them.
 *
 *     pictures   [count, bytes of a picture]; those that there are none of are zeros
 *     checks     [count] CRC-32 of each picture
 *     notes      what is known of the pictures besides, as JSON
 *     end        magic, count, bytes of a picture, bytes of the notes, CRC-32 of checks, notes and these
 *
 * All numbers are 32 bits, little-endian. A file appears under its name when it is whole.
 */
import { crc32 } from "node:zlib";
import { basename, dirname, join } from "node:path";
import { disk, removeQuietly } from "../../src/io/disk.ts";
import { OutputError } from "../../src/io/errors.ts";
import { parseJson } from "../../src/text/json.ts";

const MAGIC = new TextEncoder().encode("tfjspix1");
const END_BYTES = MAGIC.length + 16;

/** Most bytes of what is known besides: a few hundred a picture. */
const MOST_NOTES = 2 ** 30;

/** What a file is to hold. */
export interface PictureFileShape {
  readonly count: number;
  /** Bytes of a picture. */
  readonly width: number;
}

/** Writes a file, under a name that nobody reads until it is whole. */
export class PictureFileWriter {
  readonly #file: Deno.FsFile;
  readonly #staged: string;
  readonly #checks: Uint32Array;

  /** @throws {OutputError} If the folder cannot be written to. */
  constructor(private readonly path: string, private readonly shape: PictureFileShape) {
    this.#staged = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
    this.#checks = new Uint32Array(shape.count);
    this.#file = this.#attempt(() => {
      disk.makeFolder(dirname(path));
      return Deno.openSync(this.#staged, { write: true, createNew: true });
    });
  }

  /** Writes a picture; they may come in any order. */
  put(picture: number, bytes: Uint8Array): void {
    this.#checks[picture] = crc32(bytes);
    this.#attempt(() => writeAt(this.#file, bytes, picture * this.shape.width));
  }

  /** Has the file appear. */
  finish(notes: unknown): void {
    const { count, width } = this.shape;
    const text = new TextEncoder().encode(JSON.stringify(notes));
    const end = new Uint8Array(END_BYTES);
    const view = new DataView(end.buffer);
    end.set(MAGIC);
    [count, width, text.length].forEach((number, i) => view.setUint32(MAGIC.length + 4 * i, number, true));
    const checks = new Uint8Array(this.#checks.buffer);
    view.setUint32(END_BYTES - 4, checkOf(checks, text, end), true);
    this.#attempt(() => {
      writeAt(this.#file, checks, count * width);
      writeAt(this.#file, text, count * width + checks.length);
      writeAt(this.#file, end, count * width + checks.length + text.length);
      this.#file.syncSync();
      this.#file.close();
      disk.rename(this.#staged, this.path);
      disk.syncFolder(dirname(this.path));
    });
  }

  /** Leaves nothing behind. */
  abandon(): void {
    try {
      this.#file.close();
    } catch {
      // It is closed already.
    }
    removeQuietly(this.#staged);
  }

  #attempt<T>(operation: () => T): T {
    try {
      return operation();
    } catch (cause) {
      const { count, width } = this.shape;
      throw cause instanceof OutputError ? cause : OutputError.in(dirname(this.path), { bytes: count * width, cause });
    }
  }
}

function writeAt(file: Deno.FsFile, bytes: Uint8Array, at: number): void {
  file.seekSync(at, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

/** A file that is open. */
export interface OpenPictureFile {
  readonly path: string;
  readonly width: number;
  /** CRC-32 of each picture. */
  readonly checks: Uint32Array;
  readonly notes: unknown;
}

/**
 * Opens a file of so many pictures of such a size; its pictures are checked when they are read.
 *
 * @returns Undefined if there is none, or it is damaged or of something else.
 */
export function openPictureFile(path: string, { count, width }: PictureFileShape): OpenPictureFile | undefined {
  try {
    using file = Deno.openSync(path);
    const size = file.statSync().size;
    const end = readAt(file, { at: size - END_BYTES, bytes: END_BYTES });
    const view = new DataView(end.buffer);
    const [itsCount, itsWidth, notesBytes] = [0, 1, 2].map((i) => view.getUint32(MAGIC.length + 4 * i, true));
    const isOurs = MAGIC.every((byte, i) => end[i] === byte) && itsCount === count && itsWidth === width;
    const whole = count * width + 4 * count + notesBytes + END_BYTES;
    if (!isOurs || notesBytes > MOST_NOTES || size !== whole) return undefined;
    const checks = readAt(file, { at: count * width, bytes: 4 * count });
    const notes = readAt(file, { at: count * width + 4 * count, bytes: notesBytes });
    if (view.getUint32(END_BYTES - 4, true) !== checkOf(checks, notes, end)) return undefined;
    return {
      path,
      width,
      checks: new Uint32Array(checks.buffer),
      notes: parseJson(new TextDecoder().decode(notes)),
    };
  } catch {
    return undefined;
  }
}

/** @throws {Deno.errors.UnexpectedEof} If the file ends before. */
function readAt(
  file: Deno.FsFile,
  { at, bytes }: { readonly at: number; readonly bytes: number },
): Uint8Array<ArrayBuffer> {
  const into = new Uint8Array(bytes);
  file.seekSync(at, Deno.SeekMode.Start);
  for (let done = 0; done < bytes;) {
    const read = file.readSync(into.subarray(done));
    if (read === null) throw new Deno.errors.UnexpectedEof();
    done += read;
  }
  return into;
}

function checkOf(checks: Uint8Array, notes: Uint8Array, end: Uint8Array): number {
  return crc32(end.subarray(0, END_BYTES - 4), crc32(notes, crc32(checks)));
}
