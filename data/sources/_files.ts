/** Files and folders of data sets, with errors that name them. */
import { withoutErrno } from "../../src/io/errors.ts";
import { readFileWithin } from "../../src/io/read.ts";
import { plainLine } from "../../src/text/plain.ts";

/** Most bytes of a file with samples: more fit in no one array. */
const MOST_BYTES = 2 ** 31;

/**
 * Reads a file.
 *
 * @throws {Error} If it cannot be read, or has more than `most` bytes; the message names `path` and says why.
 */
export async function readBytes(path: string, most: number = MOST_BYTES): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFileWithin(path, { most });
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${whyUnreadable(error)}`, { cause: error });
  }
}

/**
 * Lists the names in a folder, sorted by code point so that every machine has the same order; hidden ones are left out.
 *
 * @throws {Error} If `path` is no folder that can be read.
 */
export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(path)) if (!name.startsWith(".")) names.push(name);
    return names.sort();
  } catch (error) {
    throw new Error(`Cannot read the folder "${path}": ${whyUnreadable(error)}`, { cause: error });
  }
}

/** Whether `path` is a file, or a link to one. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Whether `path` is a folder, or a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

/** Words a failed file operation as the end of a sentence. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "it does not exist";
  if (error instanceof Deno.errors.NotADirectory) return "it is no folder";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder, needed is a file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) return "Deno runs without the permission for it";
  return messageOf(error);
}

/** Returns what a library says went wrong, in a few words of one line. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return plainLine(withoutErrno(message).split("\n", 1)[0], 200);
}

/** Joins a folder and a name. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}
