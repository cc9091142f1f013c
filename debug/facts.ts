/** What debugging finds, as plain data. Decibels are signal to quantization noise; null: there is no noise, or no signal. */
import type { Range } from "../src/numbers/qparams.ts";

/** A channel of an output. */
export interface ChannelFacts extends Range {
  /** "dead": always the same value, in float too. "lost": it varies, and all of it gets one code. */
  readonly state: "live" | "dead" | "lost";
}

/** What is seen of an output on a grid. */
export interface OutputFacts {
  /** Where the float model's values lie. */
  readonly range: Range;
  /** Real values of the grid's ends, and of one step. */
  readonly grid: Range & { readonly scale: number };
  /** Share of the float model's values that lie beyond the grid and get one of its ends. */
  readonly saturated: number;
  /** Share of the grid's codes that the quantized model never gave. */
  readonly unusedCodes: number;
  /** Channels, the last axis, in their order. */
  readonly channels: readonly ChannelFacts[];
}

/** A weight on a grid. */
export interface WeightFacts {
  /** Its name within the layer, such as "kernel". */
  readonly name: string;
  readonly sqnrDb: number | null;
  /** Least and greatest of the largest magnitudes of its channels; equal where there is one scale. */
  readonly magnitudes: Range;
  /** Channels without a weight that is not 0. */
  readonly dead: number;
  /** Scales: one, or one a channel. */
  readonly scales: number;
  /** Share of the codes that no weight has. */
  readonly unusedCodes: number;
}

/** A layer, or several that run as one operator. */
export interface PartFacts {
  readonly layer: string;
  readonly className: string;
  readonly weights?: readonly WeightFacts[];
  /** Of the bias against its rounding to the accumulator's grid; absent where none is rounded. */
  readonly biasDb?: number | null;
  /** Absent where it gives float values. */
  readonly output?: OutputFacts & {
    /** Its own error: it alone is quantized, its inputs are those of the float model. */
    readonly aloneDb: number | null;
    /** What has come together so far: all is quantized. */
    readonly accumulatedDb: number | null;
  };
  /** At the model's outputs, the one that it harms most. */
  readonly sensitivity: Sensitivity;
}

/** What quantizing a part does to the model's outputs. */
export interface Sensitivity {
  /** It alone is quantized. */
  readonly oneDb: number | null;
  /** It alone is in float. */
  readonly allButOneDb: number | null;
}

/** How often values lie where, over a range in bins of one width. */
export interface Histogram {
  readonly layer: string;
  readonly range: Range;
  readonly counts: readonly number[];
}
