/**
 * The report of one quantization job, as plain data.
 *
 * `report.json` is this, serialized; docs/report.schema.json is written from these types. `formatReport` and
 * `renderHtml` read nothing else, so a saved report can be rendered again at any time. Times are milliseconds, sizes are
 * bytes, shares lie in [0, 1], epochs count from 1. A number that was not measured is absent, or null where a field is
 * required.
 */

import type { GridAgreement } from "../export/agreement.ts";
import type { FloatOp } from "../export/verify.ts";
import type { PictureSource, ReportSection } from "../tasks/section.ts";
import type { TaskAgreement } from "../tasks/task.ts";
import type { LatencyReport, WorkReport } from "./schema_cost.ts";
import type { FloatStepReport, Measured, MetricReport, PairingReport } from "./schema_metrics.ts";
import type { PtqReport, SqnrReport } from "./schema_ptq.ts";

export type { FloatOp, PictureSource, ReportSection, TaskAgreement };
export type { LatencyReport, OfBoth, Percentiles, WorkReport } from "./schema_cost.ts";
export type {
  ChangeReport,
  FloatStepReport,
  IntervalReport,
  Measured,
  MetricReport,
  MetricValueReport,
  PairingReport,
} from "./schema_metrics.ts";
export type {
  CalibrationReport,
  ObserverTrialReport,
  OutputSqnr,
  PtqReport,
  SqnrReport,
  StandingReport,
  StepEffect,
  StepLeft,
  StepReport,
} from "./schema_ptq.ts";

/** What was learned, and by which outputs. */
export interface TaskReport {
  /** The task's name, such as "regression"; empty where nothing was judged by what should have been answered. */
  readonly name: string;
  /** The outputs that were trained and judged, in the model's order. */
  readonly outputs: readonly TaskOutputReport[];
  /** Outputs that nobody trained, on purpose. */
  readonly left?: readonly string[];
}

/** An output that was trained. */
export interface TaskOutputReport {
  readonly name: string;
  /** The task that it answers; another than the report's where outputs learn different things. */
  readonly task: string;
  /** What a program must know to read the output's numbers. */
  readonly decoding?: Readonly<Record<string, unknown>>;
}

/** How far the simulated and the deployed model answer alike, for one output: as codes on its grid, or as values. */
export type AgreementReport = CodeAgreement | ValueAgreement;

/** What is said of an output however it was compared. */
export interface OutputAgreement {
  readonly output: string;
  /** Number of codes or values compared, of all examples; greater than 0. */
  readonly count: number;
  /** Share of examples that both models give the same answer for, where the task knows what an answer is. */
  readonly alike?: number;
}

/** The agreement of an output that lies on a grid. */
export interface CodeAgreement extends OutputAgreement {
  readonly compared: "codes";
  /** Number of codes that differ. */
  readonly different: number;
  /** Largest difference, in steps of the grid. */
  readonly maxDifference: number;
}

/** The agreement of an output that is on no grid. */
export interface ValueAgreement extends OutputAgreement {
  readonly compared: "values";
  /** Largest difference, in the output's own unit. */
  readonly maxError: number;
  /** Root of the mean square difference. */
  readonly rmsError: number;
  /** The codes of the last grids before the output, compared in a file that has them as outputs; absent where there are none. */
  readonly lastGrids?: readonly GridAgreement[];
}

/** What ONNX Runtime made of the int8 file, read back from its optimized graph. */
export interface FusionReport {
  /** Number of operators that compute on int8, by operator type. */
  readonly int8: Readonly<Record<string, number>>;
  /** Number of operators that only move or pick codes, by operator type. */
  readonly moved?: Readonly<Record<string, number>>;
  /** Every operator that computes in float. Q/DQ at the edges of the graph are not listed. */
  readonly float: readonly FloatOp[];
}

/** A metric on the validation examples after an epoch. */
export interface EpochMetricReport {
  readonly name: string;
  readonly output: string;
  readonly simulated: Measured;
  /** Of the file that the epoch's weights give; absent where there is none. */
  readonly deployed?: Measured;
}

/** One epoch of quantization-aware training. */
export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  /** Mean training loss. */
  readonly loss: Measured;
  /** What was measured after the epoch, the report's first metric among them; nothing without validation examples. */
  readonly metrics: readonly EpochMetricReport[];
  /** Whether activation ranges were still being observed in this epoch. */
  readonly observing: boolean;
  /** Whether batch normalization still used the batch's statistics in this epoch. */
  readonly trainingBatchNorm: boolean;
  /** Median time of one step, in ms. */
  readonly stepMs: Measured;
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

/** What was asked for, and what that came to. */
export interface RecipeReport {
  /** What the recipe is called; absent where it has no name. */
  readonly name?: string;
  /** Its rules in words, in their order; empty where all is as the target has it by default. */
  readonly rules: readonly string[];
  /** Those of the rules that no layer matches. */
  readonly unmatched?: readonly string[];
  /** Layers in the order of the model, without those that run as a part of another. */
  readonly resolved: readonly ResolvedReport[];
}

/** What the recipe says of one layer. Schemes are in words. */
export interface ResolvedReport {
  readonly layer: string;
  /** The rules that decided something; absent: all is as the target has it by default. */
  readonly rules?: readonly string[];
  /** "qat", or "static" where ranges come from calibration. */
  readonly method?: string;
  readonly weights?: string;
  readonly activations?: string;
  /** What finds the range of the activations. */
  readonly observer?: string;
  /** Why the layer stays in float. */
  readonly float?: string;
}

/** Where the deployed file is meant to run, and what running it here can say of that. */
export interface TargetReport {
  /** Such as "x86". */
  readonly name: string;
  /** What the figures of this report show. */
  readonly shows: string;
  /** What they cannot show, and where that would show. */
  readonly cannotShow?: string;
}

/** What a pass over the exported graph could have done, and why it did not. */
export interface DeclinedReport {
  readonly pass: string;
  readonly node: string;
  /** The node's operator. */
  readonly op: string;
  /** TF.js layer that the node came from; absent if unknown. */
  readonly layer?: string;
  readonly because: string;
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

/** A model's input. */
export interface InputReport {
  readonly name: string;
  /** Shape of one example, [h, w, c] for images. */
  readonly shape: readonly number[];
}

/** The version of the schema that this code writes and reads. */
export const SCHEMA = 5;

/** Everything a job has to say. Fields that are not named here are the task's own. */
export interface Report {
  readonly schema: typeof SCHEMA;
  readonly task: TaskReport;
  /** On the test examples, which were used for nothing else; the first is the task's own. Empty where there are none. */
  readonly metrics: readonly MetricReport[];
  /** How far the quantized model answers as the float model does. An entry an output; absent where it was not measured. */
  readonly sqnr?: readonly SqnrReport[];
  /** Of the quantized model; absent where nothing was judged by what should have been answered. */
  readonly pairing?: PairingReport;
  /** The file to deploy, relative to the output directory; absent where there is none. */
  readonly deploy?: string;
  /** How the model was quantized; absent where it was trained. */
  readonly ptq?: PtqReport;
  /** An entry an output; absent where there is no file. */
  readonly agreement?: readonly AgreementReport[];
  /**
   * How alike the model answers in evaluation, which has the arithmetic of integer kernels, and with the float operators of
   * training. An entry an output; absent where both are the same or there is no file.
   */
  readonly trainingAgreement?: readonly AgreementReport[];
  /**
   * How often the simulated and the deployed model come to the same by what the task is after, such as boxes; absent where
   * it says no more than `agreement`.
   */
  readonly taskAgreement?: TaskAgreement;
  /** Absent if latency was not measured. */
  readonly latencyMs?: LatencyReport;
  /** Absent with `latencyMs`. */
  readonly work?: WorkReport;
  /** Sizes of the two ONNX files; absent where there are none. */
  readonly bytes?: { readonly float: number; readonly deployed: number };
  /** Absent where there is no file. */
  readonly fusion?: FusionReport;
  readonly train: TrainReport;
  readonly rewrites: readonly RewriteReport[];
  readonly seed: number;
  /** Versions of what took part, by name. */
  readonly versions: Readonly<Record<string, string>>;

  /** The model. */
  readonly model?: {
    readonly name: string;
    readonly inputs?: readonly InputReport[];
    readonly layers?: number;
    readonly parameters?: number;
  };
  /** The data set. */
  readonly data?: {
    readonly name: string;
    /** Number of examples to train on. */
    readonly train?: number;
    /** Number of examples that the best epochs were chosen by; absent: the last epoch was taken. */
    readonly validation?: number;
    /** Number of examples to judge by. */
    readonly test?: number;
    /** What else is worth a few words. */
    readonly facts?: readonly string[];
  };
  readonly target?: TargetReport;
  readonly recipe?: RecipeReport;
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
  /** The float models, in the order in which they came about; absent if there is one and no more to say of it. */
  readonly floatBefore?: readonly FloatStepReport[];
  /** Layers in the order of the model. */
  readonly layers?: readonly LayerReport[];
  /** The graph as ONNX Runtime runs it, in topological order. */
  readonly graph?: { readonly nodes: readonly GraphNodeReport[] };
  /** What passes over the exported graph declined to do. */
  readonly declined?: readonly DeclinedReport[];
  /** The epoch whose weights were exported. */
  readonly bestEpoch?: number;
  /** The schedule: the last epochs in which ranges were observed, and in which BN used the batch's statistics. */
  readonly freeze?: { readonly observersAfter?: number; readonly batchNormAfter?: number };
  /** Layers left in float by design. */
  readonly islands?: readonly IslandReport[];
  /** Sections of the task's own. */
  readonly sections?: readonly ReportSection[];
  /** Files written. */
  readonly files?: readonly FileReport[];

  /** The task's own. */
  readonly [own: string]: unknown;
}

/**
 * Refuses a report that this code cannot read.
 *
 * @throws {TypeError} If it was written by another version.
 */
export function checkSchema({ schema }: { readonly schema: unknown }): void {
  if (schema === SCHEMA) return;
  throw new TypeError(
    `Cannot read this report: its schema is ${JSON.stringify(schema) ?? "not given"}, needed is ${SCHEMA}`,
  );
}
