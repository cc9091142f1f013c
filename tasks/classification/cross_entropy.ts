/** The loss of classification. */
import * as tf from "@tensorflow/tfjs-core";
import { pure, reading } from "../loss.ts";
import type { Loss } from "../task.ts";

/** How cross-entropy is taken. */
export interface CrossEntropyOptions {
  /**
   * Share of the target that is spread over all classes evenly, in [0, 1). Default: 0.
   * Source: Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7.
   */
  readonly labelSmoothing?: number;
}

/**
 * Makes the cross-entropy of softmax(logits) and class numbers: mean of -log softmax(logits)[label].
 *
 * Shapes: labels [n] or [n, positions], int32; logits the same and [classes] → scalar. The logarithm is taken of no
 * probability, so that it is exact where softmax underflows.
 * Gradient: (softmax(logits) - target) / number of labels.
 *
 * @throws {RangeError} If the smoothing is not in [0, 1).
 * @throws {TypeError} The loss itself, if labels or logits have another shape.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { softmaxCrossEntropy } from "./cross_entropy.ts";
 *
 * const loss = softmaxCrossEntropy();
 * const value = loss(tf.tensor1d([0, 1], "int32"), tf.tensor2d([[0, 0], [0, 200]])).dataSync()[0];
 * assert.ok(Math.abs(value - Math.log(2) / 2) < 1e-6); // log 2 for the first, 0 for the second
 * ```
 */
export function softmaxCrossEntropy({ labelSmoothing = 0 }: CrossEntropyOptions = {}): Loss {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(`Cannot smooth labels: the share is ${labelSmoothing}, needed is a number in [0, 1)`);
  }
  const loss: Loss = (labels, logits) => {
    const classes = logits.shape[logits.rank - 1];
    if (labels.rank < 1 || !(classes >= 2) || logits.shape.join() !== [...labels.shape, classes].join()) {
      throw new TypeError(
        `Cannot take cross-entropy: labels are [${labels.shape}] and logits [${logits.shape}], ` +
          `needed are [n] and [n, classes], or [n, positions] and [n, positions, classes], 2 classes at least`,
      );
    }
    return tf.tidy(() => {
      const hot = tf.cast(tf.oneHot(tf.cast(labels, "int32"), classes), "float32");
      const target = labelSmoothing === 0
        ? hot
        : tf.add(tf.mul(hot, 1 - labelSmoothing), tf.scalar(labelSmoothing / classes));
      return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
    });
  };
  return pure(reading({ kind: "logits", activation: "softmax", strict: true }, loss));
}
