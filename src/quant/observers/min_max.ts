/** The min-max observer: the smallest and largest value ever seen. */
import * as tf from "@tensorflow/tfjs-core";
import { endsOf, type RangeObserver, UNOBSERVED } from "./observer.ts";

/**
 * Makes an observer of the smallest and largest value ever seen.
 *
 * Source: PyTorch `MinMaxObserver`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { minMaxObserver } from "./min_max.ts";
 *
 * const observer = minMaxObserver();
 * const state = observer.observe(observer.observe(observer.initial, [1, 2]), [-4, 0]);
 * assert.deepEqual(state, { min: -4, max: 2, count: 2 });
 * ```
 */
export function minMaxObserver(): RangeObserver {
  return {
    name: "min-max",
    initial: UNOBSERVED,
    observe: (state, batch) => {
      const ends = endsOf(batch);
      if (ends === undefined) return state;
      if (state.count === 0) return { ...ends, count: 1 };
      return { min: Math.min(state.min, ends.min), max: Math.max(state.max, ends.max), count: state.count + 1 };
    },
    rangeOf: ({ min, max }) => ({ min, max }),
    next: ({ previous, batch, isFirst }, end) => {
      const start = tf.add(previous, tf.mul(tf.sub(batch, previous), isFirst));
      return end === "min" ? tf.minimum(start, batch) : tf.maximum(start, batch);
    },
  };
}
