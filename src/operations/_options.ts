/** Options of operations, which come from files: what each must be. */
import { showValue } from "../text/plain.ts";

/** An option's value, as model.json holds it. */
export type OptionValue = number | boolean | string | readonly number[] | readonly (readonly number[])[];

/** Options by name. */
export type Options = Readonly<Record<string, OptionValue>>;

/** What an option must be. */
export interface OptionRule {
  /** As in "a whole number". */
  readonly what: string;
  readonly holds: (value: unknown) => boolean;
}

/** Larger numbers are mistakes. */
const MOST = 2 ** 31;

const isWhole = (value: unknown, least: number) =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) < MOST;

/** A finite number. */
export const ANY_NUMBER: OptionRule = { what: "a finite number", holds: Number.isFinite };

/** A whole number. */
export function wholeFrom(least: number): OptionRule {
  return { what: `a whole number from ${least}`, holds: (value) => isWhole(value, least) };
}

/** A whole number from 1. */
export const WHOLE: OptionRule = wholeFrom(1);

/** True or false. */
export const flag: OptionRule = { what: "true or false", holds: (value) => typeof value === "boolean" };

/** A list of whole numbers. */
export function wholeNumbers(least: number): OptionRule {
  return {
    what: `a list of whole numbers from ${least}`,
    holds: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => isWhole(each, least)),
  };
}

/** A list of two whole numbers each. */
export const pairs: OptionRule = {
  what: "a list of pairs of whole numbers",
  holds: (value) =>
    Array.isArray(value) && value.length > 0 &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((each) => isWhole(each, 0))),
};

/** A list of lists of numbers. */
export const numberRows: OptionRule = {
  what: "a list of lists of numbers",
  holds: (value) =>
    Array.isArray(value) && value.length > 0 &&
    value.every((row) => Array.isArray(row) && row.length > 0 && row.every(Number.isFinite)),
};

/** One of a few words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return { what: `one of ${words.join(", ")}`, holds: (value) => words.some((word) => word === value) };
}

/**
 * Checks options that may be anything.
 *
 * @throws {RangeError} If one is missing or is not what it must be.
 */
export function checkOptions(
  options: unknown,
  { rules, name }: { readonly rules: Readonly<Record<string, OptionRule>>; readonly name: string },
): Options {
  const given: Readonly<Record<string, unknown>> = Object(options ?? {});
  for (const [key, { what, holds }] of Object.entries(rules)) {
    if (Object.hasOwn(given, key) && holds(given[key])) continue;
    const is = Object.hasOwn(given, key) ? showValue(given[key]) : "missing";
    throw new RangeError(`Cannot make "${name}": its option "${key}" is ${is}, ${what} is needed`);
  }
  // What there is of each was checked by its rule.
  return Object.fromEntries(Object.keys(rules).map((key) => [key, given[key] as OptionValue]));
}
