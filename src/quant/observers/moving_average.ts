/** The moving-average min-max observer: each end follows the batches' ends, m ← m + c · (batch - m). */
import * as tf from "@tensorflow/tfjs-core";
import { axesOf, type GraphObserver, type ObserverOptions, rangeState } from "./observer.ts";

/**
 * Makes an observer whose range follows the batches' ranges; the first batch sets it.
 *
 * c above is the momentum, PyTorch's default 0.01. Rounding: float32, each operation rounded.
 * Source: PyTorch `MovingAverageMinMaxObserver`.
 *
 * @throws {RangeError} If the momentum is not in (0, 1].
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { movingAverageObserver } from "./moving_average.ts";
 *
 * const observer = movingAverageObserver({ momentum: 0.25 });
 * const state = { min: tf.scalar(0), max: tf.scalar(8), count: tf.scalar(1) };
 * const { min, max } = observer.update(state, tf.tensor1d([-4, 4]));
 * assert.deepEqual([min, max].map((end) => end.dataSync()[0]), [-1, 7]);
 * ```
 */
export function movingAverageObserver(
  { momentum = 0.01, nonNegative = false, channels }: ObserverOptions = {},
): GraphObserver {
  if (!(momentum > 0 && momentum <= 1)) {
    throw new RangeError(`Cannot make a moving average: the momentum is ${momentum}, it must be in (0, 1]`);
  }
  return {
    where: "graph",
    state: rangeState(channels),
    update: ({ min, max, count }, x) => {
      const axes = axesOf(x, channels);
      // 1 on the first batch, then the momentum: "no state yet" as a number.
      const weight = tf.maximum(tf.maximum(tf.sub(1, count), 0), Math.fround(momentum));
      const follow = (end: tf.Tensor, batch: tf.Tensor) => tf.add(end, tf.mul(tf.sub(batch, end), weight));
      return {
        ...(nonNegative ? {} : { min: follow(min, tf.min(x, axes)) }),
        max: follow(max, tf.max(x, axes)),
        count: tf.add(count, 1),
      };
    },
    rangeOf: ({ min, max }) => ({ min, max }),
  };
}
