/**
 * The formulas of `qparams.ts` inside a graph: the same float32 operations, in the same order, as TF.js ops.
 *
 * No branches and no reading back, so that a step that observes is one static graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import { MIN_SCALE, symmetricZeroPoint } from "../numbers/qparams.ts";
import type { QuantScheme } from "../numbers/scheme.ts";

/** A scale and zero point as float32 tensors. */
export interface TensorQParams {
  readonly scale: tf.Tensor;
  readonly zeroPoint: tf.Tensor;
}

/** A range whose lower end may be missing: 0 then. */
export interface UpperRange {
  /** Lower end; undefined for 0, with which the zero point is known. */
  readonly min?: tf.Tensor | undefined;
  /** Upper end. */
  readonly max: tf.Tensor;
}

/**
 * Computes the scale and zero point of `range` under `scheme`; equals `computeQParams` bit for bit.
 *
 * Shapes: the ends' → the same. The ends are widened to contain 0.
 */
export function computeTensorQParams(range: UpperRange, scheme: QuantScheme): TensorQParams {
  return tf.tidy(() => {
    const lo = range.min && tf.minimum(range.min, 0);
    const hi = tf.maximum(range.max, 0);
    if (scheme.symmetric) {
      const scale = symmetricTensorScale(lo === undefined ? hi : tf.maximum(tf.neg(lo), hi), scheme);
      return { scale, zeroPoint: tf.fill(scale.shape, symmetricZeroPoint(scheme), "float32") };
    }
    const scale = scaleOfWidth(lo === undefined ? hi : tf.sub(hi, lo), scheme.qmax - scheme.qmin);
    if (lo === undefined) return { scale, zeroPoint: tf.fill(scale.shape, scheme.qmin, "float32") };
    const zeroPoint = tf.sub(scheme.qmin, tf.round(tf.div(lo, scale)));
    return { scale, zeroPoint: tf.minimum(tf.maximum(zeroPoint, scheme.qmin), scheme.qmax) };
  });
}

/**
 * Computes the scale of a symmetric grid from magnitudes: max|w| / ((qmax - qmin) / 2).
 *
 * @param magnitude Largest magnitudes, not negative, any shape.
 */
export function symmetricTensorScale(magnitude: tf.Tensor, scheme: QuantScheme): tf.Tensor {
  return tf.tidy(() => scaleOfWidth(magnitude, (scheme.qmax - scheme.qmin) / 2));
}

function scaleOfWidth(width: tf.Tensor, steps: number): tf.Tensor {
  // step(0) is 0, so the floor is 1 for a range of width 0 and MIN_SCALE for any other.
  const floor = tf.maximum(tf.sub(1, tf.step(width)), MIN_SCALE);
  return tf.maximum(tf.div(width, steps), floor);
}
