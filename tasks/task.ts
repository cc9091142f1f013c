/**
 * The contract of a task: what is learned, and how it is judged.
 *
 * A `Task` is asked for by name or made by a function such as `classification()`; it knows no model yet. Bound to a
 * model's outputs it becomes a `BoundTask`: for each output that is trained a `Head` (loss, what the loss reads, what
 * targets must be), metrics, and what a report and an exported file are told. Training, evaluation, export and reports
 * know this file and no task; a task is a folder and a row in `mod.ts`.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Answer, Answers, Digest } from "../models/answers.ts";
import type { Port } from "../models/ports.ts";
import type { PictureBytes, Section } from "./section.ts";

/**
 * The targets of one output: class numbers [samples] or [samples, positions] as integers, or numbers [samples, …]; where
 * classes of pixels are kept, they are bytes, 255 for what counts for nothing.
 */
export type TargetValues = Float32Array | Int32Array | Uint8Array;

/** Targets by the name of the output that learns them. */
export type Targets = Readonly<Record<string, TargetValues>>;

/**
 * A loss of one output: the mean over the batch, as a scalar.
 *
 * `targets` holds what the batch does: class numbers [n] or [n, positions], int32, or numbers of the outputs' shape.
 * `outputs` is the model's answer, or what is before the activation that the head names: logits.
 */
export type Loss = (targets: tf.Tensor, outputs: tf.Tensor) => tf.Scalar;

/** What the targets of an output must be. */
export type TargetSpec =
  /**
   * The index of one of `count` numbers, such as a class, as an Int32Array: for each sample, or for each of so many positions
   * of a sample.
   */
  | { readonly kind: "index"; readonly count: number; readonly positions?: number }
  /** Finite numbers, `width` a sample, as a Float32Array. */
  | { readonly kind: "reals"; readonly width: number }
  /** Zeros and ones, `width` a sample, as a Float32Array. */
  | { readonly kind: "flags"; readonly width: number }
  /** Boxes [most, 6] a sample as a Float32Array, see `Boxes` of data/samples.ts; classes below `classes`, -1 for none. */
  | { readonly kind: "boxes"; readonly most: number; readonly classes: number }
  /** Points [count, 2] a sample as a Float32Array, in shares of the picture's sides. */
  | { readonly kind: "points"; readonly count: number }
  /** The index of one of `count` classes for each pixel [height, width], as an Int32Array; -1 counts for nothing. */
  | { readonly kind: "map"; readonly count: number; readonly height: number; readonly width: number }
  /** Whatever a loss of the caller's own makes of them. */
  | { readonly kind: "any" };

/** Activations that a loss may ask to be left out, since it is exact on what is before them. */
export type CutActivation = "softmax" | "sigmoid";

/** What a loss reads of its output. */
export type LossInput =
  /** The answer as it is. */
  | { readonly kind: "answer" }
  /** What is before `activation`, where the output ends in it; of an output that ends in none, the answer. */
  | {
    readonly kind: "logits";
    readonly activation: CutActivation;
    /** Whether an output that ends in another activation is refused: the loss would squash its numbers a second time. */
    readonly strict: boolean;
  };

/** What is known of a metric before it measures anything. */
export interface MetricInfo {
  /** Name for reports, such as "accuracy". */
  readonly name: string;
  /** "fraction" of a number that is shown in percent; else what is written behind it, such as "px"; "" for nothing. */
  readonly unit: string;
  /** Which of two values is the better one. */
  readonly better: "higher" | "lower";
  /** Whether it is the share of right answers: scores are 1 or 0, and the metric is their mean. Absent: it is not. */
  readonly isHitRate?: true;
  /** Whether the metric is the mean of its scores, whatever these are. Absent: it may not be. */
  readonly isMean?: true;
}

/** The answers of one output, and what they should have been. */
export interface Judged {
  readonly answer: Answer;
  readonly targets: TargetValues;
}

/** The answers of all outputs, and what they should have been, by output. */
export interface JudgedAll {
  readonly answers: Answers;
  readonly targets: Targets;
}

/** A way to judge one output's answers, on the host. */
export interface Metric extends MetricInfo {
  /** Computes the metric; NaN if there are no samples. */
  readonly measure: (judged: Judged) => number;
  /**
   * Returns one number a sample, better in the metric's direction, so that two models can be compared sample by sample.
   * Their mean is the metric wherever the metric is a mean.
   */
  readonly scores: (judged: Judged) => Float64Array;
  /** What an answer of `width` numbers that ignores the input would reach; absent where nobody can say. */
  readonly chance?: (targets: TargetValues, width: number) => number;
  /** Prepares to measure samples that are drawn from these. Absent: drawn samples are measured by `measure`. */
  readonly measureDraws?: (judged: Judged) => DrawMeasure;
}

/** A metric that knows whose answers it judges. */
export interface BoundMetric extends MetricInfo {
  /** The output that it is reported under. */
  readonly output: string;
  readonly measure: (judged: JudgedAll) => number;
  readonly scores: (judged: JudgedAll) => Float64Array;
  readonly chance?: (judged: JudgedAll) => number;
  /** Prepares to measure samples that are drawn from these. Absent: drawn samples are measured by `measure`. */
  readonly measureDraws?: (judged: JudgedAll) => DrawMeasure;
}

/** A quicker way to measure samples that are drawn again and again from the same ones. */
export interface DrawMeasure {
  /** Returns what `BoundMetric.measure` gives of the samples at `rows`. */
  readonly measure: (rows: Int32Array) => number;
  /** What a draw costs, in numbers that are put in order. */
  readonly cost: number;
}

/** A number counted within a training step, by the weights before its update. */
export interface Running extends MetricInfo {
  /** Sums the samples' scores: (targets, what the loss reads) → scalar. */
  readonly sum: (targets: tf.Tensor, outputs: tf.Tensor) => tf.Scalar;
}

/** What one output learns. */
export interface Head {
  /** The name of the task that it comes from. */
  readonly task: string;
  readonly target: TargetSpec;
  readonly loss: Loss;
  /**
   * What the loss is given in place of the targets, made of a batch's on the host: as many numbers of `shape` a sample.
   * Absent: the targets themselves.
   */
  readonly encode?: {
    readonly shape: readonly number[];
    readonly of: (targets: TargetValues) => Float32Array;
  };
  /** Factor of the loss in the sum over all outputs. */
  readonly weight: number;
  readonly reads: LossInput;
  readonly running?: Running;
  /** Whether two answers to one sample, as rows of numbers, come to the same. Absent: nobody can say. */
  readonly sameAnswer?: (a: Float32Array, b: Float32Array) => boolean;
  /**
   * Returns what metrics and sections read of the answers to a batch, where the numbers of all samples would be too many
   * to be kept: see `Keeping`. All metrics of the output must prepare for draws then. Absent: they read the answers.
   */
  readonly digest?: (answer: Answer) => Digest;
  /** What another program must know to read the output's numbers. */
  readonly decoding: Readonly<Record<string, unknown>>;
  /** What the output's numbers stand for, one name a number, where programs that read answers want a list of them. */
  readonly names?: readonly string[];
}

/** A task that knows a model's outputs. */
export interface BoundTask {
  readonly name: string;
  /** What each trained output learns, by its name. */
  readonly heads: Readonly<Record<string, Head>>;
  /** The first is the task's own: it decides which epoch is the best. Empty where only a loss is known. */
  readonly metrics: readonly BoundMetric[];
  /** Outputs that nobody trains, on purpose. */
  readonly left: readonly string[];
  /**
   * Counts how often two models come to the same, where that is more than a head's `sameAnswer` can say, such as of boxes
   * that are found in several outputs together. Absent: `sameAnswer` says all.
   */
  readonly agreement?: (a: Answers, b: Answers) => TaskAgreement;
  /**
   * Makes of answers what a program is after, such as boxes; what it returns is the task's own. It is timed. Absent: the
   * numbers are read as they are.
   */
  readonly decode?: (answers: Answers) => unknown;
  /**
   * Returns the task with what is chosen by validation samples, such as a threshold, as the answers to these have it. It is
   * for the model that gave them. Absent: there is nothing to choose.
   */
  readonly settle?: (judged: JudgedAll) => BoundTask;
  /** Returns what a report shows of a model's answers besides the metrics. */
  readonly sections: (judged: JudgedAll, shown?: Shown) => readonly Section[];
  /** Returns fields of the task's own for the report, from the metrics of the float, simulated and deployed model. */
  readonly fields: (metrics: readonly ComparedMetric[]) => Readonly<Record<string, unknown>>;
}

/** How often two models came to the same. */
export interface TaskAgreement {
  /** What was compared, such as "boxes at IoU 0.99". */
  readonly what: string;
  readonly same: number;
  readonly of: number;
}

/** What sections may show besides the answers of the model that is judged. */
export interface Shown {
  /** Answers of other models to the same samples, by the names of the same outputs. */
  readonly others: Readonly<Partial<Record<"float" | "simulated", Answers>>>;
  /**
   * What must be known to read those, by the same names, as `Head.decoding` has it: a threshold may be a model's own.
   * Absent: they are read as the answers of the judged model are.
   */
  readonly decodings?: Readonly<Partial<Record<"float" | "simulated", Readonly<Record<string, Head["decoding"]>>>>>;
  /** Returns the picture of a sample as it went into the model; undefined where samples are no pictures. */
  readonly picture: (sample: number) => PictureBytes | undefined;
}

/** A metric of one output, for the float model and for what became of it. */
export interface ComparedMetric extends MetricInfo {
  readonly output: string;
  /** Null where it was not measured. */
  readonly float: number | null;
  /** Absent where nothing is simulated. */
  readonly simulated?: number | null;
  /** Absent where there is no file. */
  readonly deployed?: number | null;
  /** Samples that all were judged by. */
  readonly count: number;
}

/** What is to be learned and how it is judged. */
export interface Task {
  readonly name: string;
  /**
   * Binds the task to those outputs of the model called `model` that it trains; to the only one, if it names none.
   *
   * @throws {TypeError} If an output cannot answer it, or there are several and the task names none.
   * @throws {RangeError} If the model has no output of a name that the task has.
   */
  readonly bind: (outputs: readonly Port[], model: string) => BoundTask;
}

/** A metric's value for one model. */
export interface MetricValue extends MetricInfo {
  readonly output: string;
  readonly value: number;
  /** Samples that were judged. */
  readonly count: number;
  readonly chance?: number;
  /** One number a sample, see `Metric.scores`. */
  readonly scores: Float64Array;
}

/** Measures everything that `task` judges by. */
export function measureAll(task: BoundTask, judged: JudgedAll): readonly MetricValue[] {
  return task.metrics.map(({ name, unit, better, isHitRate, isMean, output, measure, scores, chance }) => {
    const each = scores(judged);
    return {
      name,
      unit,
      better,
      ...(isHitRate === undefined ? {} : { isHitRate }),
      ...(isMean === undefined ? {} : { isMean }),
      output,
      value: measure(judged),
      count: each.length,
      ...(chance === undefined ? {} : { chance: chance(judged) }),
      scores: each,
    };
  });
}

/** Whether `a` is better than `b`, by the direction of their metric. What is no number is better than nothing. */
export function isBetter(a: number, b: number, better: MetricInfo["better"]): boolean {
  return better === "higher" ? a > b : a < b;
}

/** Writes a metric's value for people: "93.10 %", "3.2 px", "0.871". */
export function formatMetric(value: number, { unit }: Pick<MetricInfo, "unit">): string {
  if (unit === "fraction") return `${(100 * value).toFixed(2)} %`;
  const digits = Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? value.toExponential(3)
    : String(Number(value.toPrecision(4)));
  return unit === "" ? digits : `${digits} ${unit}`;
}
