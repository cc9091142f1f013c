/** The min-max observer: the smallest and largest value ever seen. */
import * as tf from "@tensorflow/tfjs-core";
import { axesOf, type GraphObserver, type ObserverOptions, rangeState } from "./observer.ts";

/**
 * Makes an observer of the smallest and largest value ever seen.
 *
 * Source: PyTorch `MinMaxObserver`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { minMaxObserver } from "./min_max.ts";
 *
 * const state = { min: tf.scalar(1), max: tf.scalar(2), count: tf.scalar(1) };
 * const { min, max } = minMaxObserver().update(state, tf.tensor1d([-4, 0]));
 * assert.deepEqual([min, max].map((end) => end.dataSync()[0]), [-4, 2]);
 * ```
 */
export function minMaxObserver({ nonNegative = false, channels }: ObserverOptions = {}): GraphObserver {
  return {
    where: "graph",
    state: rangeState(channels),
    update: ({ min, max, count }, x) => {
      // 1 on the first batch, then 0: "no state yet" as a number.
      const isFirst = tf.maximum(tf.sub(1, count), 0);
      const start = (end: tf.Tensor, batch: tf.Tensor) => tf.add(end, tf.mul(tf.sub(batch, end), isFirst));
      const axes = axesOf(x, channels);
      const [least, most] = [nonNegative ? undefined : tf.min(x, axes), tf.max(x, axes)];
      return {
        ...(least === undefined ? {} : { min: tf.minimum(start(min, least), least) }),
        max: tf.maximum(start(max, most), most),
        count: tf.add(count, 1),
      };
    },
    rangeOf: ({ min, max }) => ({ min, max }),
  };
}
