/** What each option is, for callers that no compiler checks: a text, a flag, a number or a list of names. */
import { lookUp, suggestName } from "../src/text/nearest.ts";
import { showValue } from "../src/text/plain.ts";
import { flagOf } from "./_flags.ts";
import type { NumberOption } from "./_number_rules.ts";

/** What an option takes: a number of its rule, text, a flag, a list of names, or a number of things that data may tell. */
export type Kind = "number" | "text" | "flag" | "names" | "count";

/** What each of a job's options takes; those with a rule for numbers take numbers. */
export type Kinds<Options> = {
  readonly [Key in keyof Required<Options>]: Key extends NumberOption ? "number" : Exclude<Kind, "number">;
};

/** Longer texts are no names and no paths. */
const LONGEST = 4096;

/**
 * Checks that options are known, and that each is of its kind; numbers are left to `checkNumbers`.
 *
 * @param kinds All options.
 * @throws {TypeError} If they are no options.
 * @throws {RangeError} If one is not known, or no option's value.
 */
export function checkKinds(options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`Cannot use ${showValue(options)} as options: an object is needed`);
  }
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const kind = lookUp(kinds, key);
    if (kind === undefined) {
      const needed = suggestName(key, Object.keys(kinds));
      throw new RangeError(`Cannot use the option ${showValue(key)}: ${needed}`);
    }
    const because = FAULTS[kind](value);
    if (because !== undefined) throw new RangeError(`Cannot use ${flagOf(key)} ${showValue(value)}: ${because}`);
  }
}

/** Says what is wrong with the value of an option of a kind, as the end of a sentence; of numbers nothing. */
export function faultOfOption(value: unknown, kind: Kind): string | undefined {
  return FAULTS[kind](value);
}

/** More of anything would fit in no model. */
const MOST_COUNTED = 1_000_000;

/** What the data has as many of. */
const OF_DATA = "data";

/** Say what is wrong with a value, as the end of a sentence. */
const FAULTS: Readonly<Record<Kind, (value: unknown) => string | undefined>> = {
  number: () => undefined,
  text: faultOfText,
  flag: (value) => typeof value === "boolean" ? undefined : "true or false is needed",
  count: (value) => {
    const isCount = typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MOST_COUNTED;
    if (isCount || value === OF_DATA) return undefined;
    return `a whole number from 1 to ${MOST_COUNTED} is needed, or "${OF_DATA}" for as many as there are in the data`;
  },
  names: (value) => {
    if (!Array.isArray(value)) return "a list of names is needed";
    const names: readonly unknown[] = value;
    for (const name of names) {
      const fault = faultOfText(name);
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
};

function faultOfText(value: unknown): string | undefined {
  if (typeof value !== "string") return "a text is needed";
  if (value.trim() === "") return "a text that is not empty is needed";
  if (value.length > LONGEST) return `it has ${value.length} characters, ${LONGEST} at most are needed`;
  return value.includes("\0") ? "a text without NUL characters is needed" : undefined;
}
