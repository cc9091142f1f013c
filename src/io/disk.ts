/**
 * What commits do to the disk: every write, rename and removal goes through these few operations.
 *
 * A test replaces one to let the disk be full or the process die at it; nothing else does.
 */

/** Operations on files, all synchronous. */
export interface Disk {
  /** Writes a file that is not there yet, of parts one after another, down to the disk. */
  write(path: string, ...parts: readonly Uint8Array[]): void;
  /** Adds to a file that is there. */
  append(path: string, bytes: Uint8Array): void;
  /** Moves a file or a folder; a file that is there is replaced. */
  rename(from: string, to: string): void;
  /** Removes a file, or a folder with all that is in it. */
  remove(path: string): void;
  /** Makes a folder and those around it, where they are not there. */
  makeFolder(path: string): void;
  /** Brings the names in a folder down to the disk, where the operating system can. */
  syncFolder(path: string): void;
}

/** The disk. */
export const disk: Disk = {
  write(path, ...parts) {
    using file = Deno.openSync(path, { write: true, createNew: true });
    for (const bytes of parts) for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    file.syncSync();
  },
  append(path, bytes) {
    using file = Deno.openSync(path, { append: true });
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
  },
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path, { recursive: true }),
  makeFolder: (path) => Deno.mkdirSync(path, { recursive: true }),
  syncFolder(path) {
    // Windows opens no folders, and keeps names by its own journal.
    if (Deno.build.os === "windows") return;
    using folder = Deno.openSync(path);
    folder.syncSync();
  },
};

/** Whether something is at `path`, even a link to nothing. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // A part of the path may be a file: whoever uses the path will say so.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Whether something can be seen to be at `path`: not where that must not be read. */
export function isSeen(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Removes what is at `path`, if anything is and it can be removed. */
export function removeQuietly(path: string): void {
  try {
    disk.remove(path);
  } catch {
    // Never made, or gone already.
  }
}
