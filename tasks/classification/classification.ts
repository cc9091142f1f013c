/** Classification: each sample is of one of several classes, and the largest output names it. */
import * as tf from "@tensorflow/tfjs-core";
import type { Port } from "../../models/ports.ts";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import { pure } from "../loss.ts";
import type { TaskRow } from "../row.ts";
import type { Metric, Running, Task } from "../task.ts";
import { accuracy, sequenceAccuracy, tokenAccuracy, topClasses } from "./accuracy.ts";
import { countConfusion, sectionsOf } from "./confusion.ts";
import { type CrossEntropyOptions, softmaxCrossEntropy } from "./cross_entropy.ts";

/** How classes are learned and judged. */
export interface ClassificationOptions extends OutputOptions, CrossEntropyOptions {
  /** Names of the classes, in the order of their numbers; the output must have as many numbers. */
  readonly classNames?: readonly string[];
  /** Positions of a sample that have a class each; null: the sample itself has one. Default: as the output has it. */
  readonly positions?: number | null;
  /** Metrics beside accuracy, such as `topKAccuracy(5)`. */
  readonly metrics?: readonly Metric[];
}

/**
 * Makes the task of telling classes apart.
 *
 * Targets: class numbers, Int32Array [n]; of an output [positions, classes], [n, positions]. Loss: cross-entropy of softmax,
 * on what is before the model's softmax. Metrics: accuracy; of positions, that of tokens and that of whole sequences.
 *
 * @throws {TypeError} When bound, if the output is not one number a class, two at least, or so many at each position.
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
export function classification(given: ClassificationOptions = {}): Task {
  const { classNames, metrics = [], ...options } = given;
  const loss = softmaxCrossEntropy(options);
  return outputTask("classification", options, (port, doing) => {
    const { classes, positions } = checkPort(port, doing, given);
    return {
      head: {
        target: { kind: "index", count: classes, ...(positions === undefined ? {} : { positions }) },
        loss,
        reads: { kind: "logits", activation: "softmax", strict: true },
        running: positions === undefined ? HITS : hitsAt(positions),
        sameAnswer: (a, b) => {
          const tops = [a, b].map((values) => topClasses({ values, shape: [values.length / classes, classes] }));
          return tops[0].every((top, i) => top === tops[1][i]);
        },
        decoding: {
          answer: `the largest number's index${positions === undefined ? "" : ", at each position"}`,
          ...(classNames === undefined ? {} : { classNames }),
        },
        ...(classNames === undefined ? {} : { names: classNames }),
      },
      metrics: [
        ...(positions === undefined ? [accuracy] : [tokenAccuracy(positions), sequenceAccuracy(positions)]),
        ...metrics,
      ],
      fields: ([{ name: metric, float, simulated, deployed, count: samples }]) => ({
        accuracy: {
          metric,
          float,
          ...(simulated === undefined ? {} : { simulated }),
          ...(deployed === undefined ? {} : { deployed }),
          samples,
        },
      }),
      sections: (judged) => sectionsOf(countConfusion(judged, classes), classNames ?? numbered(classes)),
    };
  });
}

/** @throws {TypeError} If the output is not one number a class, two at least, or so many at each position. */
function checkPort(
  port: Port,
  doing: string,
  { classNames, positions: asked }: ClassificationOptions,
): { readonly classes: number; readonly positions?: number } {
  const [classes = null, positions, ...more] = port.shape.toReversed();
  const count = classNames?.length ?? classes;
  const areRight = positions !== null && (asked === undefined || asked === (positions ?? null));
  if (areRight && more.length === 0 && classes !== null && classes >= 2 && classes === count) {
    return { classes, ...(positions === undefined ? {} : { positions }) };
  }
  const names = `${classNames?.length} classes`;
  const needed = classNames === undefined
    ? "one number a class is needed, for 2 classes at least"
    : typeof asked === "number"
    ? `for ${names} at each of ${asked} positions [?,${asked},${classNames.length}] is needed`
    : `for ${names} [?,${classNames.length}] is needed`;
  throw new TypeError(
    `Cannot ${doing}: its output "${port.name}" is ${describePort(port)}, ${needed}; ` +
      `if it is no classifier, another task is`,
  );
}

/** The row of `--task classification`. */
export const classificationRow: TaskRow<"classes"> = {
  what: "one of several classes",
  targets: "classes",
  head: "softmax",
  settings: ["classWeights"],
  make({ names: classNames, positions = null }, options) {
    if (classNames.length >= 2) return classification({ classNames, positions, ...options });
    throw new TypeError(`the data has ${classNames.length} class, at least 2 are needed`);
  },
};

/** Counts right answers within the step. */
const HITS: Running = {
  name: accuracy.name,
  unit: accuracy.unit,
  better: accuracy.better,
  sum: pure(countHits),
};

function countHits(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, -1), labels), "int32"));
}

/** Sums the shares of right answers of samples that have so many. */
function hitsAt(positions: number): Running {
  const { name, unit, better } = tokenAccuracy(positions);
  return { name, unit, better, sum: pure((labels, logits) => tf.div(countHits(labels, logits), positions)) };
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}
