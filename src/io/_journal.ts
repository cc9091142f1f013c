/** The journal of a commit: what is staged, and where it goes. */
import { join } from "node:path";
import { describeFailure, OutputError } from "./errors.ts";

/** The journal's name in the folder that the commit is to. */
export const JOURNAL = ".commit.json";

/** What is to be moved, and what removed. Paths are within the folder, with forward slashes. */
export interface Journal {
  /** Folder of the staged files, which are called by their place in `put`. */
  readonly staged: string;
  readonly put: readonly { readonly path: string; readonly sha256: string }[];
  readonly remove: readonly string[];
}

/**
 * Reads the journal of `root`; undefined if there is none.
 *
 * @throws {OutputError} If it is damaged: it is obeyed, so nothing in it is taken for granted.
 */
export function readJournal(root: string): Journal | undefined {
  const path = join(root, JOURNAL);
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return undefined;
    throw new OutputError(`Cannot read "${path}": ${describeFailure(cause)}`, { cause });
  }
  const journal = parse(text);
  if (isJournal(journal)) return journal;
  throw new OutputError(`Cannot finish what was begun in "${root}": "${path}" is damaged; removing it gives that up`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isJournal(value: unknown): value is Journal {
  const { staged, put, remove } = Object(value);
  return typeof staged === "string" && /^\.commit-[-\da-f]{36}$/.test(staged) && Array.isArray(put) &&
    Array.isArray(remove) && remove.every(isInside) &&
    put.every((file) => isInside(Object(file).path) && isHash(Object(file).sha256));
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && /^[\da-f]{64}$/.test(value);
}

/** Whether a path stays in its folder. */
function isInside(path: unknown): boolean {
  if (typeof path !== "string" || path === "" || /^[/\\]|^[a-z]:|[\\\0]/i.test(path)) return false;
  return path.split("/").every((part) => part !== ".." && part !== "." && part !== "");
}
