/**
 * How sure the change of a metric is, from the scores of two models on the same samples.
 *
 * Both models see the same samples, so the samples' own difficulty cancels in the differences d of their scores: the
 * interval is mean(d) ± t·sd(d)/√n, with t of Student's distribution for n - 1 degrees of freedom.
 *
 * Where every score is 0 or 1, two made-up samples are added, one won and one lost: without them two models that agree
 * on everything would be equal for sure, however few the samples.
 *
 * Source: Bonett, Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
 * data", J. Educ. Behav. Stat. 37 (2012).
 */
import type { MetricValue } from "./task.ts";

/** A confidence interval of a difference. */
export interface ChangeInterval {
  readonly low: number;
  readonly high: number;
  /** How sure it is: 0.95. */
  readonly confidence: number;
}

const CONFIDENCE = 0.95;
/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054;

/**
 * Returns the 95 % confidence interval of `after` minus `before`.
 *
 * @param before A metric of one model.
 * @param after The same of another model, on the same samples in the same order.
 * @returns undefined if there are fewer than two samples, or the metric is not the mean of its samples' scores.
 * @throws {TypeError} If they are not of the same samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { changeInterval } from "./interval.ts";
 *
 * const mae = { name: "MAE", output: "age", unit: "years", better: "lower", count: 4 } as const;
 * const before = { ...mae, value: 2, scores: Float64Array.of(1, 2, 2, 3) };
 * const after = { ...mae, value: 2.5, scores: Float64Array.of(2, 2, 3, 3) };
 * const { low, high } = changeInterval(before, after)!;
 * assert.ok(low < 0 && high > 1); // four samples say little
 * ```
 */
export function changeInterval(before: MetricValue, after: MetricValue): ChangeInterval | undefined {
  if (before.scores.length !== after.scores.length) {
    throw new TypeError(
      `Cannot compare "${before.name}" of two models: one has ${before.scores.length} scores, the other ` +
        `${after.scores.length}, they must be of the same samples`,
    );
  }
  if (before.scores.length < 2 || !isMean(before) || !isMean(after)) return undefined;
  const areHits = [before, after].every(({ scores }) => scores.every((score) => score === 0 || score === 1));
  const differences = [...after.scores.map((score, i) => score - before.scores[i]), ...(areHits ? [1, -1] : [])];
  const n = differences.length;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(n - 1) * Math.sqrt(variance / n);
  return { low: mean - half, high: mean + half, confidence: CONFIDENCE };
}

/** Whether a metric is the mean of its samples' scores, as an error is and R² is not. */
function isMean({ value, scores }: MetricValue): boolean {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return Math.abs(mean - value) <= 1e-6 * Math.max(Math.abs(mean), Math.abs(value));
}

/**
 * Returns the 97.5 % quantile of Student's distribution.
 *
 * Source: Abramowitz, Stegun, "Handbook of Mathematical Functions", 26.7.5; off by less than 1 % from 3 degrees of
 * freedom, where the quantile is 3.18. Below that the two exact values are given.
 */
function studentQuantile(freedom: number): number {
  if (freedom === 1) return 12.706204736432095;
  if (freedom === 2) return 4.302652729911275;
  const [z3, z5, z7, z9] = [3, 5, 7, 9].map((power) => Z ** power);
  return Z + (z3 + Z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * Z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * Z) / (384 * freedom ** 3) +
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * Z) / (92160 * freedom ** 4);
}
