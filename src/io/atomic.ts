/**
 * Files that appear whole or not at all.
 *
 * Content goes to a temporary name in the target's own folder (a rename is atomic only within one file system), is
 * flushed to the disk, and is renamed over the target. A killed process therefore leaves the old file or the new one.
 *
 * Everything here is synchronous on purpose: it happens in one turn of the event loop, so a program with a SIGINT
 * listener stops before an output or after it, and leaves no temporary file.
 */
import { basename, dirname, join } from "node:path";
import { OutputError } from "./errors.ts";

export { OutputError } from "./errors.ts";

/** One file of an output. */
export interface FileContent {
  readonly path: string;
  /** Text is written as UTF-8. */
  readonly bytes: Uint8Array | string;
}

/**
 * Writes one file so that a reader sees the old content or the new, never a part.
 *
 * @throws {OutputError} If the folder is missing or not writable, or the disk is full; the old file is untouched then.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { writeFileAtomic } from "./atomic.ts";
 *
 * const dir = Deno.makeTempDirSync();
 * writeFileAtomic(`${dir}/report.json`, "{}");
 * assert.equal(Deno.readTextFileSync(`${dir}/report.json`), "{}");
 * Deno.removeSync(dir, { recursive: true });
 * ```
 */
export function writeFileAtomic(path: string, bytes: Uint8Array | string): void {
  commitFiles([{ path, bytes }]);
}

/**
 * Writes several files that belong together: all are staged first, then all are renamed in the order given.
 *
 * Put the file that refers to the others (a model.json) last. Without a SIGINT listener, and always with SIGKILL, a
 * process that dies between two renames, which lie some microseconds apart, leaves new first files beside old last ones.
 *
 * @throws {OutputError} If a file cannot be staged or a target is a folder; no target has changed then.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { commitFiles } from "./atomic.ts";
 *
 * const dir = Deno.makeTempDirSync();
 * commitFiles([
 *   { path: `${dir}/weights.bin`, bytes: new Uint8Array([1, 2, 3]) },
 *   { path: `${dir}/model.json`, bytes: "{}" },
 * ]);
 * assert.deepEqual([...Deno.readDirSync(dir)].map((entry) => entry.name).sort(), ["model.json", "weights.bin"]);
 * Deno.removeSync(dir, { recursive: true });
 * ```
 */
export function commitFiles(files: readonly FileContent[]): void {
  const staged = files.map((file) => ({ ...file, temporary: temporaryNameFor(file.path) }));
  try {
    for (const { path, bytes, temporary } of staged) attempt(path, () => writeThrough(temporary, bytes));
    for (const { path } of staged) attempt(path, () => refuseFolder(path));
    for (const { path, temporary } of staged) attempt(path, () => Deno.renameSync(temporary, path));
  } finally {
    staged.forEach(({ temporary }) => removeIfThere(temporary));
  }
}

/**
 * Makes a folder if there is none, and proves that a file can be written there.
 *
 * @throws {OutputError} If the folder cannot be made, is a file, or takes no files.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ensureWritableDirectory, OutputError } from "./atomic.ts";
 *
 * const dir = Deno.makeTempDirSync();
 * ensureWritableDirectory(`${dir}/a/b`);
 * Deno.writeTextFileSync(`${dir}/file`, "");
 * assert.throws(() => ensureWritableDirectory(`${dir}/file`), OutputError);
 * Deno.removeSync(dir, { recursive: true });
 * ```
 */
export function ensureWritableDirectory(path: string): void {
  const probe = temporaryNameFor(join(path, "probe"));
  try {
    attempt(path, () => Deno.mkdirSync(path, { recursive: true }));
    attempt(path, () => Deno.writeFileSync(probe, new Uint8Array(0), { createNew: true }));
  } finally {
    removeIfThere(probe);
  }
}

/** Runs a file operation and words its failure as one of writing to `path`. */
function attempt(path: string, operation: () => void): void {
  try {
    operation();
  } catch (cause) {
    throw OutputError.at(path, cause);
  }
}

/** Hidden, unique name beside `path`: two writers of one target do not meet. */
function temporaryNameFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
}

function writeThrough(temporary: string, bytes: Uint8Array | string): void {
  const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  using file = Deno.openSync(temporary, { write: true, createNew: true });
  for (let done = 0; done < content.length;) done += file.writeSync(content.subarray(done));
  file.syncSync();
}

/** A rename onto a folder fails anyway, but only after the renames before it. */
function refuseFolder(path: string): void {
  if (isFolder(path)) throw new Deno.errors.IsADirectory();
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // nothing there: the rename makes the file
  }
}

function removeIfThere(temporary: string): void {
  try {
    Deno.removeSync(temporary);
  } catch {
    // Renamed by now, or never made: nothing is left behind.
  }
}
