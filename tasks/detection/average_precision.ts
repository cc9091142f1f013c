/**
 * Numbers of rankings: average precision, and counts at a score. Samples may count any number of times, so that a metric
 * of samples that are drawn costs one walk over boxes that are matched and sorted already.
 *
 * Along the ranking, precision is the share of right boxes among those down to each, recall their share of those that are
 * there. Precision at a recall is the largest one at that recall or beyond.
 *
 *   coco   the mean of the precision at 101 recalls, 0, 0.01 … 1; 0 at recalls that are not reached
 *   voc    the area under it
 *
 * Sources: pycocotools' `COCOeval.accumulate`; Everingham et al., "The PASCAL Visual Object Classes Challenge: A
 * Retrospective" (2015), section 4.1, as VOC has it since 2010.
 */
import { type MatchRule, type RankedClass, VERDICT } from "./match.ts";

/** How often each sample counts; absent: once. */
export type Weights = Int32Array | undefined;

/** Recalls that COCO asks for. */
const RECALLS = Array.from({ length: 101 }, (_, i) => i / 100);

/** Right boxes and recalls are counted in whole numbers: what is left of 1e-9 is rounding of their quotient. */
const ROUNDING = 1e-9;

/** Places of a ranking where something right was found. */
interface Curve {
  readonly recall: Float64Array;
  /** The largest precision from here on. */
  readonly precision: Float64Array;
  readonly length: number;
}

/**
 * Returns the average precision of a class at each of its first `thresholds` thresholds of overlap; NaN where nothing is
 * there.
 *
 * Boxes are counted once for all thresholds; at each only those are looked at that are right.
 */
export function averagePrecisions(
  ranked: RankedClass,
  { thresholds, rule, weights }: {
    readonly thresholds: number;
    readonly rule: MatchRule;
    readonly weights?: Weights;
  },
): readonly number[] {
  const there = weighted(ranked.there, weights);
  if (there === 0) return Array<number>(thresholds).fill(NaN);
  const passed = countPassed(ranked, weights);
  return Array.from({ length: thresholds }, (_, threshold) => {
    const curve = curveOf(ranked, { threshold, there, passed, weights });
    return rule === "coco" ? meanOverRecalls(curve) : areaUnder(curve);
  });
}

/** Counts the boxes down to each, itself included. */
function countPassed({ samples }: RankedClass, weights: Weights): Int32Array {
  const passed = new Int32Array(samples.length);
  let count = 0;
  for (let i = 0; i < samples.length; i++) passed[i] = count += weights === undefined ? 1 : weights[samples[i]];
  return passed;
}

function curveOf(
  { samples, places }: RankedClass,
  { threshold, there, passed, weights }: {
    readonly threshold: number;
    readonly there: number;
    readonly passed: Int32Array;
    readonly weights: Weights;
  },
): Curve {
  const { right: rightPlaces, uncounted: uncountedPlaces } = places[threshold];
  const recall = new Float64Array(rightPlaces.length);
  const precision = new Float64Array(rightPlaces.length);
  const weightAt = (place: number) => weights === undefined ? 1 : weights[samples[place]];
  let [right, uncounted, next, length] = [0, 0, 0, 0];
  for (const place of rightPlaces) {
    while (next < uncountedPlaces.length && uncountedPlaces[next] < place) {
      uncounted += weightAt(uncountedPlaces[next++]);
    }
    const weight = weightAt(place);
    if (weight === 0) continue;
    right += weight;
    recall[length] = right / there;
    precision[length++] = right / (passed[place] - uncounted);
  }
  for (let i = length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1]);
  return { recall, precision, length };
}

function meanOverRecalls({ recall, precision, length }: Curve): number {
  let sum = 0;
  let at = 0;
  for (const asked of RECALLS) {
    while (at < length && recall[at] < asked - ROUNDING) at++;
    if (at === length) break;
    sum += precision[at];
  }
  return sum / RECALLS.length;
}

function areaUnder({ recall, precision, length }: Curve): number {
  let area = 0;
  for (let i = 0; i < length; i++) area += (recall[i] - (i === 0 ? 0 : recall[i - 1])) * precision[i];
  return area;
}

/** Returns the mean of a class's number over the classes of which something is there; NaN where nothing is. */
export function meanOfClasses(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** What came of the boxes above a score. */
export interface Counts {
  readonly right: number;
  readonly wrong: number;
  readonly missed: number;
}

/** Counts the boxes of a class whose score is above `score`, at its first threshold of overlap. */
export function countsAt(
  { samples, scores, verdicts: [verdict], there }: RankedClass,
  { score, weights }: { readonly score: number; readonly weights?: Weights },
): Counts {
  let [right, wrong] = [0, 0];
  for (let i = 0; i < samples.length && scores[i] > score; i++) {
    const weight = weights === undefined ? 1 : weights[samples[i]];
    if (verdict[i] === VERDICT.right) right += weight;
    else if (verdict[i] === VERDICT.wrong) wrong += weight;
  }
  return { right, wrong, missed: weighted(there, weights) - right };
}

/** Adds counts up. */
export function sumCounts(all: readonly Counts[]): Counts {
  const of = (key: keyof Counts) => all.reduce((sum, counts) => sum + counts[key], 0);
  return { right: of("right"), wrong: of("wrong"), missed: of("missed") };
}

/** The share of right boxes among those that were found; where none was 0, NaN if nothing is there either. */
export function precisionOf({ right, wrong, missed }: Counts): number {
  return right + wrong === 0 && missed > 0 ? 0 : right / (right + wrong);
}

/** The share of those that are there that was found; NaN where nothing is there. */
export function recallOf({ right, missed }: Counts): number {
  return right / (right + missed);
}

/** F1, the harmonic mean of precision and recall; 1 where nothing is there and nothing was found. */
export function f1Of({ right, wrong, missed }: Counts): number {
  const named = 2 * right + wrong + missed;
  return named === 0 ? 1 : 2 * right / named;
}

function weighted(counts: Int32Array, weights: Weights): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] * (weights === undefined ? 1 : weights[i]);
  return sum;
}
