/** How sure the metrics of models are that answered the same samples, and the changes from one of them to the others. */
import type { BoundTask, DrawMeasure, JudgedAll, MetricValue, TargetValues } from "../task.ts";
import { changeOfDraws, drawSamples, intervalOfDraws } from "./bootstrap.ts";
import { changeOfHits, countPairs, wilsonInterval } from "./hits.ts";
import type { ConfidenceInterval, MetricChange } from "./interval.ts";

export type { ConfidenceInterval, MetricChange };

/** A model's answers with what was measured of them, such as an `Evaluation`. */
export interface MeasuredAnswers extends JudgedAll {
  readonly task: Pick<BoundTask, "metrics">;
  /** A value of each of the task's metrics. */
  readonly metrics: readonly MetricValue[];
}

/** How sure one metric of one model is. What nothing can be said of is absent. */
export interface Uncertainty {
  /** Of the metric itself. */
  readonly interval?: ConfidenceInterval;
  /** Of the metric minus that of the reference. */
  readonly change?: MetricChange;
  /** What the metric was on the draws; absent where it is the share of right answers, or there are no samples. */
  readonly draws?: Float64Array;
}

/**
 * What is kept of a metric of one model, so that it can be compared later with that of another on the same samples: which
 * answers are right, or what the metric was on draws of samples. Draws are the same for the same number of samples.
 */
export type KeptMetric =
  | { readonly kind: "hits"; readonly hits: Float64Array }
  | { readonly kind: "draws"; readonly draws: Float64Array; readonly samples: number };

/**
 * Compares a metric of two models by what was kept of it; the tests are those of `compareModels`.
 *
 * @returns undefined where nothing can be said: not the same was kept of both.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compareKept } from "./mod.ts";
 *
 * const hits = (right: number) => ({ kind: "hits", hits: Float64Array.from({ length: 50 }, (_, i) => +(i < right)) } as const);
 * assert.equal(compareKept(hits(45), hits(44))?.p, 1);
 * ```
 */
export function compareKept(before: KeptMetric, after: KeptMetric): MetricChange | undefined {
  if (before.kind === "hits" && after.kind === "hits" && before.hits.length === after.hits.length) {
    return changeOfHits(countPairs(before.hits, after.hits));
  }
  if (before.kind !== "draws" || after.kind !== "draws" || before.samples !== after.samples) return undefined;
  // Of more models fewer draws are made, the first ones.
  const draws = Math.min(before.draws.length, after.draws.length);
  return changeOfDraws(before.draws.subarray(0, draws), after.draws.subarray(0, draws), before.samples);
}

/** How models are compared. */
export interface CompareOptions {
  /** Index of the model that the others are compared with. Default 0. */
  readonly reference?: number;
  /** Of the samples that are drawn. Default 0. */
  readonly seed?: number;
}

/**
 * Says for each model and metric how sure it is, and the change from the reference.
 *
 * Where a metric is the share of right answers: Wilson's interval, Newcombe's of the change, and McNemar's exact test.
 * Of any other, a paired bootstrap: the metric is measured anew on samples that are drawn with replacement.
 *
 * @param models All of them judged by the same metrics on the same samples, in the same order.
 * @returns A list of uncertainties, one a metric, for each model; of the reference without changes.
 * @throws {TypeError} If they are not of the same samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compareModels } from "./mod.ts";
 * import { classification } from "../classification/classification.ts";
 * import { measureAll } from "../task.ts";
 *
 * const task = classification().bind([{ name: "softmax", shape: [2] }], "coins");
 * const targets = { softmax: Int32Array.from({ length: 50 }, () => 0) };
 * const answering = (right: number) => {
 *   const values = Float32Array.from({ length: 100 }, (_, i) => Number((i >> 1 < right) === (i % 2 === 0)));
 *   const judged = { answers: { softmax: { values, shape: [50, 2] } }, targets };
 *   return { task, ...judged, metrics: measureAll(task, judged) };
 * };
 * const [, [{ change }]] = compareModels([answering(45), answering(44)]);
 * assert.ok(change !== undefined && change.p === 1 && change.low < -0.02 && change.high > 0);
 * ```
 */
export function compareModels(
  models: readonly MeasuredAnswers[],
  { reference = 0, seed = 0 }: CompareOptions = {},
): readonly (readonly Uncertainty[])[] {
  const [{ metrics }] = models;
  for (const model of models) refuseOtherSamples(metrics, model.metrics);
  const isDrawn = metrics.some(({ isHitRate }) => isHitRate !== true);
  const drawn = isDrawn ? measureDraws(models, seed) : [];
  return models.map(({ metrics }, m) =>
    metrics.map(({ isHitRate, scores, count }, i) => {
      if (count === 0) return {};
      if (isHitRate !== true) return ofDraws(drawn.map((values) => values[i]), { model: m, reference, count });
      const interval = wilsonInterval(scores.reduce((sum, hit) => sum + hit, 0), count);
      if (m === reference) return { interval };
      return { interval, change: changeOfHits(countPairs(models[reference].metrics[i].scores, scores)) };
    })
  );
}

function ofDraws(
  values: readonly Float64Array[],
  { model, reference, count }: { readonly model: number; readonly reference: number; readonly count: number },
): Uncertainty {
  const interval = intervalOfDraws(values[model], count);
  const change = model === reference ? undefined : changeOfDraws(values[reference], values[model], count);
  return {
    ...(interval === undefined ? {} : { interval }),
    ...(change === undefined ? {} : { change }),
    draws: values[model],
  };
}

/** Draws, as many as are worth their time. */
const DRAWS = { most: 2000, least: 200 };
/** Numbers to measure, over all draws and models: some seconds for the slowest metrics, which sort. */
const MOST_NUMBERS = 4e7;

/** Measures the metrics of all models on the same draws: [model][metric] → a value a draw. */
function measureDraws(models: readonly MeasuredAnswers[], seed: number): readonly (readonly Float64Array[])[] {
  const [{ metrics: [{ count }] }] = models;
  const quick = models.map(({ task, ...judged }) => task.metrics.map(({ measureDraws }) => measureDraws?.(judged)));
  // Means are those of scores: nothing is measured anew.
  const isMeasured = models[0].task.metrics.some(({ isHitRate, isMean }, i) =>
    isHitRate !== true && isMean !== true && quick[0][i] === undefined
  );
  const draws = countDraws(models, { isMeasured, quick });
  const values = models.map(({ metrics }) => metrics.map(() => new Float64Array(draws)));
  let draw = 0;
  for (const rows of drawSamples(count, { draws, seed })) {
    models.forEach(({ task, metrics, ...judged }, m) => {
      const drawn = isMeasured ? selectRows(judged, rows) : judged;
      task.metrics.forEach(({ isHitRate, isMean, measure }, i) => {
        if (isMean === true) values[m][i][draw] = meanOf(metrics[i].scores, rows);
        else if (isHitRate !== true) values[m][i][draw] = quick[m][i]?.measure(rows) ?? measure(drawn);
      });
    });
    draw++;
  }
  return values;
}

interface Ways {
  /** Whether a metric is measured anew on the answers that are drawn. */
  readonly isMeasured: boolean;
  /** Quicker ways, by model and metric. */
  readonly quick: readonly (readonly (DrawMeasure | undefined)[])[];
}

/** Returns how many draws are worth their time. */
function countDraws([{ metrics: [{ count }], targets }, ...others]: readonly MeasuredAnswers[], ways: Ways): number {
  const { isMeasured, quick } = ways;
  const each = isMeasured ? Object.values(targets).reduce((sum, { length }) => sum + length, 0) : count;
  const walked = quick.flat().reduce((sum, way) => sum + (way?.cost ?? 0), 0);
  const numbers = (1 + others.length) * each + walked;
  return Math.round(Math.min(DRAWS.most, Math.max(DRAWS.least, MOST_NUMBERS / Math.max(1, numbers))));
}

function meanOf(scores: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += scores[rows[i]];
  return sum / rows.length;
}

/** Picks samples of all outputs but digested ones, whose metrics prepare; a sample may come more than once. */
function selectRows({ answers: all, targets }: JudgedAll, rows: Int32Array): JudgedAll {
  const answers = Object.fromEntries(Object.entries(all).filter(([, { digest }]) => digest === undefined));
  return {
    answers: Object.fromEntries(
      Object.entries(answers).map(([name, { shape: [count, ...shape], values, ...rest }]) => [name, {
        ...rest,
        values: pick(values, new Float32Array(rows.length * values.length / count), rows),
        shape: [rows.length, ...shape],
      }]),
    ),
    targets: Object.fromEntries(
      Object.entries(targets).filter(([name]) => Object.hasOwn(answers, name)).map(([name, values]) => {
        const length = rows.length * values.length / answers[name].shape[0];
        return [name, pickTargets(values, { length, rows })];
      }),
    ),
  };
}

function pickTargets(
  values: TargetValues,
  { length, rows }: { readonly length: number; readonly rows: Int32Array },
): TargetValues {
  if (values instanceof Int32Array) return pick(values, new Int32Array(length), rows);
  if (values instanceof Uint8Array) return pick(values, new Uint8Array(length), rows);
  return pick(values, new Float32Array(length), rows);
}

/** Writes the rows at `rows` of `values` into `out`, which has room for as many. */
function pick<T extends TargetValues>(values: T, out: T, rows: Int32Array): T {
  const width = out.length / rows.length;
  for (let i = 0, to = 0; i < rows.length; i++) {
    for (let from = rows[i] * width, end = from + width; from < end; from++) out[to++] = values[from];
  }
  return out;
}

function refuseOtherSamples(metrics: readonly MetricValue[], others: readonly MetricValue[]): void {
  metrics.forEach(({ name, count }, i) => {
    if (others[i]?.count === count) return;
    throw new TypeError(
      `Cannot compare "${name}" of two models: one has ${count} scores, the other ${others[i]?.count ?? 0}, ` +
        `they must be of the same samples`,
    );
  });
}
