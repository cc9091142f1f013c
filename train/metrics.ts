/** Metrics: functions of a model's answers on the host, to be reported and compared. */

/** What a model answered on a set of samples, and what was right. */
export interface Answers {
  /** The model's last output for every sample, [samples, values], row-major. */
  readonly outputs: Float32Array;
  /** Class of each sample. */
  readonly labels: ArrayLike<number>;
  /** Numbers of one answer; of a classifier, the number of classes. */
  readonly values: number;
}

/** A metric. Higher is better, so that the best epoch is the one with the highest. */
export interface Metric {
  /** Name for reports, such as "accuracy". */
  readonly name: string;
  /** Computes the metric; NaN if there are no samples. */
  readonly measure: (answers: Answers) => number;
}

/**
 * The fraction of samples for which the largest output is that of the right class, in [0, 1].
 *
 * Of equal largest outputs the first counts; an answer of NaNs is wrong.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { accuracy } from "./metrics.ts";
 *
 * const outputs = Float32Array.of(0.9, 0.1, 0.2, 0.8);
 * assert.equal(accuracy.measure({ outputs, labels: [0, 0], values: 2 }), 0.5);
 * ```
 */
export const accuracy: Metric = {
  name: "accuracy",
  measure: ({ outputs, labels, values }) => {
    const top = topClasses(outputs, values);
    let right = 0;
    for (let i = 0; i < top.length; i++) if (top[i] === labels[i]) right++;
    return right / top.length;
  },
};

/**
 * Makes the metric that counts an answer as right if the right class is among the `k` largest outputs.
 *
 * The right class loses against equal outputs of other classes, so a model that says the same of all scores 0.
 *
 * @throws {RangeError} If `k` is not a positive integer.
 */
export function topKAccuracy(k: number): Metric {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`Cannot make top-k accuracy: k is ${k}, needed is a positive integer`);
  }
  return {
    name: `top-${k} accuracy`,
    measure: ({ outputs, labels, values }) => {
      const count = outputs.length / values;
      let right = 0;
      for (let i = 0; i < count; i++) {
        const answer = outputs.subarray(i * values, (i + 1) * values);
        const mine = answer[labels[i]];
        const ahead = answer.reduce((sum, value, j) => sum + (j !== labels[i] && !(value < mine) ? 1 : 0), 0);
        if (ahead < k) right++;
      }
      return right / count;
    },
  };
}

/** Returns the class of the largest output of each sample, the first of equal ones; -1 where none is a number. */
export function topClasses(outputs: Float32Array, values: number): Int32Array {
  const top = new Int32Array(outputs.length / values).fill(-1);
  for (let i = 0; i < top.length; i++) {
    let most = -Infinity;
    for (let j = 0; j < values; j++) {
      const value = outputs[i * values + j];
      if (value > most || (top[i] < 0 && value === most)) {
        most = value;
        top[i] = j;
      }
    }
  }
  return top;
}
