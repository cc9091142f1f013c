/** Text from files and models, made safe to print. */

/**
 * Replaces what could steer a terminal or a page by "?": control characters (C0, C1), line and paragraph separators, and
 * the marks that turn the direction of writing. A run of them becomes one "?".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { plainText } from "./plain.ts";
 *
 * assert.equal(plainText("conv\x1b[31m_1\r\n"), "conv?[31m_1?");
 * ```
 */
export function plainText(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is being removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, "?");
}

/** What ASCII has in place of the characters that this project's own texts use. */
const IN_ASCII: Readonly<Record<string, string>> = {
  "×": "x",
  "…": "...",
  "→": "->",
  "−": "-",
  "–": "-",
  "█": "#",
  "─": "-",
  "²": "2",
  "±": "+-",
};

/** Writes text in ASCII: what has no counterpart there becomes "?"; no-break spaces and line breaks stay. */
export function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0\n]/gu, (character) => IN_ASCII[character] ?? "?");
}

/** Writes a count with what is counted: "1 epoch", "2 epochs"; what is irregular has `many` of its own. */
export function countOf(count: number, what: string, many = `${what}s`): string {
  return `${count} ${count === 1 ? what : many}`;
}

/** Puts text on one line, with single spaces: for messages that quote what others wrote. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A longer line is somebody's whole file. */
const LONGEST_LINE = 1000;

/**
 * Puts text on one line of bounded length that nothing in it can break: as messages of errors have to be.
 *
 * Of what is too long the middle is left out: a message begins with what went wrong, and ends with what is needed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { plainLine } from "./plain.ts";
 *
 * assert.equal(plainLine("Cannot\n  read \x1b[31m it"), "Cannot read ?[31m it");
 * ```
 */
export function plainLine(text: string, longest: number = LONGEST_LINE): string {
  return shorten(plainText(oneLine(text)), longest);
}

/**
 * Writes a value as JSON does, shortened and on one line, for messages that quote what others wrote.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { showValue } from "./plain.ts";
 *
 * assert.equal(showValue({ units: "8\n" }), '{"units":"8\\n"}');
 * assert.equal(showValue(undefined), "missing");
 * assert.equal(showValue(NaN), "NaN");
 * ```
 */
export function showValue(value: unknown, longest: number = 60): string {
  if (value === undefined) return "missing";
  if (typeof value === "object" && value !== null) return plainLine(jsonOf(value), longest);
  return plainLine(typeof value === "string" ? JSON.stringify(shorten(value, longest)) : String(value), 2 * longest);
}

function jsonOf(value: object): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    // It contains itself, a bigint, or more levels than the stack has.
    return Array.isArray(value) ? "a list" : "an object";
  }
}

/** Leaves out the middle of text that is too long; its ends are whole characters. */
export function shorten(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const mark = longest < 200 ? "…" : ` … (${text.length} characters) … `;
  const tail = Math.floor((longest - mark.length) / 3);
  return `${text.slice(0, longest - mark.length - tail)}${mark}${text.slice(text.length - tail)}`.toWellFormed();
}
