/** Reads whole files within a bound: what is no file, or larger than it can be, is refused before it is read. */

/** Says why a file is not read, as the end of a sentence: "it is a folder, a file is needed". */
export class UnreadableFileError extends Error {
  override readonly name: string = "UnreadableFileError";
}

/** What a file may hold. */
export interface ReadLimits {
  /** Most bytes. */
  readonly most: number;
}

/**
 * Reads a file of at most so many bytes.
 *
 * Devices, pipes and sockets are refused: they may never end, or wait for ever to begin.
 *
 * @throws {UnreadableFileError} If it is no file, or too large.
 * @throws {Error} As Deno says it, if it is not there or may not be read.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readFileWithin } from "./read.ts";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "12345");
 * assert.equal((await readFileWithin(path, { most: 5 })).length, 5);
 * await assert.rejects(readFileWithin(path, { most: 4 }), /5 bytes, at most 4 bytes can be read/);
 * await Deno.remove(path);
 * ```
 */
export async function readFileWithin(path: string, { most }: ReadLimits): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await statFile(path);
  if (size > most) throw tooLarge(size, most);
  using file = await Deno.open(path);
  // A byte more shows whether the file has grown meanwhile, or did not say how long it is.
  let bytes = new Uint8Array(size + 1);
  let length = 0;
  for (;;) {
    if (length > most) throw tooLarge(length, most);
    if (length === bytes.length) bytes = grow(bytes, most);
    const count = await file.read(bytes.subarray(length));
    if (count === null) return bytes.subarray(0, length);
    length += count;
  }
}

/**
 * Returns what is known of a file.
 *
 * @throws {UnreadableFileError} If it is no file.
 * @throws {Error} As Deno says it, if it is not there or may not be looked at.
 */
export async function statFile(path: string): Promise<Deno.FileInfo> {
  const info = await Deno.stat(path);
  if (info.isFile) return info;
  throw new UnreadableFileError(`it is a ${info.isDirectory ? "folder" : "device or a pipe"}, a file is needed`);
}

/** Reads a text of at most so many bytes, in UTF-8. */
export async function readTextWithin(path: string, limits: ReadLimits): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFileWithin(path, limits));
  } catch (cause) {
    throw cause instanceof TypeError ? new UnreadableFileError("it is no text in UTF-8", { cause }) : cause;
  }
}

/** Writes a number of bytes for people. */
export function formatBytes(bytes: number): string {
  const unit = UNITS.findIndex((_, i) => bytes < 1024 ** (i + 1));
  const power = unit < 0 ? UNITS.length - 1 : unit;
  return `${power === 0 ? bytes : Number((bytes / 1024 ** power).toPrecision(3))} ${UNITS[power]}`;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

function tooLarge(size: number, most: number): UnreadableFileError {
  return new UnreadableFileError(`it has ${formatBytes(size)}, at most ${formatBytes(most)} can be read`);
}

function grow(bytes: Uint8Array<ArrayBuffer>, most: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(Math.max(2 * bytes.length, 4096), most + 1));
  larger.set(bytes);
  return larger;
}
