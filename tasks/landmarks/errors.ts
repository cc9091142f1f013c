/**
 * The metrics of points: how far they are off, as shares of a distance within the sample itself, so that large and small faces
 * count alike.
 *
 *   NME of a sample = mean over points |y − t| / d(t)        NME = mean over samples
 *   failure rate    = share of samples with NME > 8 %
 *   AUC             = (1 / 8 %) ∫ from 0 to 8 % of the share of samples with NME ≤ e, over e
 *                   = mean over samples of max(0, 1 − NME / 8 %)
 *
 * d is the distance between two groups of the true points, such as the outer corners of the eyes, each group by its mean;
 * where there are none, √(width · height) of the true points' box. Of a sample in which it is 0, whatever is not exactly right
 * is infinitely wrong.
 *
 * Source: Sagonas et al., "300 Faces in-the-wild challenge: database and results", Image and Vision Computing 47 (2016).
 */
import type { Judged, Metric, TargetValues } from "../task.ts";
import { columnMeans } from "../regression/errors.ts";

/** Points as targets and answers have them: x and y of each, as shares of the picture's sides. */
export interface PointLayout {
  /** How many there are. */
  readonly count: number;
  /** Height and width of the picture, in pixels; both 1 where nobody knows them. */
  readonly size: readonly [height: number, width: number];
}

/** What errors are measured in. */
export interface ErrorScale {
  /** What it is called in reports, such as "inter-ocular". */
  readonly name: string;
  /** Two groups of points, as indices; absent: the size of the true points' box. */
  readonly groups?: readonly [readonly number[], readonly number[]];
}

/** The error from which on a sample counts as failed. */
export const FAILURE = 0.08;

/** The scale of points of which nobody says where eyes are. */
export const BOX_SCALE: ErrorScale = { name: "box" };

/**
 * Returns the error of each point of each sample, as a share of the sample's own distance.
 *
 * Shapes: [n, 2 · count], twice → [n, count].
 */
export function pointErrors(
  { answer: { values }, targets }: Judged,
  { layout, scale }: { readonly layout: PointLayout; readonly scale: ErrorScale },
): Float64Array {
  const { count, size: [height, width] } = layout;
  const errors = new Float64Array(targets.length / 2);
  for (let first = 0; first < errors.length; first += count) {
    const distance = distanceIn(targets, { first, layout, scale });
    for (let point = first; point < first + count; point++) {
      const dx = (values[2 * point] - targets[2 * point]) * width;
      const dy = (values[2 * point + 1] - targets[2 * point + 1]) * height;
      const error = Math.hypot(dx, dy);
      errors[point] = error === 0 ? 0 : error / distance;
    }
  }
  return errors;
}

/** Returns the mean error of the points of each sample: [n]. */
export function sampleErrors(judged: Judged, given: Parameters<typeof pointErrors>[1]): Float64Array {
  const { count } = given.layout;
  const errors = pointErrors(judged, given);
  return Float64Array.from({ length: errors.length / count }, (_, sample) => {
    let sum = 0;
    for (let point = sample * count; point < (sample + 1) * count; point++) sum += errors[point];
    return sum / count;
  });
}

/** Makes the normalized mean error. Lower is better. */
export function normalizedMeanError(layout: PointLayout, scale: ErrorScale): Metric {
  return meanOf("NME", "lower", { layout, scale, score: (error) => error });
}

/** Makes the share of samples whose normalized mean error is above 8 %. Lower is better. */
export function failureRate(layout: PointLayout, scale: ErrorScale): Metric {
  return meanOf("failures", "lower", { layout, scale, score: (error) => error > FAILURE ? 1 : 0 });
}

/** Makes the area under the curve of cumulative errors up to 8 %, 1 at most. Higher is better. */
export function errorCurveArea(layout: PointLayout, scale: ErrorScale): Metric {
  return meanOf("AUC", "higher", { layout, scale, score: (error) => Math.max(0, 1 - error / FAILURE) });
}

/** A metric that is the mean of a score of the samples' errors. Chance is to answer the mean of all true points. */
function meanOf(
  name: string,
  better: Metric["better"],
  { score, ...given }: Parameters<typeof pointErrors>[1] & { readonly score: (error: number) => number },
): Metric {
  const scores: Metric["scores"] = (judged) => sampleErrors(judged, given).map(score);
  return {
    name: `${name} (${given.scale.name})`,
    unit: "fraction",
    better,
    isMean: true,
    scores,
    measure: (judged) => mean(scores(judged)),
    chance: (targets, width) => mean(scores(answeredByMeans(targets, width))),
  };
}

interface Sample {
  /** Its first point. */
  readonly first: number;
  readonly layout: PointLayout;
  readonly scale: ErrorScale;
}

function distanceIn(targets: TargetValues, { first, layout, scale: { groups } }: Sample): number {
  const [height, width] = layout.size;
  if (groups === undefined) {
    const [across, down] = [0, 1].map((axis) => spreadOf(targets, { first, count: layout.count, axis }));
    return Math.sqrt(across * width * down * height);
  }
  const [[ax, ay], [bx, by]] = groups.map((group) => [0, 1].map((axis) => centreOf(targets, { first, group, axis })));
  return Math.hypot((ax - bx) * width, (ay - by) * height);
}

function spreadOf(
  targets: TargetValues,
  { first, count, axis }: { readonly first: number; readonly count: number; readonly axis: number },
): number {
  let [least, most] = [Infinity, -Infinity];
  for (let point = first; point < first + count; point++) {
    least = Math.min(least, targets[2 * point + axis]);
    most = Math.max(most, targets[2 * point + axis]);
  }
  return most - least;
}

function centreOf(
  targets: TargetValues,
  { first, group, axis }: { readonly first: number; readonly group: readonly number[]; readonly axis: number },
): number {
  return group.reduce((sum, point) => sum + targets[2 * (first + point) + axis], 0) / group.length;
}

/** The targets, with the answers of who knows no more than where points are in the mean. */
function answeredByMeans(targets: TargetValues, width: number): Judged {
  const means = columnMeans(targets, width);
  const values = Float32Array.from(targets, (_, i) => means[i % width]);
  return { answer: { values, shape: [targets.length / width, width] }, targets };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
