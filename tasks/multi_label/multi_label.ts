/** Multi-label classification: each sample has any number of labels, and each output says whether it has one. */
import { widthOf } from "../../models/answers.ts";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import type { TaskRow } from "../row.ts";
import type { Section } from "../section.ts";
import type { Judged, Task } from "../task.ts";
import { binaryCrossEntropy } from "./binary_cross_entropy.ts";
import { averagePrecision, f1Score, meanAveragePrecision } from "./f1.ts";

/** How labels are learned and judged. */
export interface MultiLabelOptions extends OutputOptions {
  /** Names of the labels; the output must have as many numbers. */
  readonly labels?: readonly string[];
  /** A label counts as said if its answer is above this, in (0, 1). Default 0.5. */
  readonly threshold?: number;
}

/**
 * Makes the task of saying which labels a sample has.
 *
 * Targets: zeros and ones, Float32Array [n, labels]. Loss: binary cross-entropy, on what is before the model's sigmoid.
 * Answers are probabilities: the model ends in a sigmoid.
 *
 * @throws {RangeError} If the threshold is not within (0, 1).
 * @throws {TypeError} When bound, if the output is not one number a label.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { multiLabel } from "./multi_label.ts";
 *
 * const { metrics } = multiLabel().bind([{ name: "sigmoid", shape: [3] }], "tags");
 * assert.deepEqual(metrics.map(({ name }) => name), ["F1", "average precision"]);
 * ```
 */
export function multiLabel({ labels, threshold = 0.5, ...options }: MultiLabelOptions = {}): Task {
  const f1 = f1Score(threshold);
  return outputTask("multi-label", options, (port, doing) => {
    const [width] = port.shape;
    if (port.shape.length !== 1 || width === null || (labels !== undefined && width !== labels.length)) {
      const asked = labels === undefined
        ? "one number a label is needed"
        : `for ${labels.length} labels as many are needed`;
      throw new TypeError(`Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, ${asked}`);
    }
    const names = labels ?? Array.from({ length: width }, (_, i) => `${i}`);
    return {
      head: {
        target: { kind: "flags", width },
        loss: binaryCrossEntropy,
        reads: { kind: "logits", activation: "sigmoid", strict: true },
        sameAnswer: (a, b) => a.every((value, i) => (value > threshold) === (b[i] > threshold)),
        decoding: { answer: "labels above the threshold", threshold, ...(labels === undefined ? {} : { labels }) },
        ...(labels === undefined ? {} : { names: labels }),
      },
      metrics: [f1, meanAveragePrecision],
      sections: (judged) => [perLabel(judged, { names, threshold }), curves(judged, names)],
    };
  });
}

/** The row of `--task multi-label`. */
export const multiLabelRow: TaskRow<"flags"> = {
  what: "any of several labels",
  targets: "flags",
  head: "sigmoid",
  make: ({ names: labels }, options) => multiLabel({ labels, ...options }),
};

/** Lines of the table of labels. */
const MAX_ROWS = 40;
/** Curves in one figure: more cannot be told apart. */
const MAX_CURVES = 6;
/** Places on a curve. */
const MAX_POINTS = 100;

function perLabel(judged: Judged, { names, threshold }: { names: readonly string[]; threshold: number }): Section {
  const { answer, targets } = judged;
  const width = names.length;
  const rows = names.slice(0, MAX_ROWS).map((name, label) => {
    const one = columnOf(judged, label);
    const there = one.targets.filter((value) => value === 1).length;
    const f1 = f1Score(threshold).measure(one);
    return [name, there, f1, averagePrecision(answer.values, targets, { label, width }) ?? null] as const;
  });
  return {
    kind: "table",
    heading: "Labels",
    lead: names.length > MAX_ROWS
      ? `How the deployed model finds the first ${MAX_ROWS} labels of ${names.length}.`
      : "How the deployed model finds each label.",
    columns: [
      { heading: "label" },
      { heading: "samples" },
      { heading: "F1", unit: "fraction" },
      { heading: "average precision", unit: "fraction" },
    ],
    rows,
  };
}

function curves(judged: Judged, names: readonly string[]): Section {
  return {
    kind: "curve",
    heading: "Precision over recall",
    lead: "How much of what the deployed model says is right, the more of what is there it finds.",
    x: { label: "recall", unit: "fraction", min: 0, max: 1 },
    y: { label: "precision", unit: "fraction", min: 0, max: 1 },
    marks: "line",
    series: names.slice(0, MAX_CURVES).map((name, label) => ({ name, points: curveOf(columnOf(judged, label)) })),
  };
}

/** Precision over recall as the threshold falls, at so many places. */
function curveOf({ answer, targets }: Judged): readonly (readonly [number, number])[] {
  const order = Array.from(targets, (target, i) => ({ target, value: answer.values[i] }))
    .sort((a, b) => b.value - a.value);
  const all = order.reduce((sum, { target }) => sum + target, 0);
  if (all === 0) return [];
  let found = 0;
  const points = order.map(({ target }, i) => {
    found += target;
    return [found / all, found / (i + 1)] as const;
  });
  const step = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

/** One label's answers and targets. */
function columnOf({ answer, targets }: Judged, label: number): Judged {
  const width = widthOf(answer);
  const pick = (values: ArrayLike<number>) =>
    Float32Array.from({ length: values.length / width }, (_, row) => values[row * width + label]);
  return { answer: { values: pick(answer.values), shape: [targets.length / width, 1] }, targets: pick(targets) };
}
