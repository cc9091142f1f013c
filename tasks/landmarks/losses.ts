/**
 * Losses of points, on differences d in pixels of the picture that goes into the model: one number a coordinate, then the mean.
 *
 *   L2         d²
 *   smooth L1  d² / 2                    where |d| < 1 px,  |d| − 1/2   elsewhere
 *   wing       w · ln(1 + |d| / ε)       where |d| < w,     |d| − C     elsewhere,  C = w − w · ln(1 + w / ε)
 *
 * Wing's slope is w / (ε + |d|): what is off by little counts for more than by the others, so that points which are nearly
 * right are not given up for one that is far off.
 *
 * Sources: Girshick, "Fast R-CNN" (2015), equation 3; Feng et al., "Wing loss for robust facial landmark localisation with
 * convolutional neural networks" (2018), equation 5, with its w = 10 and ε = 2.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkChoice } from "../../src/text/nearest.ts";
import { pure, reading } from "../loss.ts";
import type { Loss } from "../task.ts";

/** Names of the losses, as `--point-loss` takes them; the first is the default. */
export const POINT_LOSSES = ["wing", "smooth-l1", "l2"] as const;

/** Name of a loss. */
export type PointLoss = (typeof POINT_LOSSES)[number];

/** Where the wing loss bends, in pixels. */
export interface WingOptions {
  /** Differences below it count by their logarithm. Default 10. */
  readonly w?: number;
  /** Where the logarithm bends. Default 2. */
  readonly epsilon?: number;
}

/**
 * Makes a loss of points.
 *
 * Shapes: targets and outputs [n, 2 · points], x and y of each point in turn, as shares of the picture's sides → scalar.
 * Units: of pixels, squared by "l2".
 * Gradient: of outputs, the derivative of what stands above times width or height / (2 · points · n); 0 where d is 0.
 *
 * @param name Which one.
 * @param size Height and width of the picture in pixels.
 * @throws {RangeError} If there is none of that name, or w or ε is no number above 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { pointLoss } from "./losses.ts";
 *
 * const loss = pointLoss("smooth-l1", { size: [100, 200] });
 * // Off by 4 px to the right and by half a pixel down: 3.5 and 0.125.
 * const value = loss(tf.tensor2d([[0.5, 0.5]]), tf.tensor2d([[0.52, 0.505]]));
 * assert.ok(Math.abs(value.dataSync()[0] - (3.5 + 0.125) / 2) < 1e-5);
 * ```
 */
export function pointLoss(
  name: string,
  { size, ...wing }: { readonly size: readonly [height: number, width: number] } & WingOptions,
): Loss {
  const kind = checkChoice(name, { of: POINT_LOSSES, cannot: `Cannot use the loss "${name}" of points` });
  const each = LOSSES[kind](wing);
  return pure(reading({ kind: "answer" }, (targets, outputs) => {
    if (targets.size !== outputs.size) {
      throw new TypeError(
        `Cannot compare points: targets are [${targets.shape}] and outputs [${outputs.shape}], needed are as many numbers`,
      );
    }
    return tf.tidy(() => tf.mean<tf.Scalar>(each(pixelsBetween(targets, outputs, size))));
  }));
}

/** Returns outputs minus targets in pixels: [n · points, 2]. */
export function pixelsBetween(
  targets: tf.Tensor,
  outputs: tf.Tensor,
  [height, width]: readonly [height: number, width: number],
): tf.Tensor2D {
  const difference = tf.sub(tf.reshape(outputs, [-1, 2]), tf.reshape(tf.cast(targets, "float32"), [-1, 2]));
  return tf.mul(difference, tf.tensor2d([[width, height]]));
}

/** No conditions, which have no gradient in TF.js: what is bent is so up to where the line begins. */
const LOSSES: Readonly<Record<PointLoss, (wing: WingOptions) => (d: tf.Tensor) => tf.Tensor>> = {
  "wing": wingLoss,
  "smooth-l1": () => smoothL1,
  "l2": () => (d) => tf.square(d),
};

/** Its slope is 0 where d is; that of TF.js's abs is -1. */
function magnitude(d: tf.Tensor): tf.Tensor {
  return tf.mul(d, tf.sign(d));
}

function smoothL1(d: tf.Tensor): tf.Tensor {
  const size = magnitude(d);
  const bent = tf.minimum(size, 1);
  return tf.mul(bent, tf.sub(size, tf.mul(0.5, bent)));
}

function wingLoss({ w = 10, epsilon = 2 }: WingOptions): (d: tf.Tensor) => tf.Tensor {
  for (const [name, value] of Object.entries({ w, epsilon })) {
    if (value > 0 && Number.isFinite(value)) continue;
    throw new RangeError(`Cannot make the wing loss: ${name} is ${value}, needed is a number of pixels above 0`);
  }
  return (d) => {
    const size = magnitude(d);
    const bent = tf.minimum(size, w);
    return tf.add(tf.mul(w, tf.log1p(tf.div(bent, epsilon))), tf.sub(size, bent));
  };
}
