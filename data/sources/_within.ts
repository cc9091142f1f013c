/** Paths that files of a data set name: within its folder, or refused. */
import { isAbsolute, join, normalize, relative, win32 } from "node:path";
import { isFile } from "./_files.ts";

/** A path that is not taken, as the end of a sentence. */
export interface Refused {
  readonly because: string;
}

/** Folders within folders: more are a circle, or nobody's data. */
const MOST_LEVELS = 32;

/** A folder whose files may be read, and no others: neither by "..", nor by links. */
export class DataFolder {
  readonly path: string;
  #real: Promise<string> | undefined;

  /** Nothing is read yet. */
  constructor(path: string) {
    this.path = path;
  }

  /** Returns the path of a file within the folder, whether it is there or not; or why it is not taken. */
  async find(path: string): Promise<string | Refused> {
    const local = isAbsolute(path) ? relative(this.path, path) : normalize(path);
    if (leadsOut(local) || win32.isAbsolute(path) !== isAbsolute(path)) {
      return { because: "it is outside of the data's folder" };
    }
    const file = join(this.path, local);
    const real = await realPath(file);
    // A link to what is not there is refused in the same words: whether something is there is nobody's business.
    const isOut = real === undefined ? await isLink(file) : leadsOut(relative(await this.#realFolder(), real));
    return isOut ? { because: "it is a link out of the data's folder" } : file;
  }

  async #realFolder(): Promise<string> {
    return await (this.#real ??= Deno.realPath(this.path));
  }

  /** Returns the first of `paths` that is a file within the folder, or undefined. */
  async first(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) {
      const file = await this.find(path);
      if (typeof file === "string" && await isFile(file)) return file;
    }
    return undefined;
  }
}

/**
 * Lists the files below a folder, relative to it and sorted by code point; hidden ones and links to folders are left out.
 *
 * @throws {Error} If a folder cannot be read.
 */
export async function listTree(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string, level: number) => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
      if (name.startsWith(".")) continue;
      const path = below === "" ? name : `${below}/${name}`;
      if (!isDirectory) found.push(path);
      else if (level < MOST_LEVELS) await walk(path, level + 1);
    }
  };
  await walk("", 0);
  return found.sort();
}

function leadsOut(path: string): boolean {
  return isAbsolute(path) || path.split(/[/\\]/).includes("..");
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch {
    return undefined;
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch {
    return false;
  }
}
