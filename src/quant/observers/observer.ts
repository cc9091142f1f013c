/**
 * What an observer is: a rule that turns the values it is shown, batch by batch, into a range.
 *
 * An observer holds nothing: its state goes in and comes out, so that a layer can keep it in weights and save it.
 * A new one (histogram, percentile, …) is one file with an `Observer` of its own state.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Range } from "../../numbers/qparams.ts";

/** A rule over `State`. */
export interface Observer<State> {
  /** Its name in configurations. */
  readonly name: string;
  /** The state before anything was observed. */
  readonly initial: State;
  /** Returns the state after `batch`, in float32. An empty batch changes nothing. */
  observe(state: State, batch: ArrayLike<number>): State;
  /** Returns the range to quantize. */
  rangeOf(state: State): Range;
}

/** State of an observer of ranges: ends, and how many batches were seen (0: the ends mean nothing). */
export interface RangeState extends Range {
  /** Batches seen. */
  readonly count: number;
}

/** The ends as scalar tensors. */
export interface TensorRange {
  /** Lower end. */
  readonly min: tf.Tensor;
  /** Upper end. */
  readonly max: tf.Tensor;
}

/**
 * An observer that needs no more than ranges, and so can also run inside a graph, while training.
 */
export interface RangeObserver extends Observer<RangeState> {
  /**
   * Returns one end after a batch, as a tensor; equals what `observe` computes.
   *
   * @param ends What it is computed from.
   * @param end Which end it is.
   */
  next(ends: NextEnd, end: keyof TensorRange): tf.Tensor;
}

/** What one end of a range is computed from, as scalar tensors. */
export interface NextEnd {
  /** The end so far; 0 before the first batch. */
  readonly previous: tf.Tensor;
  /** The batch's own end. */
  readonly batch: tf.Tensor;
  /** 1 on the first batch, then 0: "no state yet" as a number, for the graph has no branches. */
  readonly isFirst: tf.Tensor;
}

/** The state before anything was observed. */
export const UNOBSERVED: RangeState = { min: 0, max: 0, count: 0 };

/** Returns the smallest and largest element of `batch`, or undefined of an empty one. */
export function endsOf(batch: ArrayLike<number>): Range | undefined {
  if (batch.length === 0) return undefined;
  let min = batch[0];
  let max = batch[0];
  for (let i = 1; i < batch.length; i++) {
    if (batch[i] < min) min = batch[i];
    if (batch[i] > max) max = batch[i];
  }
  return { min: Math.fround(min), max: Math.fround(max) };
}
