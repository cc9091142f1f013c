/** What a report says of metrics: of which models, how large, and how sure. */

/** A number, or null where there was nothing to measure. (JSON has no NaN.) */
export type Measured = number | null;

/** One metric of one output, of several models on the same examples. */
export interface MetricReport {
  /** Such as "mean absolute error". No two metrics of an output are called alike. */
  readonly name: string;
  /** The output that is judged. */
  readonly output: string;
  /** "fraction" of a number in [0, 1] that is shown in percent; else what is written behind it, such as "px", or "". */
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** What a model that ignores its input would reach. */
  readonly chance?: Measured;
  /** The float model that the others are measured against: the control, if there is one; `floatBefore` says which it is. */
  readonly float: Measured;
  /** The fake-quantized model, in TF.js; absent where the file is not made of one. */
  readonly simulated?: Measured;
  /** The file in the target's runtime; absent where the target is a simulation and there is none. */
  readonly deployed?: Measured;
  /**
   * The float file in ONNX Runtime: the weights as they were trained with fake quantization, and nothing rounded. It is
   * not the float model that the others are measured against. Absent where there are no files.
   */
  readonly unrounded?: Measured;
  /** Number of examples that all of them were judged by. */
  readonly count: number;
  /** How sure each model's value is. */
  readonly intervals?: {
    readonly float?: IntervalReport;
    readonly simulated?: IntervalReport;
    readonly deployed?: IntervalReport;
    readonly unrounded?: IntervalReport;
  };
  /** How sure the change is, from the float model to the last one: deployed, or simulated without a file. */
  readonly change?: ChangeReport;
}

/** A confidence interval. */
export interface IntervalReport {
  readonly low: number;
  readonly high: number;
  /** How sure it is, such as 0.95. */
  readonly confidence: number;
}

/** What can be said of a change between two models on the same examples. */
export interface ChangeReport extends IntervalReport {
  /** How likely so large a change is, either way, if the two models are worth the same. */
  readonly p: number;
  /** "mcnemar": exact, where answers are right or wrong. "bootstrap": examples drawn again and again, in pairs. */
  readonly test: "mcnemar" | "bootstrap";
}

/** What is kept of the first metric, so that runs which judged the same samples can be compared in pairs. */
export interface PairingReport {
  /** SHA-256 of the test samples, and of what should be answered. */
  readonly samples: string;
  /** How many there are. */
  readonly count: number;
  /**
   * "hits": a bit for each sample, 1 where the answer is right, the first in the lowest bit of the first byte. "draws": what
   * the metric was on draws of samples, float32 in little-endian order; draws are the same for the same number of samples.
   */
  readonly kind: "hits" | "draws";
  /** In base64. */
  readonly bytes: string;
}

/** A float model of the job. */
export interface FloatStepReport {
  /**
   * "original" is the model as loaded, or as trained from nothing; "swapped" is after its activations were swapped,
   * before any further training; "adapted" is after further float training, and what was quantized; "control" is that
   * trained on for as many epochs as with fake quantization; "own-control" is the original trained for as many epochs as
   * the control.
   */
  readonly step: "original" | "swapped" | "adapted" | "control" | "own-control";
  /** Whether this is the float model that the quantized ones are measured against. */
  readonly isReference: boolean;
  /** Epochs of float training behind it in this job. */
  readonly epochs?: number;
  readonly metrics: readonly MetricValueReport[];
}

/** A metric of one model. */
export interface MetricValueReport {
  readonly name: string;
  readonly output: string;
  readonly value: Measured;
  readonly interval?: IntervalReport;
}
