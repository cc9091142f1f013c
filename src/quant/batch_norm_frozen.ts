/**
 * Batch normalization by statistics that are given, with a gradient that reads x and dy once.
 *
 * With r = 1 / sqrt(variance + epsilon):
 *
 *   y      = gamma * r * (x - mean) + beta
 *   dx     = gamma * r * dy
 *   dbeta  = sum(dy)          dgamma = r * (sum(dy * x) - mean * sum(dy))
 *
 * TF.js's own gradient of this kernel differentiates by the statistics as well and spreads every vector to x's shape.
 */
import * as tf from "@tensorflow/tfjs-core";

/** What `batchNormFrozen` is told besides x. */
export interface BatchNormFrozenOptions {
  /** Factors, [c]. */
  readonly gamma: tf.Tensor1D;
  /** Offsets, [c]. */
  readonly beta: tf.Tensor1D;
  /** Means, [c]. */
  readonly mean: tf.Tensor1D;
  /** Variances, [c]. */
  readonly variance: tf.Tensor1D;
  /** Added to the variance before its root is taken. */
  readonly epsilon: number;
}

/**
 * Normalizes `x` by `mean` and `variance`: the values of `tf.batchNorm`, whose kernel this runs.
 *
 * Shapes: x [..., c] of rank 2 to 4, the others [c] → x's.
 * Gradient: by x, gamma and beta. The statistics are leaves: nothing flows to them.
 */
export function batchNormFrozen<T extends tf.Tensor>(x: T, options: BatchNormFrozenOptions): T {
  const { gamma, beta, mean, variance, epsilon } = options;
  const normalize = tf.customGrad((...args) => {
    // Called with the three tensors below, and TF.js's function that keeps tensors for the gradient.
    const [x, gamma, beta, save] = args as [T, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    save([x, gamma, mean, variance]);
    return { value: tf.batchNorm(x, mean, variance, beta, gamma, epsilon), gradFunc: gradient };
  });
  const gradient = (dy: tf.Tensor, [x, gamma, mean, variance]: tf.Tensor[]) => {
    const axes = dy.shape.slice(0, -1).map((_, axis) => axis);
    const deviation = tf.sqrt(tf.add(variance, epsilon));
    const dbeta = tf.sum(dy, axes);
    const products = tf.sum(tf.mul(dy, x), axes);
    return [
      tf.mul(dy, tf.div(gamma, deviation)),
      tf.div(tf.sub(products, tf.mul(mean, dbeta)), deviation),
      dbeta,
    ];
  };
  // customGrad returns what its function's value is, of x's shape.
  return normalize(x, gamma, beta) as T;
}
