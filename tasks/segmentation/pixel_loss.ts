/**
 * The loss of segmentation: cross-entropy of each pixel, and the Dice coefficient beside it.
 *
 * Dice of a class is 2·Σ p·t / (Σ p + Σ t) over all counted pixels of the batch, p the softmax's share of the class and t 1
 * where the pixel is of it. A class with few pixels weighs as much as one with many, which cross-entropy does not give.
 * Source: Milletari et al., "V-Net" (2016), section 3, with plain sums in the denominator as in Sudre et al., "Generalised
 * Dice overlap" (2017), section 2.
 */
import * as tf from "@tensorflow/tfjs-core";
import { pure, reading } from "../loss.ts";
import type { Loss } from "../task.ts";

/** How pixels count. */
export interface PixelLossOptions {
  /** A factor of each class's pixels in the cross-entropy, which is their weighted mean. Default: 1 each. */
  readonly classWeights?: readonly number[];
  /** Factor of 1 minus the mean Dice of all classes beside the cross-entropy. Default 0. */
  readonly dice?: number;
}

/** Keeps Dice a number where a class has no pixels, and what is small from counting as all. */
const SMOOTH = 1;

/**
 * Makes the loss of class numbers of pixels: Σ w[label]·(−log softmax(logits)[label]) / Σ w[label] over the pixels that
 * count, plus `dice`·(1 − mean over classes of (2·Σ p·t + 1) / (Σ p + Σ t + 1)).
 *
 * Shapes: labels [n, h, w], int32, -1 where a pixel counts for nothing; logits [n, h, w, classes] → scalar; 0 where no
 * pixel counts. The logarithm is taken of no probability, so that it is exact where softmax underflows.
 *
 * @throws {RangeError} If a weight is not a number from 0, all are 0, or the factor of Dice is negative.
 * @throws {TypeError} The loss itself, if labels or logits have another shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { pixelLoss } from "./pixel_loss.ts";
 *
 * const labels = tf.tensor3d([[[0, -1]]], [1, 1, 2], "int32");
 * const logits = tf.tensor4d([[[[0, 0], [9, 9]]]]);
 * assert.ok(Math.abs(pixelLoss()(labels, logits).dataSync()[0] - Math.log(2)) < 1e-6); // of the first pixel alone
 * ```
 */
export function pixelLoss({ classWeights, dice = 0 }: PixelLossOptions = {}): Loss {
  check(classWeights, dice);
  const loss: Loss = (labels, logits) => {
    const classes = logits.shape[logits.rank - 1];
    const isShaped = labels.rank === 3 && logits.rank === 4 && classes >= 2 &&
      (classWeights === undefined || classWeights.length === classes);
    if (!isShaped || logits.shape.slice(0, -1).join() !== labels.shape.join()) {
      throw new TypeError(
        `Cannot take the loss of pixels: labels are [${labels.shape}] and logits [${logits.shape}], needed are ` +
          `[n, h, w] and [n, h, w, classes], ${classWeights?.length ?? "2 or more"} classes`,
      );
    }
    return tf.tidy(() => {
      // A label of -1 is in no column: its row is zeros, and counts for nothing.
      const truth = tf.cast(tf.oneHot(tf.cast(labels, "int32"), classes), "float32");
      const entropy = crossEntropy(truth, { logits, classWeights });
      return dice === 0 ? entropy : tf.add<tf.Scalar>(entropy, tf.mul(dice, diceLoss(truth, logits)));
    });
  };
  return pure(reading({ kind: "logits", activation: "softmax", strict: true }, loss));
}

function crossEntropy(
  truth: tf.Tensor,
  { logits, classWeights }: { readonly logits: tf.Tensor; readonly classWeights: readonly number[] | undefined },
): tf.Scalar {
  const weighed = classWeights === undefined ? truth : tf.mul(truth, tf.tensor1d([...classWeights]));
  const total = tf.sum<tf.Scalar>(weighed);
  const sum = tf.neg(tf.sum<tf.Scalar>(tf.mul(weighed, tf.logSoftmax(logits))));
  // Where nothing counts the sum is 0 too.
  return tf.div(sum, tf.where(tf.greater(total, 0), total, tf.onesLike(total)));
}

function diceLoss(truth: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const counted = tf.sum(truth, -1, true);
  const share = tf.mul(tf.softmax(logits), counted);
  const perClass = (x: tf.Tensor) => tf.sum(x, [0, 1, 2]);
  const both = perClass(tf.mul(share, truth));
  const each = tf.add(perClass(share), perClass(truth));
  return tf.sub(1, tf.mean(tf.div(tf.add(tf.mul(both, 2), SMOOTH), tf.add(each, SMOOTH))));
}

function check(classWeights: readonly number[] | undefined, dice: number): void {
  const bad = classWeights?.find((weight) => !(weight >= 0 && Number.isFinite(weight)));
  const cannot = "Cannot make the loss of pixels";
  if (bad !== undefined) throw new RangeError(`${cannot}: a class has the weight ${bad}, needed is a number from 0`);
  if (classWeights?.every((weight) => weight === 0)) {
    throw new RangeError(`${cannot}: all classes have the weight 0, needed is one above 0`);
  }
  if (!(dice >= 0 && Number.isFinite(dice))) {
    throw new RangeError(`${cannot}: the factor of Dice is ${dice}, needed is a number from 0`);
  }
}
