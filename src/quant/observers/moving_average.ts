/** The moving-average min-max observer: each end follows the batches' ends, m ← m + c · (batch - m). */
import * as tf from "@tensorflow/tfjs-core";
import { endsOf, type RangeObserver, UNOBSERVED } from "./observer.ts";

/** Options of `movingAverageObserver`. */
export interface MovingAverageOptions {
  /** c above: the weight of a new batch, in (0, 1]. PyTorch's default is 0.01. */
  readonly momentum?: number;
}

/**
 * Makes an observer whose range follows the batches' ranges; the first batch sets it.
 *
 * Rounding: float32, each operation rounded.
 * Source: PyTorch `MovingAverageMinMaxObserver`.
 *
 * @throws {RangeError} If the momentum is not in (0, 1].
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { movingAverageObserver } from "./moving_average.ts";
 *
 * const observer = movingAverageObserver({ momentum: 0.25 });
 * const state = observer.observe(observer.observe(observer.initial, [0, 8]), [-4, 4]);
 * assert.deepEqual(state, { min: -1, max: 7, count: 2 });
 * ```
 */
export function movingAverageObserver({ momentum = 0.01 }: MovingAverageOptions = {}): RangeObserver {
  if (!(momentum > 0 && momentum <= 1)) {
    throw new RangeError(`Cannot make a moving average: the momentum is ${momentum}, it must be in (0, 1]`);
  }
  const c = Math.fround(momentum);
  const follow = (previous: number, batch: number) =>
    Math.fround(previous + Math.fround(c * Math.fround(batch - previous)));
  return {
    name: "moving-average",
    initial: UNOBSERVED,
    observe: (state, batch) => {
      const ends = endsOf(batch);
      if (ends === undefined) return state;
      if (state.count === 0) return { ...ends, count: 1 };
      return { min: follow(state.min, ends.min), max: follow(state.max, ends.max), count: state.count + 1 };
    },
    rangeOf: ({ min, max }) => ({ min, max }),
    next: ({ previous, batch, isFirst }) => tf.add(previous, tf.mul(tf.sub(batch, previous), tf.maximum(isFirst, c))),
  };
}
