/** The metrics of classification: how often the right class is among the largest outputs. */
import { type Answer, rowOf } from "../../models/answers.ts";
import type { Judged, Metric, TargetValues } from "../task.ts";

/**
 * The fraction of samples for which the largest output is that of the right class, in [0, 1].
 *
 * Of equal largest outputs the first counts; an answer of NaNs is wrong. Chance: always to name the commonest class.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { accuracy } from "./accuracy.ts";
 *
 * const answer = { values: Float32Array.of(0.9, 0.1, 0.2, 0.8), shape: [2, 2] };
 * assert.equal(accuracy.measure({ answer, targets: Int32Array.of(0, 0) }), 0.5);
 * ```
 */
export const accuracy: Metric = hitRate("accuracy", {
  chance: (labels) => Math.max(...countsOf(labels).values()) / labels.length,
  isHit: (row, label) => topClass(row) === label,
});

/**
 * Makes the metric that counts an answer as right if the right class is among the `k` largest outputs.
 *
 * The right class loses against equal outputs of other classes, so a model that says the same of all scores 0.
 * Chance: always to name the `k` commonest classes.
 *
 * @throws {RangeError} If `k` is not a positive integer.
 */
export function topKAccuracy(k: number): Metric {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`Cannot make top-k accuracy: k is ${k}, needed is a positive integer`);
  }
  return hitRate(`top-${k} accuracy`, {
    chance: (labels) => {
      const commonest = [...countsOf(labels).values()].sort((a, b) => b - a).slice(0, k);
      return commonest.reduce((sum, count) => sum + count, 0) / labels.length;
    },
    isHit: (row, label) => {
      const mine = row[label];
      return row.reduce((ahead, value, j) => ahead + (j !== label && !(value < mine) ? 1 : 0), 0) < k;
    },
  });
}

/**
 * The fraction of right answers where each of `positions` positions of a sample is answered, in [0, 1].
 *
 * A sample's score is the share of its positions that are right. Chance: always to name the class that is the commonest at
 * that position.
 */
export function tokenAccuracy(positions: number): Metric {
  const scores: Metric["scores"] = (judged) => Float64Array.from(countRight(judged, positions), (n) => n / positions);
  return {
    name: "token accuracy",
    unit: "fraction",
    better: "higher",
    isMean: true,
    measure: (judged) => meanOf(scores(judged)),
    scores,
    chance: (labels) => {
      const at = Array.from(
        { length: positions },
        (_, position) => labels.filter((_, i) => i % positions === position),
      );
      return meanOf(at.map((labels) => Math.max(...countsOf(labels).values()) / labels.length));
    },
  };
}

/**
 * The fraction of samples of which all `positions` positions are answered right, in [0, 1].
 *
 * Chance: always to give the answer that is right for the most samples.
 */
export function sequenceAccuracy(positions: number): Metric {
  const scores: Metric["scores"] = (judged) =>
    Float64Array.from(countRight(judged, positions), (n) => Number(n === positions));
  return {
    name: "sequence accuracy",
    unit: "fraction",
    better: "higher",
    isHitRate: true,
    measure: (judged) => meanOf(scores(judged)),
    scores,
    chance: (labels) => {
      const samples = labels.length / positions;
      const answers = Array.from({ length: samples }, (_, i) => labels.subarray(i * positions, (i + 1) * positions));
      return Math.max(...countsOf(answers.map((answer) => answer.join())).values()) / samples;
    },
  };
}

/** Counts how many positions of each sample are answered right. */
function countRight({ answer, targets }: Judged, positions: number): Int32Array {
  const counts = new Int32Array(targets.length / positions);
  topClasses(answer).forEach((top, i) => counts[Math.floor(i / positions)] += Number(top === targets[i]));
  return counts;
}

interface HitRule {
  readonly chance: (labels: TargetValues) => number;
  readonly isHit: (row: Float32Array, label: number) => boolean;
}

function hitRate(name: string, { chance, isHit }: HitRule): Metric {
  const scores: Metric["scores"] = ({ answer, targets }) =>
    Float64Array.from(targets, (label, i) => Number(isHit(rowOf(answer, i), label)));
  return {
    name,
    unit: "fraction",
    better: "higher",
    isHitRate: true,
    measure: (judged) => meanOf(scores(judged)),
    scores,
    chance,
  };
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

function countsOf<T>(labels: Iterable<T>): ReadonlyMap<T, number> {
  const counts = new Map<T, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/**
 * Returns the class of the largest output of each sample, or of each position of each sample: the first of equal ones, and
 * -1 where none is a number.
 */
export function topClasses({ values, shape }: Answer): Int32Array {
  const classes = shape.at(-1) ?? 0;
  const rows = values.length / classes;
  return Int32Array.from({ length: rows }, (_, i) => topClass(values.subarray(i * classes, (i + 1) * classes)));
}

/** Returns the index of the largest number, the first of equal ones; -1 where none is a number. */
export function topClass(row: Float32Array): number {
  let top = -1;
  let most = -Infinity;
  for (let i = 0; i < row.length; i++) {
    if (row[i] > most || (top < 0 && row[i] === most)) {
      most = row[i];
      top = i;
    }
  }
  return top;
}
