/**
 * Locks that end with their process.
 *
 * The operating system holds them (flock, LockFileEx), so a process that was killed leaves none behind, and no number of
 * a process has to be believed.
 */
import { OutputError } from "./errors.ts";

/** A lock that this process has. */
export class FileLock {
  readonly #file: Deno.FsFile;

  private constructor(private readonly path: string, file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock at `path`, a file of its own that is made for it; undefined if somebody else has it.
   *
   * @throws {OutputError} If no file can be made there, or its file system knows no locks.
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { FileLock } from "./lock.ts";
   *
   * const dir = Deno.makeTempDirSync();
   * const lock = FileLock.take(`${dir}/lock`)!;
   * assert.equal(FileLock.take(`${dir}/lock`), undefined);
   * lock.release();
   * assert.deepEqual([...Deno.readDirSync(dir)], []);
   * Deno.removeSync(dir);
   * ```
   */
  static take(path: string): FileLock | undefined {
    for (;;) {
      const file = openLock(path);
      try {
        if (!file.tryLockSync(true)) {
          file.close();
          return undefined;
        }
      } catch (cause) {
        file.close();
        throw OutputError.at(path, cause);
      }
      // Whoever had the lock may have removed the file between our opening and our locking it.
      if (isSameFile(file, path)) return new FileLock(path, file);
      file.close();
    }
  }

  /** Gives the lock back and removes its file. */
  release(): void {
    try {
      // Before it is closed, so that nobody can have taken the lock of this very file.
      Deno.removeSync(this.path);
    } catch {
      // Somebody removed it by hand, with the folder perhaps.
    }
    this.#file.close();
  }

  /** As `release`, at the end of a block. */
  [Symbol.dispose](): void {
    this.release();
  }
}

function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true });
  } catch (cause) {
    throw OutputError.at(path, cause);
  }
}

function isSameFile(file: Deno.FsFile, path: string): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}
