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

/** Longer reasons quote whole configurations. */
const LONGEST_REASON = 300;

/**
 * Returns what a library says of what it was given, in a few words.
 *
 * @param otherwise What is said of errors that nobody threw on purpose, and of those that show objects.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { reasonOf } from "./plain_errors.ts";
 *
 * assert.equal(reasonOf(new Error("Error in pad: 3\nsides"), "it is damaged"), "3 sides");
 * assert.equal(reasonOf(new TypeError("x is not a function"), "it is damaged"), "it is damaged");
 * ```
 */
export function reasonOf(cause: unknown, otherwise: string): string {
  const isRaw = [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => cause instanceof kind);
  if (!(cause instanceof Error) || isRaw || cause.message.includes("[object ")) return otherwise;
  // TF.js names the operator first, which is nothing that the layer's user wrote.
  return plainLine(cause.message.replace(/^Error in \w+: /, ""), LONGEST_REASON) || otherwise;
}
