/** The loss of multi-label classification. */
import * as tf from "@tensorflow/tfjs-core";
import { pure, reading } from "../loss.ts";
import type { Loss } from "../task.ts";

/**
 * The cross-entropy of sigmoid(logits) and targets in [0, 1]: the mean of log(1 + e^z) − z·t.
 *
 * Shapes: both [n, labels] → scalar. Finite for every finite logit: no probability is taken the logarithm of, and TF.js's
 * softplus does not overflow.
 * Gradient: (sigmoid(z) − t) / count.
 *
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { binaryCrossEntropy } from "./binary_cross_entropy.ts";
 *
 * const value = (target: number, logit: number) =>
 *   binaryCrossEntropy(tf.tensor2d([[target]]), tf.tensor2d([[logit]])).dataSync()[0];
 * assert.ok(Math.abs(value(1, 0) - Math.log(2)) < 1e-6);
 * assert.equal(value(1, -1000), 1000);
 * ```
 */
export const binaryCrossEntropy: Loss = pure(
  reading({ kind: "logits", activation: "sigmoid", strict: true }, (targets, logits) => {
    if (targets.shape.join() !== logits.shape.join()) {
      throw new TypeError(
        `Cannot take binary cross-entropy: targets are [${targets.shape}] and logits [${logits.shape}], ` +
          `needed is the same shape`,
      );
    }
    return tf.tidy(() => tf.mean<tf.Scalar>(tf.sub(tf.softplus(logits), tf.mul(logits, tf.cast(targets, "float32")))));
  }),
);
