/** What a run of the suite comes to. */
import type { ExpectedFailure } from "./expected_failures.ts";

/** One spec's result. */
export interface SpecResult {
  /** Full name without the environment's. */
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  /** What went wrong, with stacks. */
  readonly messages: readonly string[];
}

/** Counts of a run, and what has to be looked at. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Specs that TF.js itself skips, and expected failures. */
  readonly skipped: number;
  /** One entry a failure: what failed and why. */
  readonly complaints: readonly string[];
}

/**
 * Compares results with what is expected of them.
 *
 * @param expected Specs that must fail: they count as skipped, and as failed where they pass or do not exist.
 */
export function judge(results: readonly SpecResult[], expected: readonly ExpectedFailure[]): Outcome {
  const reasons = new Map(expected.map(({ spec, because }) => [spec, because]));
  const complaints: string[] = [];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const complain = (text: string) => {
    counts.failed++;
    complaints.push(text);
  };
  for (const { name, status, messages } of results) {
    const because = reasons.get(name);
    if (because !== undefined && status === "failed") counts.skipped++;
    else if (because !== undefined) complain(`${name}\n  ${status}, but expected to fail (${because}): drop the entry`);
    else if (status === "failed") complain([name, ...messages].join("\n  "));
    else counts[status]++;
  }
  const names = new Set(results.map(({ name }) => name));
  for (const { spec } of expected) if (!names.has(spec)) complain(`${spec}\n  is expected to fail, but is no spec`);
  return { ...counts, complaints };
}
