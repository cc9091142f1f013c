/** A folder that results are put into, all at once. */
import { join } from "node:path";
import { commitFiles, type FileContent } from "../src/io/atomic.ts";
import { exists, removeQuietly } from "../src/io/disk.ts";
import type { FileLock } from "../src/io/lock.ts";
import { isResult, removeEmpty } from "./_files.ts";
import { PATHS } from "./_outputs.ts";

/** The folder in the results' folder that is ours. */
export const OURS = "run";

/** Files there that a run leaves: what it was asked, and what came out. */
const RECORDS = ["run.json", "results.json"].map((name) => `${OURS}/${name}`);

/** What is held of a folder. */
export interface Claim {
  readonly lock: FileLock;
  /** Folders that were made for it, innermost first. */
  readonly made: readonly string[];
}

/** A folder that is open: this process alone works in it. */
export class ResultFolder {
  readonly #lock: FileLock;
  readonly #made: readonly string[];

  /** Takes a folder whose lock is held. */
  constructor(readonly dir: string, { lock, made }: Claim) {
    this.#lock = lock;
    this.#made = made;
  }

  /** Puts results in place, all at once, instead of those that are there; a run that was begun there is forgotten. */
  put(files: readonly FileContent[]): void {
    this.commit(files, [...resultsIn(this.dir), ...RECORDS.filter((name) => exists(join(this.dir, name)))]);
  }

  /** Lets others work in the folder. Nothing of ours stays if nothing was put there. */
  close(): void {
    this.#lock.release();
    removeEmpty(this.#made);
    // It had the lock.
    removeEmpty([join(this.dir, OURS)]);
  }

  /** Puts `files` in place, removes those of `replaced` that are not among them, and the states of training. */
  protected commit(files: readonly FileContent[], replaced: readonly string[]): void {
    const written = new Set(files.map(({ path }) => path));
    commitFiles({
      root: this.dir,
      files: files.map(({ path, bytes }) => ({ path: join(this.dir, path), bytes })),
      remove: replaced.filter((name) => !written.has(name)).map((name) => join(this.dir, name)),
    });
    removeStates(this.dir);
  }
}

/** Lists the results in `dir`. */
export function resultsIn(dir: string): readonly string[] {
  const own = [...Deno.readDirSync(dir)].map(({ name }) => name).filter((name) => isResult(name));
  return [...new Set([...own, ...PATHS.filter((path) => exists(join(dir, path)))])];
}

/** The folder of decoded pictures, beside the states of stages. */
export const CACHE = "cache";

/** Removes the states of all stages, and decoded pictures but where a run that begins has just decoded them. */
export function removeStates(dir: string, { keepCache = false } = {}): void {
  for (const { name, isDirectory } of Deno.readDirSync(join(dir, OURS))) {
    if (isDirectory && !(keepCache && name === CACHE)) removeQuietly(join(dir, OURS, name));
  }
}
