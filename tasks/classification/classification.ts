/** Classification: each sample is of one of several classes, and the largest output names it. */
import * as tf from "@tensorflow/tfjs-core";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import { pure } from "../loss.ts";
import type { TaskRow } from "../row.ts";
import type { Section } from "../section.ts";
import type { Judged, Metric, Running, Task } from "../task.ts";
import { accuracy, topClass, topClasses } from "./accuracy.ts";
import { type CrossEntropyOptions, softmaxCrossEntropy } from "./cross_entropy.ts";

/** How classes are learned and judged. */
export interface ClassificationOptions extends OutputOptions, CrossEntropyOptions {
  /** Names of the classes, in the order of their numbers; the output must have as many numbers. */
  readonly classNames?: readonly string[];
  /** Metrics beside accuracy, such as `topKAccuracy(5)`. */
  readonly metrics?: readonly Metric[];
}

/** More classes than this make a confusion matrix that nobody reads. */
const MAX_MATRIX = 40;

/**
 * Makes the task of telling classes apart.
 *
 * Targets: class numbers, Int32Array [n]. Loss: cross-entropy of softmax, on what is before the model's softmax.
 *
 * @throws {TypeError} When bound, if the output is not one number a class, two at least.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { classification } from "./classification.ts";
 *
 * const { metrics } = classification().bind([{ name: "softmax", shape: [10] }], "digits");
 * assert.equal(metrics[0].name, "accuracy");
 * assert.throws(() => classification().bind([{ name: "age", shape: [1] }], "faces"), TypeError);
 * ```
 */
export function classification({ classNames, metrics = [], ...options }: ClassificationOptions = {}): Task {
  const loss = softmaxCrossEntropy(options);
  return outputTask("classification", options, (port, doing) => {
    const [classes] = port.shape;
    const count = classNames?.length ?? classes;
    if (port.shape.length !== 1 || classes === null || classes < 2 || classes !== count) {
      const asked = classNames === undefined
        ? "one number a class is needed, for 2 classes at least"
        : `for ${classNames.length} classes [?,${classNames.length}] is needed`;
      throw new TypeError(
        `Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, ${asked}; ` +
          `if it is no classifier, another task is`,
      );
    }
    return {
      head: {
        target: { kind: "index", count: classes },
        loss,
        reads: { kind: "logits", activation: "softmax", strict: true },
        running: HITS,
        sameAnswer: (a, b) => topClass(a) === topClass(b),
        decoding: { answer: "the largest number's index", ...(classNames === undefined ? {} : { classNames }) },
        ...(classNames === undefined ? {} : { names: classNames }),
      },
      metrics: [accuracy, ...metrics],
      fields: ([{ name: metric, float, simulated, deployed, count: samples }]) => ({
        accuracy: {
          metric,
          float,
          ...(simulated === undefined ? {} : { simulated }),
          ...(deployed === undefined ? {} : { deployed }),
          samples,
        },
      }),
      sections: (judged) => classes > MAX_MATRIX ? [] : [confusion(judged, classNames ?? numbered(classes))],
    };
  });
}

/** The row of `--task classification`. */
export const classificationRow: TaskRow<"classes"> = {
  what: "one of several classes",
  targets: "classes",
  head: "softmax",
  make({ names: classNames }, options) {
    if (classNames.length >= 2) return classification({ classNames, ...options });
    throw new TypeError(`the data has ${classNames.length} class, at least 2 are needed`);
  },
};

/** Counts right answers within the step. */
const HITS: Running = {
  name: accuracy.name,
  unit: accuracy.unit,
  better: accuracy.better,
  sum: pure((labels, logits) => tf.sum(tf.cast(tf.equal(tf.argMax(logits, -1), labels), "int32"))),
};

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

function confusion({ answer, targets }: Judged, labels: readonly string[]): Section {
  const counts = labels.map(() => labels.map(() => 0));
  topClasses(answer).forEach((top, i) => {
    if (top >= 0) counts[targets[i]][top]++;
  });
  return {
    kind: "matrix",
    heading: "Confusion",
    lead: "Which class the deployed model gave to the samples of each class; right answers lie on the diagonal.",
    rows: { label: "class", names: labels },
    columns: { label: "answer", names: labels },
    values: counts,
  };
}
