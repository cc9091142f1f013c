/** Errors whose messages are one line each, whatever the names and values that they quote. */
import { plainLine } from "./plain.ts";

/**
 * Runs `work`; the message of whatever it throws is one line of bounded length without control characters.
 *
 * Readers are run by it: what they say of files and options quotes names, paths and values that others wrote.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inPlainWords } from "./plain_errors.ts";
 *
 * const work = () => Promise.reject(new RangeError("Cannot read \"a\nb\""));
 * await assert.rejects(inPlainWords(work), { name: "RangeError", message: 'Cannot read "a b"' });
 * ```
 */
export async function inPlainWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw plainError(error);
  }
}

/** Runs `work` as `inPlainWords` does, at once. */
export function inPlainWordsSync<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw plainError(error);
  }
}

/** The error itself, so that its class, its stack and its cause stay. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const line = plainLine(error.message);
  if (line !== error.message) error.message = line;
  return error;
}
