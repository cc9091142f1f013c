/**
 * The formulas of `qparams.ts` inside a graph: the same float32 operations, in the same order, as TF.js ops.
 *
 * No branches and no reading back, so that a step that observes is one static graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import { EMPTY_SCALE, LEAST_SCALE, type Range, symmetricZeroPoint } from "../numbers/qparams.ts";
import { type QParams, type QuantScheme, stepsOf } from "../numbers/scheme.ts";

/**
 * Computes the scale and zero point of `range` under `scheme`; equals `computeQParams` bit for bit.
 *
 * Shapes: the ends' → the same. The ends are widened to contain 0.
 *
 * @param range Its ends; without `min` it starts at 0, with which the zero point is known.
 */
export function computeTensorQParams(
  range: Partial<Range<tf.Tensor>> & Pick<Range<tf.Tensor>, "max">,
  scheme: QuantScheme,
): QParams<tf.Tensor> {
  return tf.tidy(() => {
    const lo = range.min && tf.minimum(range.min, 0);
    const hi = tf.maximum(range.max, 0);
    if (scheme.symmetric) {
      const scale = scaleOfWidth(lo === undefined ? hi : tf.maximum(tf.neg(lo), hi), stepsOf(scheme) / 2);
      return { scale, zeroPoint: tf.fill(scale.shape, symmetricZeroPoint(scheme), "float32") };
    }
    const scale = scaleOfWidth(lo === undefined ? hi : tf.sub(hi, lo), stepsOf(scheme));
    if (lo === undefined) return { scale, zeroPoint: tf.fill(scale.shape, scheme.qmin, "float32") };
    return { scale, zeroPoint: zeroPointOf(lo, { scale, scheme }) };
  });
}

/**
 * Computes the scale of weights from magnitudes: max|w| / (steps / 2), at least `LEAST_SCALE`.
 *
 * Weights that are all 0 have that one: the grid of their channel's bias is then as fine as the bias wants (bias_grid.ts).
 *
 * @param magnitude Largest magnitudes, not negative, any shape.
 */
export function symmetricTensorScale(magnitude: tf.Tensor, scheme: QuantScheme): tf.Tensor {
  return tf.tidy(() => tf.maximum(tf.div(magnitude, stepsOf(scheme) / 2), LEAST_SCALE));
}

/**
 * Computes the scale and zero point of weights on an affine grid from their ends, as `computeTensorQParams` does; weights
 * that are all 0 have `LEAST_SCALE`.
 *
 * @param range Its ends, any shape; they are widened to contain 0.
 */
export function affineTensorQParams({ min, max }: Range<tf.Tensor>, scheme: QuantScheme): QParams<tf.Tensor> {
  return tf.tidy(() => {
    const [lo, hi] = [tf.minimum(min, 0), tf.maximum(max, 0)];
    const scale = tf.maximum(tf.div(tf.sub(hi, lo), stepsOf(scheme)), LEAST_SCALE);
    return { scale, zeroPoint: zeroPointOf(lo, { scale, scheme }) };
  });
}

/** The code of 0 where the first code stands for `lo`. */
function zeroPointOf(
  lo: tf.Tensor,
  { scale, scheme: { qmin, qmax } }: { readonly scale: tf.Tensor; readonly scheme: QuantScheme },
): tf.Tensor {
  return tf.minimum(tf.maximum(tf.sub(qmin, tf.round(tf.div(lo, scale))), qmin), qmax);
}

function scaleOfWidth(width: tf.Tensor, steps: number): tf.Tensor {
  // step(0) is 0, so the floor is EMPTY_SCALE for a range of width 0 and LEAST_SCALE for any other.
  const floor = tf.maximum(tf.mul(tf.sub(1, tf.step(width)), EMPTY_SCALE), LEAST_SCALE);
  return tf.maximum(tf.div(width, steps), floor);
}
