/**
 * What an observer is: a rule that turns the values it is shown, batch by batch, into a range.
 *
 * One in the graph is made of TF.js ops, so that training steps record it; it says which arrays its state is made of and
 * holds none, for they are weights of the layer that runs it. One on the host reads values, so that it can do anything, and
 * only calibrates.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Range } from "../../numbers/qparams.ts";
import type { QuantScheme } from "../../numbers/scheme.ts";

/** An array of an observer's state. */
export interface StateArray {
  /** Its shape; [] is one number. */
  readonly shape: readonly number[];
  /** What every element is before anything was observed. */
  readonly initial: number;
}

/** The arrays of an observer's state, by name. */
export type StateArrays = Readonly<Record<string, StateArray>>;

/** An observer that runs in the graph, while training too. */
export interface GraphObserver {
  /** Where it runs. */
  readonly where: "graph";
  /** What it is to be remembered from batch to batch. `min`, `max` and `count` are those of `rangeState`. */
  readonly state: StateArrays;
  /** Returns the state after `x`; what is left out stays as it is. No branches and no reading back. */
  update(state: Readonly<Record<string, tf.Tensor>>, x: tf.Tensor): Readonly<Record<string, tf.Tensor>>;
  /** Returns the range that a state means, of the shape that its ends have: [], or [channels]. */
  rangeOf(state: Readonly<Record<string, tf.Tensor>>): Range<tf.Tensor>;
}

/** An observer that reads values, and so can only calibrate. */
export interface HostObserver {
  /** Where it runs. */
  readonly where: "host";
  /** Starts to observe: the first values are still to come. */
  start(): Observation;
}

/** What an observer on the host has seen so far. */
export interface Observation {
  /**
   * Takes in `x`, which holds float32 values and at least one.
   *
   * @returns Whether they are finite; if not, what was seen means nothing any more.
   */
  add(x: Float32Array): boolean;
  /** Returns the range that all values so far mean. */
  range(): Range;
}

/** An observer. */
export type Observer = GraphObserver | HostObserver;

/** The channels of values that have a range each. */
export interface Channels {
  readonly count: number;
  /** Along which axis they are, counted from the end if negative. */
  readonly axis: number;
}

/** What an observer may want to know; each takes what it needs. */
export interface ObserverOptions {
  /** Weight of a new batch in a moving average, in (0, 1]. Default: 0.01. */
  readonly momentum?: number;
  /** Whether values are known not to be negative, as after ReLU: the range then starts at 0. Default: false. */
  readonly nonNegative?: boolean;
  /** How the range becomes a grid. Default: `UINT8_AFFINE`. */
  readonly scheme?: QuantScheme;
  /** Share of all values that a percentile keeps, in percent, in (0, 100]. Default: 99.999. */
  readonly percentile?: number;
  /**
   * The channels that have a range each. Default: there is one range. One in the graph has states of [channels]; one on
   * the host is started once for each.
   */
  readonly channels?: Channels;
  /**
   * Leading bits of the mantissa that observers on the host tell values apart by; fewer take less memory. Default: 11.
   */
  readonly mantissaBits?: number;
}

/**
 * Returns the state of observers that need no more than the range so far: its ends, one each or one for each channel, and
 * how many batches were seen.
 */
export function rangeState(channels?: Channels): Readonly<Record<"min" | "max" | "count", StateArray>> {
  const end = { shape: channels === undefined ? [] : [channels.count], initial: 0 };
  return { min: end, max: end, count: { shape: [], initial: 0 } };
}

/** Returns the axes of `x` that a range goes over: all, or all but that of the channels. */
export function axesOf(x: tf.Tensor, channels?: Channels): number[] | undefined {
  if (channels === undefined) return undefined;
  const kept = channels.axis < 0 ? channels.axis + x.rank : channels.axis;
  return x.shape.map((_, axis) => axis).filter((axis) => axis !== kept);
}
