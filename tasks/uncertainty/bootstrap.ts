/**
 * How sure a metric is that is no share of right answers: the samples are drawn again and again, with replacement, and
 * the metric is measured on each draw as a whole. All models see the same draws, so the samples' own difficulty cancels
 * in differences between models.
 *
 * The interval holds the middle of what was measured, a little more than 95 % of it: of n samples the draws spread less
 * than samples would by √((n - 1)/n), and for few of them the normal distribution is too narrow.
 *
 * Source: Efron, Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 16; Hesterberg, "What teachers
 * should know about the bootstrap", The American Statistician 69 (2015), section 4.3, the expanded percentile interval.
 */
import { Random } from "../../src/numbers/random.ts";
import { CONFIDENCE, type ConfidenceInterval, type MetricChange, Z } from "./interval.ts";

/** Random stream of the draws. */
const STREAM = [0, 0, 3];

/** Returns so many draws of `samples` from as many, the same for the same seed. */
export function* drawSamples(samples: number, { draws, seed }: {
  readonly draws: number;
  readonly seed: number;
}): Generator<Int32Array> {
  const random = new Random(seed, STREAM);
  for (let draw = 0; draw < draws; draw++) yield Int32Array.from({ length: samples }, () => random.below(samples));
}

/**
 * Returns the interval of a metric from what it was on draws of `samples` samples; undefined where they say nothing: it
 * was no number on many, or the same on all.
 */
export function intervalOfDraws(values: Float64Array, samples: number): ConfidenceInterval | undefined {
  const sorted = values.filter(Number.isFinite).toSorted();
  if (samples < 2 || sorted.length < ENOUGH * values.length || sorted[0] === sorted.at(-1)) return undefined;
  const outside = outsideShare(samples);
  return { low: quantile(sorted, outside), high: quantile(sorted, 1 - outside), confidence: CONFIDENCE };
}

/** Returns the change between two models from what a metric was on the same draws; undefined where they say nothing. */
export function changeOfDraws(
  before: Float64Array,
  after: Float64Array,
  samples: number,
): MetricChange | undefined {
  const differences = after.map((value, i) => value - before[i]);
  const interval = intervalOfDraws(differences, samples);
  if (interval === undefined) return undefined;
  const known = differences.filter(Number.isFinite);
  const share = (isBeyond: (d: number) => boolean) => (1 + known.filter(isBeyond).length) / (1 + known.length);
  const p = Math.min(1, 2 * Math.min(share((d) => d <= 0), share((d) => d >= 0)));
  return { ...interval, p, test: "bootstrap" };
}

/** Share of the draws on which a metric must be a number. */
const ENOUGH = 0.9;

/** Returns the share of the draws that is left out at each end. */
function outsideShare(samples: number): number {
  return normalTail(studentQuantile(samples - 1) * Math.sqrt(samples / (samples - 1)));
}

/** Between two values of `sorted` linearly. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (at - Math.floor(at)) * (above - below);
}

/**
 * Returns the probability that a normal variable exceeds `x`, from 0 on.
 *
 * Source: Abramowitz, Stegun, "Handbook of Mathematical Functions", 26.2.17; off by less than 7.5e-8.
 */
function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x);
  const weights = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = weights.reduceRight((rest, weight) => t * (weight + rest), 0);
  return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) * sum;
}

/**
 * Returns the 97.5 % quantile of Student's distribution.
 *
 * Source: Abramowitz, Stegun, 26.7.5; off by less than 1 % from 3 degrees of freedom, where the quantile is 3.18. Below
 * that the two exact values are given.
 */
function studentQuantile(freedom: number): number {
  if (freedom === 1) return 12.706204736432095;
  if (freedom === 2) return 4.302652729911275;
  const [z3, z5, z7, z9] = [3, 5, 7, 9].map((power) => Z ** power);
  return Z + (z3 + Z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * Z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * Z) / (384 * freedom ** 3) +
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * Z) / (92160 * freedom ** 4);
}
