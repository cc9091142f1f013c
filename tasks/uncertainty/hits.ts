/**
 * How sure a share of right answers is, and the change of one.
 *
 * Sources: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); Newcombe,
 * "Improved confidence intervals for the difference between binomial proportions based on paired data", Statistics in
 * Medicine 17 (1998), method 10; McNemar, "Note on the sampling error of the difference between correlated proportions
 * or percentages", Psychometrika 12 (1947), with the binomial distribution itself.
 */
import { CONFIDENCE, type ConfidenceInterval, type MetricChange, Z } from "./interval.ts";

/** Two models' answers to the same samples, counted by who is right. */
export interface PairedHits {
  readonly both: number;
  readonly onlyBefore: number;
  readonly onlyAfter: number;
  readonly neither: number;
}

/** Returns Wilson's score interval of `hits` out of `count`, which is greater than 0. */
export function wilsonInterval(hits: number, count: number): ConfidenceInterval {
  const share = hits / count;
  const z2 = Z * Z;
  const centre = share + z2 / (2 * count);
  const half = Z * Math.sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  const within = (x: number) => Math.min(1, Math.max(0, x / (1 + z2 / count)));
  return {
    // What is exactly 0 or 1 would be off by rounding.
    low: hits === 0 ? 0 : within(centre - half),
    high: hits === count ? 1 : within(centre + half),
    confidence: CONFIDENCE,
  };
}

/**
 * Returns the change of the share of right answers: Newcombe's interval, which adds the squares of the Wilson intervals'
 * arms less what the models have in common, and McNemar's exact test.
 */
export function changeOfHits(pairs: PairedHits): MetricChange {
  return { ...newcombeInterval(pairs), p: mcNemar(pairs.onlyBefore, pairs.onlyAfter), test: "mcnemar" };
}

/** Counts pairs of scores that are 1 or 0. */
export function countPairs(before: Float64Array, after: Float64Array): PairedHits {
  const counts = { both: 0, onlyBefore: 0, onlyAfter: 0, neither: 0 };
  before.forEach((hit, i) => {
    if (hit === 1) counts[after[i] === 1 ? "both" : "onlyBefore"]++;
    else counts[after[i] === 1 ? "onlyAfter" : "neither"]++;
  });
  return counts;
}

function newcombeInterval({ both, onlyBefore, onlyAfter, neither }: PairedHits): ConfidenceInterval {
  const count = both + onlyBefore + onlyAfter + neither;
  const [before, after] = [both + onlyBefore, both + onlyAfter].map((hits) => {
    const { low, high } = wilsonInterval(hits, count);
    const share = hits / count;
    return { share, below: share - low, above: high - share };
  });
  const common = correlation({ both, onlyBefore, onlyAfter, neither });
  const arm = (a: number, b: number) => Math.sqrt(Math.max(0, a * a - 2 * common * a * b + b * b));
  const change = after.share - before.share;
  return {
    low: change - arm(after.below, before.above),
    high: change + arm(after.above, before.below),
    confidence: CONFIDENCE,
  };
}

/** The correlation φ of the two models' hits, with the method's correction for continuity. */
function correlation({ both, onlyBefore, onlyAfter, neither }: PairedHits): number {
  const margins = (both + onlyBefore) * (onlyAfter + neither) * (both + onlyAfter) * (onlyBefore + neither);
  if (margins === 0) return 0;
  const product = both * neither - onlyBefore * onlyAfter;
  const half = (both + onlyBefore + onlyAfter + neither) / 2;
  return (product > half ? product - half : Math.min(product, 0)) / Math.sqrt(margins);
}

/**
 * Returns the two-sided p of McNemar's exact test: how likely it is that of as many samples that only one of two models
 * is right on, a coin would give so uneven a share to them.
 */
function mcNemar(onlyBefore: number, onlyAfter: number): number {
  const all = onlyBefore + onlyAfter;
  const few = Math.min(onlyBefore, onlyAfter);
  let tail = 0;
  // The logarithm of the binomial coefficient "all over k", less that of 2^all: neither fits a number by itself.
  let log = -all * Math.LN2;
  for (let k = 0; k <= few; k++) {
    tail += Math.exp(log);
    log += Math.log((all - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
