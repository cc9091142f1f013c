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
  const [there, away] = [1, 0].map((target) => sortedAnswers(answers, targets, { label, width, target }));
  let total = 0;
  let below = away.length;
  for (let end = there.length; end > 0;) {
    const answer = there[end - 1];
    let start = end;
    while (start > 0 && there[start - 1] === answer) start--;
    while (below > 0 && away[below - 1] >= answer) below--;
    const found = there.length - start;
    total += (end - start) * found / (found + away.length - below);
    end = start;
  }
  return there.length === 0 ? undefined : total / there.length;
}

/** Returns the answers to those samples whose label is `target`, from the smallest; one that is no number is below all. */
function sortedAnswers(
  answers: Float32Array,
  targets: TargetValues,
  { label, width, target }: { readonly label: number; readonly width: number; readonly target: number },
): Float32Array {
  const sorted = new Float32Array(targets.length / width);
  let count = 0;
  for (let i = label; i < targets.length; i += width) {
    if (targets[i] === target) sorted[count++] = Number.isNaN(answers[i]) ? -Infinity : answers[i];
  }
  return sorted.subarray(0, count).sort();
}

function sum(values: TargetValues): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
