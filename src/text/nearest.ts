/** Names that users write: which one was probably meant, and what a table has under one. */
import { plainLine } from "./plain.ts";

/** Longer lists of names hide the one that was meant. */
const MOST_LISTED = 20;

/** A name is compared letter by letter with each other: longer ones, and more of them, would take minutes. */
const LONGEST_COMPARED = 100;
const MOST_COMPARED = 10_000;

/** Longer names are cut where they are listed. */
const LONGEST_LISTED = 60;

/** Fewer letters are the beginning of too many names. */
const LEAST_BEGINNING = 3;

/**
 * Returns the one of `names` that takes the fewest single-character edits to become `wrong`.
 *
 * @returns undefined if even that one differs in more than half of its characters, and none begins as `wrong` does.
 */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  if (wrong.length > LONGEST_COMPARED) return undefined;
  const asked = wrong.toLowerCase();
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names.slice(0, MOST_COMPARED)) {
    if (name.length > LONGEST_COMPARED) continue;
    const edits = countEdits(asked, name.toLowerCase());
    if (edits <= name.length / 2 && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? names.find((name) => asked.length >= LEAST_BEGINNING && name.toLowerCase().startsWith(asked));
}

/**
 * Says which names there are and which was probably meant: `needed is one of a, b (did you mean "a"?)`.
 *
 * Of more than 20 names the first 20 are listed.
 */
export function suggestName(wrong: string, names: readonly string[]): string {
  const meant = nearestName(wrong, names);
  const listed = names.slice(0, MOST_LISTED).map((name) => plainLine(name, LONGEST_LISTED)).join(", ");
  const all = names.length > MOST_LISTED ? `${listed}, … (${names.length} in all)` : listed;
  return `needed is one of ${all}${meant === undefined ? "" : ` (did you mean "${meant}"?)`}`;
}

/** What a choice is made among. */
export interface ChoiceOptions<T extends string> {
  /** What may be chosen. */
  readonly of: readonly T[];
  /** How the error begins: `Cannot use --arch "cifar"`. */
  readonly cannot: string;
}

/**
 * Returns `value` as one of the names of `of`.
 *
 * @throws {RangeError} If it is none of them; the error lists them and names the nearest.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkChoice } from "./nearest.ts";
 *
 * const of = ["cpu", "webgpu"] as const;
 * assert.equal(checkChoice("cpu", { of, cannot: "Cannot use the device" }), "cpu");
 * assert.throws(() => checkChoice("gpu", { of, cannot: "Cannot use the device" }), /did you mean "cpu"/);
 * ```
 */
export function checkChoice<T extends string>(value: string, { of, cannot }: ChoiceOptions<T>): T {
  const chosen = of.find((name) => name === value);
  if (chosen === undefined) throw new RangeError(`${cannot}: ${suggestName(value, of)}`);
  return chosen;
}

/** Returns what `table` itself has under `name`; what every object inherits, such as "constructor", is not in it. */
export function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/**
 * Counts insertions, deletions, replacements and swaps of neighbours from `a` to `b`, one row at a time.
 *
 * Source: the "optimal string alignment" form of the Damerau-Levenshtein distance.
 */
function countEdits(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1, isSwapped ? before[j - 2] + 1 : Infinity));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
