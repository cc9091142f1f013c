/** Numbers as words, the same in the terminal and on the page. */
import { plainText } from "../src/text/plain.ts";

/** What stands for a number that was not measured. */
export const UNKNOWN = "n/a";

/** A number that may not have been measured. */
export type Maybe = number | null | undefined;

/** Whether there is a number to show. */
export function isKnown(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Formats a fraction as "97.61%". */
export function percent(fraction: Maybe, digits = 2): string {
  return isKnown(fraction) ? `${fixed(fraction * 100, digits)}%` : UNKNOWN;
}

/** Formats a number with so many decimals; a small negative one is 0, not -0. */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/**
 * Formats an agreement, which must not be rounded up to 100%: 9,999.6 of 10,000 is "99.99%".
 */
export function agreementPercent(fraction: Maybe): string {
  if (!isKnown(fraction)) return UNKNOWN;
  if (fraction === 1) return "100%";
  return `${(Math.floor(fraction * 1e4 + 1e-6) / 100).toFixed(2)}%`;
}

/** Formats a count as "10,000". */
export function count(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  const [whole, part] = String(Math.abs(value)).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0 ? "-" : ""}${grouped}${part === undefined ? "" : `.${part}`}`;
}

/** Formats a word as the first of a sentence; one such as "mAP" stays what it is. */
export function capitalized(text: string): string {
  if (/^[a-z][A-Z]/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Formats a count with its noun, as "1 sample" or "10,000 samples". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Formats a time in ms with three significant digits, in seconds from 1,000 ms. */
export function milliseconds(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  if (value >= 999.5) return `${significant(value / 1000)} s`;
  return `${significant(value)} ms`;
}

/** Formats a size in B, kB or MB (powers of 1000, as file managers do). */
export function byteSize(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  if (value < 1000) return `${value} B`;
  if (value < 999_500) return `${significant(value / 1e3)} kB`;
  return `${significant(value / 1e6)} MB`;
}

/** Formats an energy with three significant digits, in mJ below 1 J. */
export function joulesOf(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  return value < 0.9995 ? `${significant(1000 * value)} mJ` : `${significant(value)} J`;
}

/** Formats a ratio as "3.2×". */
export function ratio(value: Maybe): string {
  return isKnown(value) ? `${value.toFixed(value >= 99.5 ? 0 : 1)}×` : UNKNOWN;
}

/** Formats a real number with three significant digits and no exponent where it can be helped. */
export function significant(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  if (size >= 100) return value.toFixed(0);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toFixed(digits);
}

/** Escapes text for HTML content and for double-quoted attributes, and writes control characters as "?". */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return plainText(text).replace(/[&<>"']/g, (character) => entities[character]);
}
