/**
 * The metrics of detection. Boxes are right that overlap a true one of their class by half, as `match.ts` has it.
 *
 * A sample's score is the metric of the sample alone. Where nothing is there, and so nothing to measure, it is 1 if nothing
 * was found above the threshold, else 0.
 */
import type { BoundMetric, JudgedAll } from "../task.ts";
import {
  averagePrecisions,
  countsAt,
  f1Of,
  meanOfClasses,
  precisionOf,
  recallOf,
  sumCounts,
  type Weights,
} from "./average_precision.ts";
import { type BoxReader, type JudgedBoxes, OVERLAPS } from "./judged_boxes.ts";
import { rankedClass } from "./match.ts";

/** What metrics are made for. */
export interface MetricsOptions {
  /** The output that they are reported under. */
  readonly output: string;
  readonly reader: BoxReader;
  /** Boxes above this score count as found, in precision, recall and F1. */
  readonly scoreThreshold: number;
}

/** A number of boxes, each sample taken so many times. */
type Measure = (boxes: JudgedBoxes, weights: Weights, options: MetricsOptions) => number;

/** In the order in which they are reported; the first decides which epoch is the best. */
const MEASURES: Readonly<Record<string, Measure>> = {
  "mAP@0.5": ({ coco }, weights) => meanPrecision(coco, { rule: "coco", thresholds: 1, weights }),
  "mAP@0.5:0.95": ({ coco }, weights) => meanPrecision(coco, { rule: "coco", thresholds: OVERLAPS.length, weights }),
  "VOC mAP@0.5": ({ voc }, weights) => meanPrecision(voc, { rule: "voc", thresholds: 1, weights }),
  precision: (...counted) => precisionOf(countAll(...counted)),
  recall: (...counted) => recallOf(countAll(...counted)),
  F1: (...counted) => f1Of(countAll(...counted)),
};

/** Counting a box that is in its place already takes this share of the time that putting a number in order takes. */
const COUNTING = 1 / 20;

/** What a draw costs for any of the measures, none of which looks at boxes more than once. */
function costOf({ coco }: JudgedBoxes): number {
  return COUNTING * coco.reduce((sum, { samples }) => sum + samples.length, 0);
}

/** Makes the metrics of detection. */
export function detectionMetrics(options: MetricsOptions): readonly BoundMetric[] {
  const { output, reader } = options;
  return Object.entries(MEASURES).map(([name, measure]) => ({
    name,
    output,
    unit: "fraction",
    better: "higher",
    measure: (judged) => measure(reader.judged(judged), undefined, options),
    measureDraws: (judged) => {
      const boxes = reader.judged(judged);
      return {
        measure: (rows) => measure(boxes, countRows(rows, boxes.found.length), options),
        cost: costOf(boxes),
      };
    },
    scores: (judged) => scoresOf(judged, measure, options),
  }));
}

function meanPrecision(
  ranked: JudgedBoxes["coco"],
  { rule, thresholds, weights }: {
    readonly rule: "coco" | "voc";
    /** How many of the first ones. */
    readonly thresholds: number;
    readonly weights: Weights;
  },
): number {
  return meanOfClasses(ranked.flatMap((ofClass) => averagePrecisions(ofClass, { thresholds, rule, weights })));
}

/** Counts of all classes together. */
function countAll({ coco }: JudgedBoxes, weights: Weights, { scoreThreshold: score }: MetricsOptions) {
  return sumCounts(coco.map((ranked) => countsAt(ranked, { score, weights })));
}

/** Returns how often each of `count` samples is among `rows`. */
function countRows(rows: Int32Array, count: number): Int32Array {
  const counts = new Int32Array(count);
  for (let i = 0; i < rows.length; i++) counts[rows[i]]++;
  return counts;
}

function scoresOf(judged: JudgedAll, measure: Measure, options: MetricsOptions): Float64Array {
  const boxes = options.reader.judged(judged);
  const single = splitBySample(boxes);
  return Float64Array.from(boxes.found, (found, i) => {
    const value = measure(single(i), undefined, options);
    if (!Number.isNaN(value)) return value;
    return found.some(({ score }) => score > options.scoreThreshold) ? 0 : 1;
  });
}

/** Returns a function that picks what is known of one sample. */
function splitBySample({ found, truth, coco, voc }: JudgedBoxes): (sample: number) => JudgedBoxes {
  const pick = (ranked: JudgedBoxes["coco"]) => {
    const places = ranked.map(({ samples }) => placesOf(samples, found.length));
    return (sample: number) =>
      ranked.map(({ scores, verdicts, there }, label) => {
        const at = places[label][sample];
        return rankedClass({
          samples: new Int32Array(at.length),
          scores: Float64Array.from(at, (i) => scores[i]),
          verdicts: verdicts.map((verdict) => Uint8Array.from(at, (i) => verdict[i])),
          there: there.slice(sample, sample + 1),
        });
      });
  };
  const [pickCoco, pickVoc] = [pick(coco), pick(voc)];
  return (i) => ({ found: [found[i]], truth: [truth[i]], coco: pickCoco(i), voc: pickVoc(i) });
}

/** For each sample its places in a ranking. */
function placesOf(samples: Int32Array, count: number): readonly (readonly number[])[] {
  const places: number[][] = Array.from({ length: count }, () => []);
  samples.forEach((sample, place) => places[sample].push(place));
  return places;
}

/** Scores that a threshold is chosen from, and that F1 is drawn over. */
export const THRESHOLDS: readonly number[] = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

/** Returns F1 over all classes at each of `THRESHOLDS`. */
export function f1ByThreshold({ coco }: JudgedBoxes): readonly number[] {
  return THRESHOLDS.map((score) => f1Of(sumCounts(coco.map((ranked) => countsAt(ranked, { score })))));
}

/** Returns the threshold at which F1 is largest, of several the one in their middle. */
export function bestThreshold(boxes: JudgedBoxes): number {
  const values = f1ByThreshold(boxes);
  const most = Math.max(...values);
  const best = THRESHOLDS.filter((_, i) => values[i] === most);
  return best[Math.floor((best.length - 1) / 2)];
}
