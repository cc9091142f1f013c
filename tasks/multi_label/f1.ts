/**
 * The metrics of multi-label classification, on all labels of all samples together.
 *
 *   F1 = 2·TP / (2·TP + FP + FN), of labels whose answer is above the threshold
 *
 * Average precision is that of one label's samples in the order of their answers: the mean, over the samples that have
 * the label, of the precision down to each. The metric is its mean over the labels that any sample has. Samples of equal
 * answers stand in one place: precision is taken at the end of it.
 *
 * Source: Everingham et al., "The PASCAL Visual Object Classes Challenge" (2010), section 4.2, without interpolation.
 */
import { rowOf, widthOf } from "../../models/answers.ts";
import type { Judged, Metric, TargetValues } from "../task.ts";

/** Hits and misses of labels. */
interface Counts {
  /** Labels that are there and were found. */
  readonly found: number;
  /** Labels that are there, or were said to be; those that are and were count twice. */
  readonly named: number;
}

/**
 * Makes F1 over all labels: answers above `threshold` count as said. Higher is better.
 *
 * It is 1 where nothing is there and nothing was said. A sample's score is F1 of its own labels. Chance: to say every
 * label of every sample.
 *
 * @throws {RangeError} If the threshold is not within (0, 1).
 */
export function f1Score(threshold = 0.5): Metric {
  if (!(threshold > 0 && threshold < 1)) {
    throw new RangeError(`Cannot make F1: the threshold is ${threshold}, needed is a number between 0 and 1`);
  }
  const ofRow = ({ answer, targets }: Judged, row: number): Counts => {
    const width = widthOf(answer);
    return countRow(rowOf(answer, row), targets.subarray(row * width, (row + 1) * width), threshold);
  };
  const rows = ({ answer, targets }: Judged) => targets.length / widthOf(answer);
  return {
    name: "F1",
    unit: "fraction",
    better: "higher",
    measure(judged) {
      const total = { found: 0, named: 0 };
      for (let row = 0; row < rows(judged); row++) {
        const { found, named } = ofRow(judged, row);
        total.found += found;
        total.named += named;
      }
      return rows(judged) === 0 ? NaN : f1Of(total);
    },
    scores: (judged) => Float64Array.from({ length: rows(judged) }, (_, row) => f1Of(ofRow(judged, row))),
    chance(targets) {
      const there = sum(targets);
      return f1Of({ found: there, named: there + targets.length });
    },
  };
}

function f1Of({ found, named }: Counts): number {
  return named === 0 ? 1 : 2 * found / named;
}

function countRow(answers: Float32Array, targets: TargetValues, threshold: number): Counts {
  let found = 0;
  let named = 0;
  for (let i = 0; i < answers.length; i++) {
    const said = answers[i] > threshold;
    if (said && targets[i] === 1) found++;
    named += Number(said) + targets[i];
  }
  return { found, named };
}

/**
 * The mean average precision: how far up the samples that have a label stand when sorted by its answer. Higher is better.
 *
 * A sample's score is the average precision of its own labels among each other, 1 where it has none. Chance: answers in
 * any order, which gives each label its share of the samples.
 */
export const meanAveragePrecision: Metric = {
  name: "average precision",
  unit: "fraction",
  better: "higher",
  measure: ({ answer, targets }) => {
    const width = widthOf(answer);
    const each = Array.from(
      { length: width },
      (_, label) => averagePrecision(answer.values, targets, { label, width }),
    );
    return mean(each.filter((value) => value !== undefined));
  },
  scores: ({ answer, targets }) => {
    const width = widthOf(answer);
    return Float64Array.from({ length: targets.length / width }, (_, row) => {
      const own = targets.subarray(row * width, (row + 1) * width);
      return averagePrecision(rowOf(answer, row), own, { label: 0, width: 1 }) ?? 1;
    });
  },
  chance: (targets, width) => {
    const shares = Array.from({ length: width }, (_, label) => {
      const column = targets.filter((_, i) => i % width === label);
      return sum(column) / column.length;
    });
    return mean(shares.filter((share) => share > 0));
  },
};

/** Average precision of one label; undefined if no sample has it. */
export function averagePrecision(
  answers: Float32Array,
  targets: TargetValues,
  { label, width }: { readonly label: number; readonly width: number },
): number | undefined {
  const count = targets.length / width;
  const samples = Array.from({ length: count }, (_, row) => ({
    answer: answers[row * width + label],
    target: targets[row * width + label],
  })).sort((a, b) => b.answer - a.answer);
  let found = 0;
  let total = 0;
  for (let start = 0; start < count;) {
    let end = start;
    let here = 0;
    while (end < count && samples[end].answer === samples[start].answer) here += samples[end++].target;
    // An answer that is no number equals nothing, not even itself: it stands alone.
    if (end === start) here += samples[end++].target;
    found += here;
    total += here * found / end;
    start = end;
  }
  return found === 0 ? undefined : total / found;
}

function sum(values: TargetValues): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
