/** What is kept of a model's answers, as its tasks read them. */
import type { Keeping } from "../models/join_answers.ts";
import type { Head } from "./task.ts";

/**
 * Returns what is to be kept of the answers of a model with these heads: all of them, unless a head digests its own; then
 * outputs without a head are kept no further than those are.
 */
export function keepingOf(heads: Readonly<Record<string, Head>>): Keeping {
  const digests = Object.entries(heads).flatMap(([output, { digest }]) =>
    digest === undefined ? [] : [[output, digest] as const]
  );
  if (digests.length === 0) return {};
  const whole = Object.keys(heads).filter((output) => heads[output].digest === undefined);
  return { digests: Object.fromEntries(digests), whole };
}
