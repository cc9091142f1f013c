/**
 * Batch normalization with the batch's own statistics, as one kernel each way.
 *
 * With m values a channel, v^ = 1 / sqrt(variance + epsilon) and x^ = (x - mean) * v^:
 *
 *   y      = gamma * x^ + beta
 *   dbeta  = sum(dy)          dgamma = sum(dy * x^)
 *   dx     = gamma * v^ / m * (m * dy - dbeta - x^ * dgamma)
 *
 * so dx is a * dy + b * x + c with three numbers a channel (Ioffe & Szegedy 2015, section 3, with d(mean) and
 * d(variance) substituted).
 */
import * as tf from "@tensorflow/tfjs-core";
import { registerGradientOnce } from "./_kernel.ts";
import type { BatchNormTrainingAttrs } from "./kernel_types.ts";

/** TF.js's name of the forward kernel. */
export const BATCH_NORM_TRAINING = "BatchNormTraining";
/** TF.js's name of the gradient kernel. */
export const BATCH_NORM_TRAINING_GRAD = "BatchNormTrainingGrad";

/** What `batchNormTraining` is told besides x. */
export interface BatchNormTrainingOptions extends BatchNormTrainingAttrs {
  /** Factors, [c]. */
  readonly gamma: tf.Tensor;
  /** Offsets, [c]. */
  readonly beta: tf.Tensor;
}

/** What `batchNormTraining` returns. */
export interface BatchNormTrainingResult<T extends tf.Tensor> {
  /** The normalized values. */
  readonly y: T;
  /** The batch's mean a channel, [c]. */
  readonly mean: tf.Tensor1D;
  /** The batch's biased variance a channel, [c]. */
  readonly variance: tf.Tensor1D;
}

/**
 * Normalizes `x` by its own mean and variance, taken over all axes but the last.
 *
 * Shapes: x [n, h, w, c] or [n, c], gamma and beta [c] → y as x, mean and variance [c].
 * Gradient: of y by x, gamma and beta. The mean and variance returned are for moving averages, they have none.
 * `registerQuantKernels()` comes first.
 *
 * @throws {TypeError} If x is not float32 of rank 2 or more, or gamma or beta is not [c].
 */
export function batchNormTraining<T extends tf.Tensor>(
  x: T,
  { gamma, beta, epsilon }: BatchNormTrainingOptions,
): BatchNormTrainingResult<T> {
  const channels = x.shape[x.rank - 1];
  if (x.dtype !== "float32" || x.rank < 2) {
    throw new TypeError(`Cannot normalize: x is ${x.dtype} [${x.shape}], float32 of rank 2 or more is needed`);
  }
  if (gamma.shape.join() !== `${channels}` || beta.shape.join() !== `${channels}`) {
    throw new TypeError(`Cannot normalize ${channels} channels: gamma is [${gamma.shape}], beta [${beta.shape}]`);
  }
  const [y, mean, variance] = tf.engine().runKernel<tf.Tensor[]>(BATCH_NORM_TRAINING, { x, gamma, beta }, { epsilon });
  // The kernel's outputs: y of x's shape, then two vectors.
  return { y: y as T, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/** Registers the gradient of kernel "BatchNormTraining", for every backend; again is harmless. */
export function registerBatchNormTrainingGradient(): void {
  registerGradientOnce({
    kernelName: BATCH_NORM_TRAINING,
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, saved, attrs) => {
      const [x, gamma, mean, variance] = saved;
      // A kernel with three outputs is given three dys; those of mean and variance are not differentiated.
      const inputs = { x, dy: (dys as tf.Tensor[])[0], gamma, mean, variance };
      const [dx, dgamma, dbeta] = tf.engine().runKernel<tf.Tensor[]>(BATCH_NORM_TRAINING_GRAD, inputs, attrs);
      return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
    },
  });
}
