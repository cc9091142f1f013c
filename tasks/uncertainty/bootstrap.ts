/**
 * How sure a metric is that is no share of right answers: the samples are drawn again and again, with replacement, and
 * the metric is measured on each draw as a whole. All models see the same draws, so the samples' own difficulty cancels
 * in differences between models.
 *
 * Of n samples the draws spread less than samples would by √((n - 1)/n), and for few of them the normal distribution is
 * too narrow. What lies z standard deviations out by the draws is therefore taken for as likely as t = z √((n - 1)/n) of
 * Student's distribution with n - 1 degrees of freedom: of m draws out of N beyond a value,
 *
 *     p(m) = 2 T(n - 1, √((n - 1)/n) Φ⁻¹(1 - (1 + m)/(1 + N))),   1 at most.
 *
 * Interval and test are one: with k the least m whose p is no less than 0.05, the interval goes from the k-th least to
 * the k-th largest draw, a little more than the middle 95 % of them. That a change is 0 has the p of as many draws as are
 * 0 or beyond it, on the side where they are fewer; draws of 0 count in full on both. So the interval of a change touches
 * or holds 0 exactly where p is no less than 0.05.
 *
 * Of few samples no draw lies so far out: k would be 0 (of 2,000 draws up to 4 samples). Nothing is said of changes then.
 *
 * Source: Efron, Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 16; Davison, Hinkley, "Bootstrap
 * Methods and their Application" (1997), (4.11) for 1 + m of 1 + N, section 5.3.1 for the draws at the ends; Hesterberg,
 * "What teachers should know about the bootstrap", The American Statistician 69 (2015), section 4.3, the expanded
 * percentile interval.
 */
import { Random } from "../../src/numbers/random.ts";
import { CONFIDENCE, type ConfidenceInterval, type MetricChange, SURE } from "./interval.ts";

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
 * was no number on many, or the same on all. Of few samples it holds all draws.
 */
export function intervalOfDraws(values: Float64Array, samples: number): ConfidenceInterval | undefined {
  const sorted = values.filter(Number.isFinite).toSorted();
  if (samples < 2 || sorted.length < ENOUGH * values.length || sorted[0] === sorted.at(-1)) return undefined;
  const end = Math.max(1, drawsBeyond({ draws: sorted.length, samples }));
  return { low: sorted[end - 1], high: sorted[sorted.length - end], confidence: CONFIDENCE };
}

/**
 * Returns the change between two models from what a metric was on the same draws; undefined where they say nothing, or
 * the samples are too few for any change to be more than chance.
 */
export function changeOfDraws(
  before: Float64Array,
  after: Float64Array,
  samples: number,
): MetricChange | undefined {
  const differences = after.map((value, i) => value - before[i]);
  const interval = intervalOfDraws(differences, samples);
  if (interval === undefined) return undefined;
  const known = differences.filter(Number.isFinite);
  const of = { draws: known.length, samples };
  if (drawsBeyond(of) === 0) return undefined;
  const [down, up] = [known.filter((d) => d <= 0).length, known.filter((d) => d >= 0).length];
  return { ...interval, p: chanceOf(Math.min(down, up), of), test: "bootstrap" };
}

/** Share of the draws on which a metric must be a number. */
const ENOUGH = 0.9;

/** How many draws there are, and of how many samples each. */
interface Draws {
  readonly draws: number;
  readonly samples: number;
}

/** Returns the least number of draws beyond a value that leave it as likely as chance may give. */
function drawsBeyond(of: Draws): number {
  // p grows with the draws beyond: at half of them it is 1.
  let [from, to] = [0, of.draws];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (chanceOf(middle, of) < SURE) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Returns the p of a value that so many draws are at or beyond. */
function chanceOf(beyond: number, { draws, samples }: Draws): number {
  const share = (1 + beyond) / (1 + draws);
  if (share >= 0.5) return 1;
  return studentTails(normalPlace(share) * Math.sqrt((samples - 1) / samples), samples - 1);
}

/** Returns the place that a normal variable exceeds with a probability of `share`, which is below a half. */
function normalPlace(share: number): number {
  let [from, to] = [0, 40];
  for (let middle = to / 2; middle > from && middle < to; middle = (from + to) / 2) {
    if (normalTail(middle) > share) from = middle;
    else to = middle;
  }
  return to;
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
 * Returns the probability that a variable of Student's distribution is farther from 0 than `t`, which is not below 0.
 *
 * Source: Abramowitz, Stegun, 26.7.3 and 26.7.4, which are exact.
 */
function studentTails(t: number, freedom: number): number {
  const angle = Math.atan2(t, Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  // Of odd degrees cos θ (1 + 2/3 cos² θ + …), of even ones 1 + 1/2 cos² θ + …, up to the power of freedom - 2.
  let [sum, term] = [0, isOdd ? cosine : 1];
  for (let power = isOdd ? 1 : 0; power <= freedom - 2; power += 2) {
    sum += term;
    term *= cosine * cosine * (power + 1) / (power + 2);
  }
  const within = isOdd ? 2 / Math.PI * (angle + sine * sum) : sine * sum;
  return Math.min(1, Math.max(0, 1 - within));
}
