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
  "²": "2",
  "±": "+-",
};

/** Writes text in ASCII: what has no counterpart there becomes "?"; no-break spaces and line breaks stay. */
export function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0\n]/gu, (character) => IN_ASCII[character] ?? "?");
}

/** Puts text on one line, with single spaces: for messages that quote what others wrote. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
