/**
 * States of something that goes on for long, of which the newest is kept: a folder of numbered folders.
 *
 * A state is written beside the one before it, under a name that nobody reads, flushed, and then renamed to the next
 * number, which is the moment that counts; the one before it is removed after that. Hashes are checked on reading.
 */
import { join } from "node:path";
import { disk, exists, removeQuietly } from "./disk.ts";
import { CheckpointError, OutputError } from "./errors.ts";
import { showValue } from "../text/plain.ts";
import { sha256 } from "./hash.ts";
import { readJson, writeJson } from "./json.ts";
import { FileLock } from "./lock.ts";

/** A state: plain data, and bytes by name. */
export interface Snapshot {
  readonly state: unknown;
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}

/** What is written is called so, and read only if it is of this form. */
const FORMAT = "tfjs-qat checkpoint";
const VERSION = 1;

/** The blobs one after another, the data, and what makes both trustworthy. */
const [DATA, STATE, MANIFEST] = ["data.bin", "state.json", "manifest.json"];

/** The states in one folder. Whoever holds this object holds the folder's lock. */
export class Snapshots {
  readonly #lock: FileLock;

  private constructor(readonly dir: string, lock: FileLock) {
    this.#lock = lock;
  }

  /**
   * Opens a folder, which is made if it is not there, and removes what dead processes left unfinished in it.
   *
   * @throws {OutputError} If the folder cannot be written to, or somebody else has it open.
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { Snapshots } from "./snapshots.ts";
   *
   * const dir = Deno.makeTempDirSync();
   * const snapshots = Snapshots.open(dir);
   * snapshots.write({ state: { step: 3 }, blobs: { weights: Uint8Array.of(1, 2) } });
   * assert.deepEqual(snapshots.read(), { state: { step: 3 }, blobs: { weights: Uint8Array.of(1, 2) } });
   * snapshots.close();
   * Deno.removeSync(dir, { recursive: true });
   * ```
   */
  static open(dir: string): Snapshots {
    try {
      disk.makeFolder(dir);
    } catch (cause) {
      throw OutputError.at(dir, cause);
    }
    const lock = FileLock.take(join(dir, ".lock"));
    if (lock === undefined) throw new OutputError(`Cannot write to "${dir}": another process is writing there`);
    const snapshots = new Snapshots(dir, lock);
    snapshots.#sweep();
    return snapshots;
  }

  /**
   * Returns the newest state; undefined if there is none.
   *
   * @throws {CheckpointError} If it is damaged or of another version.
   */
  read(): Snapshot | undefined {
    const newest = numbersIn(this.dir).at(-1);
    return newest === undefined ? undefined : readFolder(join(this.dir, nameOf(newest)));
  }

  /**
   * Writes a state, which then is the only one.
   *
   * @returns How many bytes it has.
   * @throws {OutputError} If it cannot be written; the state before it is untouched then.
   */
  write(snapshot: Snapshot): number {
    const files = filesOf(snapshot);
    const bytes = sizeOf(files.flatMap(({ parts }) => parts));
    const staged = join(this.dir, `.state.${crypto.randomUUID()}.tmp`);
    try {
      const newest = numbersIn(this.dir).at(-1) ?? 0;
      disk.makeFolder(staged);
      for (const { name, parts } of files) disk.write(join(staged, name), ...parts);
      disk.syncFolder(staged);
      disk.rename(staged, join(this.dir, nameOf(newest + 1)));
      disk.syncFolder(this.dir);
    } catch (cause) {
      removeQuietly(staged);
      throw OutputError.in(this.dir, { bytes, cause });
    }
    this.#sweep();
    return bytes;
  }

  /** Lets others open the folder. */
  close(): void {
    this.#lock.release();
  }

  /** States before the newest, whose removal somebody did not come to, and what was staged only. */
  #sweep(): void {
    for (const number of numbersIn(this.dir).slice(0, -1)) removeQuietly(join(this.dir, nameOf(number)));
    for (const { name } of Deno.readDirSync(this.dir)) {
      if (/^\.state\.[-\da-f]{36}\.tmp$/.test(name)) removeQuietly(join(this.dir, name));
    }
  }
}

/** Whether there is a state in `dir`. */
export function hasSnapshot(dir: string): boolean {
  return exists(dir) && numbersIn(dir).length > 0;
}

function nameOf(number: number): string {
  return `${number}`.padStart(6, "0");
}

/** Numbers of the states in `dir`, in their order. */
function numbersIn(dir: string): readonly number[] {
  return [...Deno.readDirSync(dir)].filter(({ name, isDirectory }) => isDirectory && /^\d{6,}$/.test(name))
    .map(({ name }) => Number(name)).sort((a, b) => a - b);
}

/** A file to write: its parts stand one after another. */
interface Content {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

/** Returns the files of a state; what vouches for the others comes last. */
function filesOf({ state, blobs }: Snapshot): readonly Content[] {
  const encode = (value: unknown) => [new TextEncoder().encode(writeJson(value))];
  const sizes = Object.entries(blobs).map(([name, { length }]) => ({ name, bytes: length }));
  const files: readonly Content[] = [
    { name: DATA, parts: Object.values(blobs) },
    { name: STATE, parts: encode({ state, blobs: sizes }) },
  ];
  const described = files.map(({ name, parts }) => ({ name, bytes: sizeOf(parts), sha256: sha256(...parts) }));
  return [...files, { name: MANIFEST, parts: encode({ format: FORMAT, version: VERSION, files: described }) }];
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function readFolder(dir: string): Snapshot {
  const { version, files } = readManifest(dir);
  if (version !== VERSION) {
    throw new CheckpointError(
      `Cannot go on from "${dir}": it is of version ${showValue(version)}, needed is ${VERSION}`,
    );
  }
  const [data, state] = [DATA, STATE].map((name) => readTrusted(dir, name, files));
  // The hash says that we wrote it.
  const described = readJson(new TextDecoder().decode(state)) as {
    readonly state: unknown;
    readonly blobs: readonly { readonly name: string; readonly bytes: number }[];
  };
  let at = 0;
  const blobs = described.blobs.map(({ name, bytes }) => [name, data.slice(at, at += bytes)]);
  return { state: described.state, blobs: Object.fromEntries(blobs) };
}

/** What a manifest says, as far as it has been looked at. */
interface Manifest {
  readonly version: unknown;
  readonly files: readonly unknown[];
}

function readManifest(dir: string): Manifest {
  try {
    const { format, version, files } = Object(readJson(Deno.readTextFileSync(join(dir, MANIFEST))));
    if (format === FORMAT && Array.isArray(files)) return { version, files };
  } catch {
    // No file, or no JSON.
  }
  throw damaged(dir, MANIFEST);
}

/** Reads a file whose size and hash are those of the manifest. */
function readTrusted(dir: string, name: string, files: readonly unknown[]): Uint8Array {
  const { bytes, sha256: expected } = Object(files.find((file) => Object(file).name === name));
  const path = join(dir, name);
  // The size first: a file that is too large is not read.
  if (!exists(path) || Deno.statSync(path).size !== bytes) throw damaged(dir, name);
  const content = Deno.readFileSync(path);
  if (sha256(content) !== expected) throw damaged(dir, name);
  return content;
}

function damaged(dir: string, file: string): CheckpointError {
  return new CheckpointError(`Cannot go on from "${dir}": its ${file} is missing or damaged`);
}
