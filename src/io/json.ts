/** JSON that keeps every number as it is. */

/** JSON has no word for these. */
const UNUSUAL: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity, "-0": -0 };

/** Stands for an unusual number in JSON: `{"number": "NaN"}`. A bigint is `{"bigint": "1"}`. */
const NUMBER = "number";
const BIGINT = "bigint";

/**
 * Writes plain data as JSON that `readJson` gives back as it was: NaN, infinities, -0 and bigints too.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readJson, writeJson } from "./json.ts";
 *
 * const value = { score: NaN, best: -Infinity, zero: -0, count: 3n, name: "a" };
 * assert.deepEqual(readJson(writeJson(value)), value);
 * ```
 */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return { [BIGINT]: String(part) };
    if (typeof part !== "number") return part;
    if (Object.is(part, -0)) return { [NUMBER]: "-0" };
    return Number.isFinite(part) ? part : { [NUMBER]: String(part) };
  });
}

/**
 * Reads what `writeJson` wrote.
 *
 * @throws {SyntaxError} If it is no JSON.
 */
export function readJson(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const [[key, value], ...others] = [...Object.entries(part), ["", undefined] as const];
    if (others.length !== 1 || typeof value !== "string") return part;
    if (key === BIGINT && /^-?\d+$/.test(value)) return BigInt(value);
    return key === NUMBER && Object.hasOwn(UNUSUAL, value) ? UNUSUAL[value] : part;
  });
}
