/**
 * Files that appear whole or not at all, and files that change together.
 *
 * Content goes to a temporary name in the target's own folder (a rename is atomic only within one file system), is
 * flushed to the disk, and is renamed over the target. A killed process therefore leaves the old file or the new one.
 *
 * Several files are one commit: all are staged and flushed, then a journal with their hashes appears by one rename, which
 * is the moment that counts; then they are moved into place. Whoever finds a journal finishes it (`finishCommit`) or
 * refuses to read (`refuseUnfinished`). Old files go before new ones come, and the file that refers to the others comes
 * last, so that a program which knows nothing of journals finds a file missing, never an old one beside a new one.
 *
 * Everything here is synchronous on purpose: it happens in one turn of the event loop, so a program with a SIGINT
 * listener stops before an output or after it.
 */
import { basename, dirname, join, relative, sep } from "node:path";
import { disk, exists, isSeen, removeQuietly } from "./disk.ts";
import { OutputError } from "./errors.ts";
import { sha256 } from "./hash.ts";
import { FileLock } from "./lock.ts";
import { JOURNAL, type Journal, readJournal } from "./_journal.ts";

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
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  const content = toBytes(bytes);
  try {
    attempt(path, () => {
      refuseFolder(path);
      disk.write(temporary, content);
      disk.rename(temporary, path);
      disk.syncFolder(folder);
    });
  } catch (cause) {
    throw OutputError.in(path, { bytes: content.length, cause });
  } finally {
    removeQuietly(temporary);
  }
}

/** Files that change together. */
export interface Commit {
  /** The folder that all of them are in; it must be there. Folders within are made. */
  readonly root: string;
  /** Written in this order: put a file that refers to others (a model.json) behind them. */
  readonly files: readonly FileContent[];
  /** Files to remove with the same commit; one that is not there is none to remove. */
  readonly remove?: readonly string[];
}

/**
 * Writes, replaces and removes several files as one: after a kill at any moment all are old, or all will be new.
 *
 * What a process left that died while it moved its files is finished first.
 *
 * @throws {OutputError} If a file cannot be staged, a target is a folder or the disk is full; nothing has changed then.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { commitFiles } from "./atomic.ts";
 *
 * const root = Deno.makeTempDirSync();
 * commitFiles({
 *   root,
 *   files: [
 *     { path: `${root}/weights.bin`, bytes: new Uint8Array([1, 2, 3]) },
 *     { path: `${root}/model.json`, bytes: "{}" },
 *   ],
 * });
 * assert.deepEqual([...Deno.readDirSync(root)].map((entry) => entry.name).sort(), ["model.json", "weights.bin"]);
 * Deno.removeSync(root, { recursive: true });
 * ```
 */
export function commitFiles({ root, files, remove = [] }: Commit): void {
  using _ = lockCommits(root);
  finish(root);
  const contents = files.map(({ path, bytes }) => ({ path, bytes: toBytes(bytes) }));
  const staged = `.commit-${crypto.randomUUID()}`;
  try {
    for (const { path } of contents) {
      attempt(path, () => refuseFolder(path));
      refuseLinks(root, path);
    }
    attempt(root, () => disk.makeFolder(join(root, staged)));
    contents.forEach(({ path, bytes }, i) => attempt(path, () => disk.write(join(root, staged, `${i}`), bytes)));
    for (const { path } of contents) attempt(path, () => disk.makeFolder(dirname(path)));
    const journal: Journal = {
      staged,
      put: contents.map(({ path, bytes }) => ({ path: within(root, path), sha256: sha256(bytes) })),
      remove: remove.map((path) => within(root, path)),
    };
    attempt(root, () => publish(root, journal));
  } catch (cause) {
    // The journal first: without what is staged it could never be finished.
    removeQuietly(join(root, JOURNAL));
    if (!exists(join(root, JOURNAL))) removeQuietly(join(root, staged));
    throw OutputError.in(root, { bytes: contents.reduce((sum, { bytes }) => sum + bytes.length, 0), cause });
  }
  finish(root);
}

/** Makes the journal appear, which is the commit. */
function publish(root: string, journal: Journal): void {
  const draft = join(root, journal.staged, "journal");
  disk.write(draft, toBytes(JSON.stringify(journal)));
  disk.syncFolder(join(root, journal.staged));
  disk.rename(draft, join(root, JOURNAL));
  disk.syncFolder(root);
}

/**
 * Finishes what a process began that died while it moved its files, and removes what it had only staged.
 *
 * @returns Whether there was something to finish.
 * @throws {OutputError} If the journal or a file of it is damaged, or the folder is not writable.
 */
export function finishCommit(root: string): boolean {
  if (!exists(join(root, JOURNAL)) && leftovers(root).length === 0) return false;
  using _ = lockCommits(root);
  return finish(root);
}

/** Says why what is in `folder` cannot be read: a commit to it, or to the folder around it, was begun and not finished. */
export function describeUnfinished(folder: string): string | undefined {
  // Where nothing may be read this process has no say, and whoever reads what is there will tell.
  const root = [folder, dirname(folder)].find((root) => isSeen(join(root, JOURNAL)));
  if (root === undefined) return undefined;
  return `a process stopped while it moved files into "${root}", which --resume ${root}, or writing there again, finishes`;
}

function finish(root: string): boolean {
  const journal = readJournal(root);
  if (journal !== undefined) attempt(root, () => move(root, journal));
  for (const name of leftovers(root)) removeQuietly(join(root, name));
  return journal !== undefined;
}

/** Does what the journal says, from wherever somebody stopped doing it. */
function move(root: string, { staged, put, remove }: Journal): void {
  const files = put.map(({ path, sha256 }, i) => ({
    target: join(root, path),
    from: join(root, staged, `${i}`),
    sha256,
  }));
  for (const { target, from, sha256: expected } of files) {
    refuseLinks(root, target);
    const path = exists(from) ? from : target;
    if (exists(path) && sha256(Deno.readFileSync(path)) === expected) continue;
    throw new OutputError(`Cannot finish what was begun in "${root}": "${path}" is missing or damaged`);
  }
  const waiting = files.filter(({ from }) => exists(from));
  const old = [...remove.map((path) => join(root, path)), ...waiting.map(({ target }) => target).reverse()];
  for (const path of old) if (exists(path)) disk.remove(path);
  for (const { from, target } of waiting) disk.rename(from, target);
  for (const folder of new Set(files.map(({ target }) => dirname(target)))) disk.syncFolder(folder);
  disk.remove(join(root, JOURNAL));
  disk.syncFolder(root);
}

/** Folders of files that were staged and never committed. */
function leftovers(root: string): readonly string[] {
  if (!exists(root)) return [];
  return [...Deno.readDirSync(root)].filter(({ name, isDirectory }) =>
    isDirectory && /^\.commit-[-\da-f]{36}$/.test(name)
  )
    .map(({ name }) => name);
}

function lockCommits(root: string): FileLock {
  const lock = takeLock(root);
  if (lock !== undefined) return lock;
  throw new OutputError(`Cannot write to "${root}": another process is writing there`);
}

function takeLock(root: string): FileLock | undefined {
  try {
    return FileLock.take(join(root, ".commit.lock"));
  } catch (error) {
    // The lock's file is nothing that the caller knows of.
    throw error instanceof OutputError ? OutputError.at(root, error.cause) : error;
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
  const probe = join(path, `.probe.${crypto.randomUUID()}.tmp`);
  try {
    attempt(path, () => disk.makeFolder(path));
    attempt(path, () => disk.write(probe, new Uint8Array(0)));
  } finally {
    removeQuietly(probe);
  }
}

/** Removes what dead processes that wrote `names` left in a folder: temporary files of theirs, and probes. */
export function removeTemporaries(folder: string, names: readonly string[]): void {
  if (!exists(folder)) return;
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    const [, target] = /^\.(.+)\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/.exec(name) ?? [];
    if (isFile && (target === "probe" || names.includes(target))) removeQuietly(join(folder, name));
  }
}

/** Runs a file operation and words its failure as one of writing to `path`. */
function attempt(path: string, operation: () => void): void {
  try {
    operation();
  } catch (cause) {
    throw cause instanceof OutputError ? cause : OutputError.at(path, cause);
  }
}

function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
}

/** Journals have paths within their folder, with forward slashes, so that the folder can be moved. */
function within(root: string, path: string): string {
  return relative(root, path).split(sep).join("/");
}

/**
 * Refuses a file whose folder, within `root`, is a link: what is written there would lie somewhere else.
 *
 * @throws {OutputError} If it is one.
 */
export function refuseLinks(root: string, path: string): void {
  const folders = relative(root, dirname(path)).split(sep).filter((part) => part !== "");
  folders.forEach((_, i) => {
    const folder = join(root, ...folders.slice(0, i + 1));
    if (!isLink(folder)) return;
    throw new OutputError(`Cannot write to "${path}": "${folder}" is a link, a folder is needed`);
  });
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false; // what is not there is made, and whoever makes it says why it cannot be
  }
}

function refuseFolder(path: string): void {
  if (exists(path) && Deno.lstatSync(path).isDirectory) throw new Deno.errors.IsADirectory();
}
