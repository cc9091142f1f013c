/**
 * The metrics of segmentation, all of them functions of counted pixels: how far the pixels of each class are those that
 * were answered as such.
 *
 * Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation" (2015), section 5 (pixel accuracy, mean IoU,
 * over the pixels of all pictures together); Dice, "Measures of the amount of ecologic association" (1945).
 */
import type { DrawMeasure, Judged, Metric, TargetValues } from "../task.ts";
import { COUNTED, countPixels, NUMBERS, sumCounts } from "./pixel_counts.ts";

/** Makes a metric of counts [classes, 3]; NaN where they are all 0. */
type OfCounts = (counts: Float64Array) => number;

/**
 * Makes the mean over classes of intersection over union: pixels of a class that were answered as such, of those that are
 * of it or were answered as such. Classes that are neither in the masks nor in the answers are left out.
 *
 * A picture's score is that of its own pixels. Chance: to name the commonest class everywhere.
 */
export function meanIou(classes: number): Metric {
  return counted("mIoU", classes, (counts) => meanOfClasses(counts, iouOf));
}

/** Makes the share of the pixels that were answered right. Chance: as for `meanIou`. */
export function pixelAccuracy(classes: number): Metric {
  return counted("pixel accuracy", classes, (counts) => {
    let [both, truth] = [0, 0];
    for (let at = 0; at < counts.length; at += NUMBERS) {
      both += counts[at + COUNTED.both];
      truth += counts[at + COUNTED.truth];
    }
    return both / truth;
  });
}

/**
 * Makes the mean over classes of the Dice coefficient, 2·intersection over the sum of both: F1 of a class's pixels. Classes
 * are left out as in `meanIou`. Chance: as there.
 */
export function meanDice(classes: number): Metric {
  return counted("Dice", classes, (counts) => meanOfClasses(counts, diceOf));
}

/** Returns the IoU of a class by its counts; NaN where it has no pixels. */
export function iouOf(counts: Float64Array): number {
  const both = counts[COUNTED.both];
  return both / (counts[COUNTED.truth] + counts[COUNTED.answered] - both);
}

/** Returns the Dice coefficient of a class by its counts; NaN where it has no pixels. */
export function diceOf(counts: Float64Array): number {
  return 2 * counts[COUNTED.both] / (counts[COUNTED.truth] + counts[COUNTED.answered]);
}

function meanOfClasses(counts: Float64Array, ofClass: OfCounts): number {
  let [sum, seen] = [0, 0];
  for (let at = 0; at < counts.length; at += NUMBERS) {
    const value = ofClass(counts.subarray(at, at + NUMBERS));
    if (Number.isNaN(value)) continue;
    sum += value;
    seen++;
  }
  return sum / seen;
}

function counted(name: string, classes: number, measure: OfCounts): Metric {
  const width = classes * NUMBERS;
  const rowsOf = (judged: Judged) => countPixels(judged, classes).rows;
  return {
    name,
    unit: "fraction",
    better: "higher",
    measure: (judged) => measure(sumCounts(rowsOf(judged), width)),
    scores: (judged) => {
      const rows = rowsOf(judged);
      return Float64Array.from(
        { length: rows.length / width },
        (_, i) => measure(rows.subarray(i * width, (i + 1) * width)),
      );
    },
    measureDraws: (judged) => drawsOf(rowsOf(judged), { width, measure }),
    chance: (targets) => measure(byCommonest(targets, classes)),
  };
}

/** What putting a number in order takes of the time that summing one up takes. */
const SORTED = 20;

/** Measures the sums of pictures' counts. */
function drawsOf(
  counts: Float64Array,
  { width, measure }: { readonly width: number; readonly measure: OfCounts },
): DrawMeasure {
  const total = new Float64Array(width);
  return {
    cost: counts.length / SORTED,
    measure: (rows) => {
      total.fill(0);
      for (let i = 0; i < rows.length; i++) {
        for (let column = 0, at = rows[i] * width; column < width; column++) total[column] += counts[at + column];
      }
      return measure(total);
    },
  };
}

/** Counts of an answer that names the commonest class everywhere. */
function byCommonest(targets: TargetValues, classes: number): Float64Array {
  const pixels = new Float64Array(classes);
  let all = 0;
  for (let i = 0; i < targets.length; i++) {
    if (!(targets[i] >= 0 && targets[i] < classes)) continue;
    pixels[targets[i]]++;
    all++;
  }
  const commonest = pixels.indexOf(Math.max(...pixels));
  const counts = new Float64Array(classes * NUMBERS);
  pixels.forEach((count, k) => counts[k * NUMBERS + COUNTED.truth] = count);
  counts[commonest * NUMBERS + COUNTED.both] = pixels[commonest];
  counts[commonest * NUMBERS + COUNTED.answered] = all;
  return counts;
}
