/** Segmentation: each pixel of a picture is of one of several classes, and its largest output names it. */
import * as tf from "@tensorflow/tfjs-core";
import type { Answer } from "../../models/answers.ts";
import type { Port } from "../../models/ports.ts";
import { pure } from "../loss.ts";
import { describePort, type OutputOptions, outputTask } from "../output_task.ts";
import type { TaskRow } from "../row.ts";
import type { Running, Task, TaskAgreement } from "../task.ts";
import { sectionsOf } from "./_sections.ts";
import { meanDice, meanIou, pixelAccuracy } from "./metrics.ts";
import { classesOf, digestOf, MOST_CLASSES } from "./pixel_counts.ts";
import { pixelLoss, type PixelLossOptions } from "./pixel_loss.ts";

/** How classes of pixels are learned and judged. */
export interface SegmentationOptions extends OutputOptions, PixelLossOptions {
  /** Names of the classes, in the order of their numbers; the output must have as many numbers a pixel. */
  readonly classNames?: readonly string[];
  /** Height and width of the masks. Default: as the output has them. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * Makes the task of telling the classes of pixels apart.
 *
 * Targets: class numbers, Int32Array [n, h, w], -1 for what counts for nothing. Loss: cross-entropy of each pixel's softmax
 * on what is before the model's softmax, and Dice beside it where asked. Metrics: mean IoU, pixel accuracy, mean Dice.
 * Of the answers to all pictures the classes are kept, a byte a pixel; their numbers are, of the first pictures alone.
 *
 * @throws {TypeError} When bound, if the output is not one number a class for each pixel of the masks, 2 classes at least.
 * @throws {RangeError} If an option is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { segmentation } from "./segmentation.ts";
 *
 * const { metrics } = segmentation().bind([{ name: "logits", shape: [8, 8, 3] }], "net");
 * assert.deepEqual(metrics.map(({ name }) => name), ["mIoU", "pixel accuracy", "Dice"]);
 * assert.throws(() => segmentation().bind([{ name: "logits", shape: [3] }], "net"), TypeError);
 * ```
 */
export function segmentation(given: SegmentationOptions = {}): Task {
  const { classNames, size: _, classWeights, dice, ...options } = given;
  const loss = pixelLoss({
    ...(classWeights === undefined ? {} : { classWeights }),
    ...(dice === undefined ? {} : { dice }),
  });
  return outputTask("segmentation", options, (port, doing) => {
    const [height, width, classes] = checkPort(port, { doing, given });
    const names = classNames ?? Array.from({ length: classes }, (_, k) => `${k}`);
    return {
      head: {
        target: { kind: "map", count: classes, height, width },
        loss,
        reads: { kind: "logits", activation: "softmax", strict: true },
        running: PIXELS,
        digest: classesOf,
        decoding: {
          answer: "the largest number's index, at each pixel",
          ...(classNames === undefined ? {} : { classNames }),
        },
        ...(classNames === undefined ? {} : { names: classNames }),
      },
      metrics: [meanIou(classes), pixelAccuracy(classes), meanDice(classes)],
      agreement: agreementOf,
      decode: (answer) => classesOf(answer).values,
      sections: (judged, shown) =>
        sectionsOf(judged, { names, size: [height, width], output: port.name, ...(shown && { shown }) }),
    };
  });
}

/** @throws {TypeError} If the output is no such map. */
function checkPort(
  port: Port,
  { doing, given: { classNames, size, classWeights } }: { readonly doing: string; readonly given: SegmentationOptions },
): readonly [height: number, width: number, classes: number] {
  const [height = null, width = null, classes = null, ...more] = port.shape;
  const cannot = `Cannot ${doing}: its output "${port.name}" is ${describePort(port)}`;
  const count = classNames?.length ?? classes;
  const isMap = more.length === 0 && height !== null && width !== null && classes !== null;
  const [h, w] = size ?? (isMap ? [height, width] : []);
  if (!isMap || classes < 2 || classes > MOST_CLASSES || classes !== count || height !== h || width !== w) {
    const shape = `[?,${h ?? "height"},${w ?? "width"},${classNames?.length ?? "classes"}]`;
    throw new TypeError(
      `${cannot}, needed are ${classNames?.length ?? `2 to ${MOST_CLASSES}`} classes for each pixel ${shape}`,
    );
  }
  if (classWeights !== undefined && classWeights.length !== classes) {
    throw new TypeError(`${cannot}, there are ${classWeights.length} weights of classes, ${classes} are needed`);
  }
  return [height, width, classes];
}

/** The row of `--task segmentation`. */
export const segmentationRow: TaskRow<"masks"> = {
  what: "the class of each pixel",
  targets: "masks",
  head: "map",
  settings: ["classWeights", "diceLoss"],
  // Large pictures, and few: an epoch needs steps, and a step memory.
  training: { batchSize: 16 },
  make({ names: classNames, height, width }, { diceLoss: dice, ...options }) {
    if (classNames.length < 2) {
      throw new TypeError(`the data has ${classNames.length} class of pixels, at least 2 are needed`);
    }
    return segmentation({ classNames, size: [height, width], ...options, ...(dice === undefined ? {} : { dice }) });
  },
};

/** Sums the pictures' shares of right pixels within the step. */
const PIXELS: Running = {
  name: "pixel accuracy",
  unit: "fraction",
  better: "higher",
  sum: pure((labels, logits) => {
    const counts = tf.cast(tf.greaterEqual(labels, 0), "float32");
    const right = tf.mul(tf.cast(tf.equal(tf.argMax(logits, -1), labels), "float32"), counts);
    const perPicture = (x: tf.Tensor) => tf.sum(x, [1, 2]);
    // A picture of which no pixel counts has none right.
    return tf.sum<tf.Scalar>(tf.div(perPicture(right), tf.maximum(perPicture(counts), 1)));
  }),
};

/** Counts pixels to which both models gave the same class, those that count for nothing too. */
function agreementOf(a: Answer, b: Answer): TaskAgreement {
  const [first, second] = [digestOf(a).values, digestOf(b).values];
  let same = 0;
  for (let i = 0; i < first.length; i++) if (first[i] === second[i]) same++;
  return { what: "pixels", same, of: first.length };
}
