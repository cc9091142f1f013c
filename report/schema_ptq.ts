/** What a report says of quantization without training. */
import type { StepEffect, StepLeft } from "../quantize/methods/step.ts";
import type { Measured, MetricValueReport } from "./schema_metrics.ts";

export type { StepEffect, StepLeft };

/** How a model was quantized without training. */
export interface PtqReport {
  /**
   * "static": all ranges were found beforehand, on samples. "dynamic": the ranges of activations are found at run time.
   * "weights": only weights are codes. "float16": numbers have half their bits.
   */
  readonly method: "static" | "dynamic" | "weights" | "float16";
  /** Bits of a weight. */
  readonly bits: number;
  /** Weights that share a scale, where they come in blocks. */
  readonly block?: number;
  /** Absent where nothing is calibrated. */
  readonly calibration?: CalibrationReport;
  /** What was done beside calibration, in its order. */
  readonly steps?: readonly StepReport[];
  /** Of quantization, without loading and judging. */
  readonly seconds: number;
}

/** What ranges were found on. */
export interface CalibrationReport {
  /** What `--calibrate` names. */
  readonly data: string;
  /** Whether the samples were random numbers, whose ranges say nothing of real ones. */
  readonly isDummy: boolean;
  readonly samples: number;
  /** What found the ranges of activations, by name; the commonest first. */
  readonly observers: readonly string[];
  /** The observers that were tried, the one taken first; absent where none was to be chosen. */
  readonly trials?: readonly ObserverTrialReport[];
  /** Whether ranges were widened to reach as far below 0 as above it; absent: they were not. */
  readonly isSymmetric?: true;
  readonly seconds: number;
}

/** An observer that was tried on the calibration samples. */
export interface ObserverTrialReport {
  /** Its name. */
  readonly observer: string;
  /** Mean over samples of the signal to noise of the simulated answers, in dB, each counted from -20 to 80. */
  readonly sqnrDb: number;
}

/** What a step of post-training quantization did. */
export interface StepReport {
  /** As its flag is called. */
  readonly name: string;
  readonly description: string;
  readonly seconds: number;
  readonly effects: readonly StepEffect[];
  readonly left: readonly StepLeft[];
  readonly facts?: readonly string[];
  /** Samples that the simulated model was measured on, before the step and after it. */
  readonly samples: number;
  readonly before: StandingReport;
  readonly after: StandingReport;
}

/** How a simulated model stands. */
export interface StandingReport {
  /** An entry an output. */
  readonly sqnr: readonly OutputSqnr[];
  /** Empty where there is nothing to judge by. */
  readonly metrics: readonly MetricValueReport[];
}

/** Signal to quantization noise of an output against the float model: 10·log10(Σx² / Σ(x − x̂)²), in dB. */
export interface OutputSqnr {
  readonly output: string;
  /** Null where there is no noise, or no signal. */
  readonly sqnrDb: Measured;
}

/** How far the quantized models answer as the float model does, for one output. In dB, null where there is no noise. */
export interface SqnrReport {
  readonly output: string;
  /** The fake-quantized model's; absent where there is none. */
  readonly simulated?: Measured;
  /** The file's; absent where there is none. */
  readonly deployed?: Measured;
  /** Number of samples. */
  readonly samples: number;
  /** Which samples they are: those that were kept to judge by, or those that ranges were found on. */
  readonly of: "test" | "calibration" | "random";
}
