/**
 * The metrics of regression. An output has one or more columns; what is said of an output is the mean over its columns.
 *
 *   MAE  = mean |y − t|        RMSE = √ mean (y − t)²        R² = 1 − Σ(y − t)² / Σ(t − mean t)²
 *
 * Chance is to answer the mean of each column's targets, whatever the input: R² is 0 then.
 */
import type { Judged, Metric, TargetValues } from "../task.ts";
import { widthOf } from "../../models/answers.ts";

/** Makes the mean absolute error, in the unit of the targets. Lower is better. */
export function meanAbsoluteError(unit = ""): Metric {
  const scores: Metric["scores"] = (judged) => meanOverColumns(judged, Math.abs);
  return {
    name: "MAE",
    unit,
    better: "lower",
    scores,
    measure: (judged) => mean(scores(judged)),
    chance: (targets, width) => mean(scores(answeredByMeans(targets, width))),
  };
}

/** Makes the root of the mean squared error, in the unit of the targets. Its scores are squares. Lower is better. */
export function rootMeanSquaredError(unit = ""): Metric {
  const scores: Metric["scores"] = (judged) => meanOverColumns(judged, (error) => error * error);
  return {
    name: "RMSE",
    unit,
    better: "lower",
    scores,
    measure: (judged) => Math.sqrt(mean(scores(judged))),
    chance: (targets, width) => Math.sqrt(mean(scores(answeredByMeans(targets, width)))),
  };
}

/**
 * The coefficient of determination: the share of the targets' variance that the answers explain; 1 at most.
 *
 * Of a column whose targets never change it is 1 if all answers are right, else 0.
 */
export const rSquared: Metric = {
  name: "R²",
  unit: "",
  better: "higher",
  measure: (judged) => mean(explained(judged)),
  scores: explained,
  chance: () => 0,
};

/** One number a sample whose mean is R²: 1 − n·(y − t)² / Σ(t − mean t)², the mean over the columns. */
function explained(judged: Judged): Float64Array {
  const width = widthOf(judged.answer);
  const { targets } = judged;
  const count = targets.length / width;
  const spread = spreadsOf(targets, width);
  const isRight = spread.map((_, column) =>
    judged.answer.values.every((value, i) => i % width !== column || value === targets[i])
  );
  return meanOverColumns(judged, (error, column) => {
    if (spread[column] > 0) return 1 - count * error * error / spread[column];
    return isRight[column] ? 1 : 0;
  });
}

/** Σ(t − mean t)² of each column. */
function spreadsOf(targets: TargetValues, width: number): readonly number[] {
  const means = columnMeans(targets, width);
  const sums = means.map(() => 0);
  targets.forEach((value, i) => sums[i % width] += (value - means[i % width]) ** 2);
  return sums;
}

/** Means of the columns. */
export function columnMeans(values: TargetValues, width: number): readonly number[] {
  const sums = Array.from({ length: width }, () => 0);
  values.forEach((value, i) => sums[i % width] += value);
  return sums.map((sum) => sum * width / values.length);
}

/** The targets, with the answers of who knows no more than the columns' means. */
function answeredByMeans(targets: TargetValues, width: number): Judged {
  const means = columnMeans(targets, width);
  const values = Float32Array.from(targets, (_, i) => means[i % width]);
  return { answer: { values, shape: [targets.length / width, width] }, targets };
}

/** Returns the mean of `score` of the errors of each sample. */
function meanOverColumns(
  { answer, targets }: Judged,
  score: (error: number, column: number) => number,
): Float64Array {
  const width = widthOf(answer);
  const scores = new Float64Array(targets.length / width);
  targets.forEach((value, i) => scores[Math.floor(i / width)] += score(answer.values[i] - value, i % width) / width);
  return scores;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
