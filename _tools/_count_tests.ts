import { stripVTControlCharacters } from "node:util";

/** How many tests went which way. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

// "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)", the last line of `deno test`
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed.*$/gm;

/**
 * Reads the counts from what `deno test` printed.
 *
 * A run that failed without a failed test (a type error, a crash, a filter that fits nothing) counts as one failure.
 */
export function countTests({ code, output }: { code: number; output: string }): Counts {
  const summary = [...stripVTControlCharacters(output).matchAll(SUMMARY)].at(-1);
  const [line, passed, failed] = summary ?? ["", "0", "0"];
  const skipped = Number(/(\d+) ignored/.exec(line)?.[1] ?? 0);
  const unexplained = code !== 0 && Number(failed) === 0 ? 1 : 0;
  return { passed: Number(passed), failed: Number(failed) + unexplained, skipped };
}

/** Adds up the counts of several runs. */
export function addCounts(all: readonly Counts[]): Counts {
  const sum = (name: keyof Counts) => all.reduce((total, counts) => total + counts[name], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** Writes the counts as the line that ends a run. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
