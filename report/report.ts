/**
 * The report of one quantization job, as plain data.
 *
 * `report.json` is this, serialized. `formatReport` and `renderHtml` read nothing else, so a saved report can be
 * rendered again at any time. Accuracies and agreements are fractions in [0, 1], times are milliseconds, sizes are
 * bytes, epochs count from 1. A number that was not measured is absent, or null where a field is required.
 */

import type { Percentiles } from "../export/latency.ts";
import type { FloatOp } from "../export/verify.ts";

export type { FloatOp, Percentiles };

/** A number, or null where there was nothing to measure. (JSON has no NaN.) */
export type Measured = number | null;

/** Accuracy of the same task by three models, on the same samples. */
export interface AccuracyReport {
  /** What is measured, such as "accuracy". Higher is better. */
  readonly metric: string;
  /** The float model that the others are measured against, in [0, 1]: one of the steps of `floatBefore`. */
  readonly float: number;
  /** The fake-quantized model as trained in TF.js, in [0, 1]. */
  readonly simulated: number;
  /** The int8 file in ONNX Runtime, in [0, 1]. */
  readonly deployed: number;
  /** Number of samples that all three were evaluated on. */
  readonly samples: number;
}

/** Accuracy of the float model on its way to quantization, in [0, 1]; a step that was not taken is absent. */
export interface FloatBeforeReport {
  /** The model as loaded (or as trained from nothing), with its own activations. */
  readonly original?: number;
  /** After the activations were swapped, before any further training. */
  readonly swapped?: number;
  /** After float training with the swapped activations. */
  readonly adapted?: number;
}

/** How far the simulated and the deployed model answer alike. */
export interface AgreementReport {
  /** Fraction of samples for which both name the same class, in [0, 1]. */
  readonly top1: number;
  /** The models' outputs, compared as integers on the output's grid. */
  readonly codes: {
    /** Number of codes compared. */
    readonly compared: number;
    /** Number of codes that differ. */
    readonly different: number;
    /** Largest difference, in steps of the grid. */
    readonly maxDifference: number;
  };
}

/** Time of one warm run in ONNX Runtime. */
export interface LatencyReport {
  readonly float: Percentiles;
  readonly int8: Percentiles;
  /** Samples a run. */
  readonly batch: number;
  /** Threads that ONNX Runtime was given. */
  readonly threads: number;
}

/** What ONNX Runtime made of the int8 file, read back from its optimized graph. */
export interface FusionReport {
  /** Number of operators that compute on int8, by operator type. */
  readonly int8: Readonly<Record<string, number>>;
  /** Every operator that computes in float. Q/DQ at the edges of the graph are not listed. */
  readonly float: readonly FloatOp[];
}

/** One epoch of quantization-aware training. */
export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  /** Mean training loss. */
  readonly loss: number;
  /** Accuracy of the simulated model after the epoch, in [0, 1]. */
  readonly simulated: number;
  /** Accuracy of the int8 file in ONNX Runtime after the epoch, in [0, 1]. */
  readonly deployed: number;
  /** Whether activation ranges were still being observed in this epoch. */
  readonly observing: boolean;
  /** Whether batch normalization still used the batch's statistics in this epoch. */
  readonly trainingBatchNorm: boolean;
  /** Median time of one step, in ms. */
  readonly stepMs: number;
}

/** Quantization-aware training; `epochs` is empty if the model was only calibrated. */
export interface TrainReport {
  readonly epochs: readonly EpochReport[];
  /** Time of the first step, which also builds the training graph, in ms. */
  readonly firstStepMs: Measured;
  /** Median time of all later steps, in ms. */
  readonly stepMs: Measured;
  /** Peak resident memory of the process, in MiB. */
  readonly peakRssMb: Measured;
}

/** A change to the model before quantization, made or refused. */
export interface RewriteReport {
  /** The rule, such as "leaky_relu:relu". */
  readonly rule: string;
  /** The layer it applies to. */
  readonly layer: string;
  /** False if the rule declined. */
  readonly ok: boolean;
  /** What was done, or why the rule declined. */
  readonly because?: string;
}

/** A layer's numbers. */
export interface LayerReport {
  readonly name: string;
  /** Quantization kind: "weighted", "rescale", "same-scale", "fixed" or "float". */
  readonly kind: string;
  /** Class of the layer, such as "Conv2D". */
  readonly className?: string;
  /** Real values that the output's codes can represent. */
  readonly range?: { readonly min: number; readonly max: number };
  /** Real value of one step of the output's grid. */
  readonly scale?: number;
  /** The output's code for 0. */
  readonly zeroPoint?: number;
  /** What rounding to int8 does to the kernel. */
  readonly weightError?: {
    /** Signal to quantization noise, 10·log10(Σw² / Σ(w − ŵ)²), in dB; null if there is no noise. */
    readonly sqnrDb: Measured;
  };
}

/** A node of the optimized graph. */
export interface GraphNodeReport {
  /** Unique within the graph. */
  readonly name: string;
  /** ONNX operator type as ONNX Runtime runs it, such as "QLinearConv". */
  readonly op: string;
  /** TF.js layer that the node came from; "" if unknown. */
  readonly layer: string;
  /** Whether it computes on int8. */
  readonly int8: boolean;
  /** Names of the nodes whose outputs it reads; a name of no node is an input of the graph. Constants are left out. */
  readonly inputs: readonly string[];
}

/** A layer that stays in float by design, with Q/DQ closed around it. */
export interface IslandReport {
  readonly layer: string;
  readonly because: string;
}

/** A file the job wrote. */
export interface FileReport {
  /** Path, relative to the output directory or absolute. */
  readonly path: string;
  /** What it is, in a few words. */
  readonly what: string;
  readonly bytes?: number;
}

/** The device that ONNX Runtime was asked to run on, and the one that it ran on. */
export interface DeviceReport {
  /** "cpu", "webgpu", "cuda" or "coreml". */
  readonly asked: string;
  readonly ran: string;
  /** Why it is another than the one that was asked for. */
  readonly because?: string;
  /**
   * Operators of the int8 model by the execution provider that runs them, such as "CPUExecutionProvider": those that the
   * device does not have run on the CPU. Absent if all of them do.
   */
  readonly operators?: Readonly<Record<string, number>>;
}

/** Everything a job has to say. */
export interface Report {
  readonly schema: 1;
  readonly accuracy: AccuracyReport;
  readonly agreement: AgreementReport;
  /** Absent if latency was not measured. */
  readonly latencyMs?: LatencyReport;
  /** Sizes of the two ONNX files. */
  readonly bytes: { readonly float: number; readonly int8: number };
  readonly fusion: FusionReport;
  readonly train: TrainReport;
  readonly rewrites: readonly RewriteReport[];
  readonly seed: number;
  /** Versions of what took part, by name. */
  readonly versions: Readonly<Record<string, string>>;

  /** The model. */
  readonly model?: {
    readonly name: string;
    /** Shape of one input sample, [h, w, c] for images. */
    readonly inputShape?: readonly number[];
    readonly layers?: number;
    readonly parameters?: number;
  };
  /** The data set. */
  readonly data?: {
    readonly name: string;
    readonly train?: number;
    readonly test?: number;
    readonly classes?: number;
  };
  /** The command line that produced the report. */
  readonly command?: string;
  /** Options in force, by name. */
  readonly options?: Readonly<Record<string, string | number | boolean | null>>;
  /** The machine that timed it, in words. */
  readonly machine?: string;
  /** TF.js's backend that trained: "onnxruntime", "tensorflow" or "cpu". */
  readonly backend?: string;
  /** Where ONNX Runtime ran. */
  readonly device?: DeviceReport;
  /** Float accuracy before quantization, step by step. */
  readonly floatBefore?: FloatBeforeReport;
  /** Layers in the order of the model. */
  readonly layers?: readonly LayerReport[];
  /** The graph as ONNX Runtime runs it, in topological order. */
  readonly graph?: { readonly nodes: readonly GraphNodeReport[] };
  /** The epoch whose weights were exported. */
  readonly bestEpoch?: number;
  /** The schedule: the last epochs in which ranges were observed, and in which BN used the batch's statistics. */
  readonly freeze?: { readonly observersAfter?: number; readonly batchNormAfter?: number };
  /** Layers left in float by design. */
  readonly islands?: readonly IslandReport[];
  /** Files written. */
  readonly files?: readonly FileReport[];
}
