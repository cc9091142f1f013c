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
  /** How much each class counts; the mean is by the weights of the labels. Default: all alike. */
  readonly classWeights?: readonly number[];
}

/** Least sum of weights that is divided by: a batch of labels without any weight costs nothing. */
const LEAST_WEIGHT = 1e-12;

/**
 * Makes the cross-entropy of softmax(logits) and class numbers: mean of -log softmax(logits)[label].
 *
 * Shapes: labels [n] or [n, positions], int32; logits the same and [classes] → scalar. The logarithm is taken of no
 * probability, so that it is exact where softmax underflows.
 * Gradient: (softmax(logits) - target) / number of labels.
 * With class weights w: -Σ w[class] target[class] log softmax(logits)[class] over all labels, divided by Σ w[label], as
 * PyTorch's CrossEntropyLoss has it.
 *
 * @throws {RangeError} If the smoothing is not in [0, 1), or a weight is no number from 0.
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
export function softmaxCrossEntropy({ labelSmoothing = 0, classWeights }: CrossEntropyOptions = {}): Loss {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(`Cannot smooth labels: the share is ${labelSmoothing}, needed is a number in [0, 1)`);
  }
  const weights = classWeights && Float32Array.from(classWeights);
  if (weights?.some((weight) => !(weight >= 0 && weight < Infinity))) {
    throw new RangeError(`Cannot weigh classes: the weights are ${classWeights}, needed are numbers from 0`);
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
      if (weights !== undefined) return weighted({ hot, target, logits, weights: tf.tensor1d(weights) });
      return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
    });
  };
  const constants = weights === undefined ? [] : [weights];
  return pure(reading({ kind: "logits", activation: "softmax", strict: true }, loss), constants);
}

interface Weighing {
  /** 1 where a label's class is, else 0. */
  readonly hot: tf.Tensor;
  readonly target: tf.Tensor;
  readonly logits: tf.Tensor;
  /** [classes] */
  readonly weights: tf.Tensor;
}

function weighted({ hot, target, logits, weights }: Weighing): tf.Scalar {
  const cost = tf.sum<tf.Scalar>(tf.mul(tf.mul(target, weights), tf.logSoftmax(logits)));
  const share = tf.maximum(tf.sum<tf.Scalar>(tf.mul(hot, weights)), LEAST_WEIGHT);
  return tf.neg(tf.div<tf.Scalar>(cost, share));
}
