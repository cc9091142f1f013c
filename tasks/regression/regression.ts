/** Regression: an output's numbers are to come near the targets'. */
import * as tf from "@tensorflow/tfjs-core";
import { type Answer, widthOf } from "../../models/answers.ts";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import { meanSquaredError, pure } from "../loss.ts";
import type { TaskRow } from "../row.ts";
import type { Section } from "../section.ts";
import type { Judged, Metric, Running, Task } from "../task.ts";
import { columnMeans, meanAbsoluteError, rootMeanSquaredError, rSquared } from "./errors.ts";

/** How numbers are learned and judged. */
export interface RegressionOptions extends OutputOptions {
  /** Names of the numbers; the output must have as many. */
  readonly columns?: readonly string[];
  /** Unit of the targets, such as "px". Default: none. */
  readonly unit?: string;
}

/**
 * Makes the task of coming near real numbers.
 *
 * Targets: finite numbers, Float32Array [n, …shape of the output]. Loss: mean squared error. Metrics: MAE, RMSE, R².
 *
 * @throws {TypeError} When bound, if the output has another number of numbers than `columns`, or an open shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { regression } from "./regression.ts";
 *
 * const { metrics } = regression({ unit: "px" }).bind([{ name: "points", shape: [136] }], "faces");
 * assert.deepEqual(metrics.map(({ name, unit, better }) => `${name} ${unit} ${better}`), [
 *   "MAE px lower",
 *   "RMSE px lower",
 *   "R²  higher",
 * ]);
 * ```
 */
export function regression({ columns, unit = "", ...options }: RegressionOptions = {}): Task {
  return outputTask("regression", options, (port, doing) => {
    const width = port.shape.reduce<number | null>((all, dim) => all === null || dim === null ? null : all * dim, 1);
    if (width === null || (columns !== undefined && width !== columns.length)) {
      const asked = columns === undefined
        ? "a known shape is needed"
        : `for ${columns.length} targets as many are needed`;
      throw new TypeError(`Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, ${asked}`);
    }
    const names = columns ?? Array.from({ length: width }, (_, i) => `${i}`);
    return {
      head: {
        target: { kind: "reals", width },
        loss: meanSquaredError,
        reads: { kind: "answer" },
        running: { ...ERROR, unit },
        decoding: { answer: "the numbers themselves", unit, ...(columns === undefined ? {} : { columns }) },
      },
      metrics: [meanAbsoluteError(unit), rootMeanSquaredError(unit), rSquared],
      sections: (judged) => [scatter(judged, { names, unit }), ...perColumn(judged, { names, unit })],
    };
  });
}

/** The row of `--task regression`. */
export const regressionRow: TaskRow<"reals"> = {
  what: "real numbers",
  targets: "reals",
  head: "linear",
  make: ({ names: columns }, options) => regression({ columns, ...options }),
  // From the means on, only what the input tells is left to learn.
  bias: ({ values, names }) => columnMeans(values, names.length),
};

/** Sums the mean absolute errors of the samples within the step. */
const ERROR: Running = {
  name: "MAE",
  unit: "",
  better: "lower",
  sum: pure((targets, outputs) =>
    tf.mul<tf.Scalar>(tf.mean(tf.abs(tf.sub(outputs, tf.cast(targets, "float32")))), outputs.shape[0] ?? 1)
  ),
};

/** Points of a cloud: more are a blot, and a burden on the page. */
const MAX_POINTS = 400;
/** Clouds in one figure: more cannot be told apart. */
const MAX_CLOUDS = 4;
/** Lines of the table of columns. */
const MAX_ROWS = 20;

interface Words {
  readonly names: readonly string[];
  readonly unit: string;
}

function scatter({ answer, targets }: Judged, { names, unit }: Words): Section {
  const width = names.length;
  const clouds = width <= MAX_CLOUDS ? names : ["all numbers"];
  const step = Math.max(1, Math.ceil(targets.length / clouds.length / MAX_POINTS));
  return {
    kind: "curve",
    heading: "Answers over targets",
    lead: "What the deployed model answers over what is right; on the diagonal it is right.",
    x: { label: "target", unit },
    y: { label: "answer", unit },
    marks: "points",
    diagonal: true,
    series: clouds.map((name, cloud) => ({
      name,
      points: Array.from({ length: Math.ceil(targets.length / clouds.length / step) }, (_, k) => {
        const i = clouds.length === 1 ? k * step : k * step * width + cloud;
        return [targets[i], answer.values[i]] as const;
      }),
    })),
  };
}

/** The errors of each column, the worst first; nothing where there is one. */
function perColumn(judged: Judged, { names, unit }: Words): readonly Section[] {
  if (names.length === 1) return [];
  const metrics: readonly Metric[] = [meanAbsoluteError(unit), rootMeanSquaredError(unit), rSquared];
  const rows = names.map((name, column) => {
    const one = columnOf(judged, column);
    return [name, ...metrics.map(({ measure }) => measure(one))] as const;
  }).sort(([, a], [, b]) => Number(b) - Number(a));
  return [{
    kind: "table",
    heading: "Errors by column",
    lead: names.length > MAX_ROWS
      ? `The ${MAX_ROWS} columns of ${names.length} in which the deployed model errs the most.`
      : "How far the deployed model is off in each column, the worst first.",
    columns: [{ heading: "column" }, ...metrics.map(({ name, unit }) => ({ heading: name, unit }))],
    rows: rows.slice(0, MAX_ROWS),
  }];
}

/** One column of answers and targets. */
function columnOf({ answer, targets }: Judged, column: number): Judged {
  const width = widthOf(answer);
  const pick = (values: ArrayLike<number>) =>
    Float32Array.from({ length: values.length / width }, (_, row) => values[row * width + column]);
  const one: Answer = { values: pick(answer.values), shape: [targets.length / width, 1] };
  return { answer: one, targets: pick(targets) };
}
