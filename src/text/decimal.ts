/** Numbers as people and files write them. */

/** Digits, a point and an exponent; JavaScript takes others too, such as "0x10" and "". */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Returns the number that `text` is in decimal, or NaN if it is none. Space around it does not count.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDecimal } from "./decimal.ts";
 *
 * assert.deepEqual(["1.5", " -2e3 ", "", "0x10", "1,5"].map(parseDecimal), [1.5, -2000, NaN, NaN, NaN]);
 * ```
 */
export function parseDecimal(text: string): number {
  const trimmed = text.trim();
  return DECIMAL.test(trimmed) ? Number(trimmed) : NaN;
}
