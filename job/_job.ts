/** What every step of the job needs, and measuring a model. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { OnnxModel } from "../export/to_onnx.ts";
import { mapValues, type SampleInput } from "../data/samples.ts";
import type { Samples } from "../export/deployed.ts";
import type { Validation } from "../export/validate.ts";
import type { Answers } from "../models/answers.ts";
import { summarize } from "../models/summary.ts";
import { formatSummary } from "../report/terminal/summary.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { type BoundTask, formatMetric, type MetricValue, type Targets } from "../tasks/task.ts";
import { evaluate, type Evaluation } from "../train/evaluate.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import { inputBatches, type JobData, testBatches } from "./_data.ts";
import type { Engine } from "./_engine.ts";
import type { Quantization } from "./_recipe.ts";
import type { JobEvents } from "./events.ts";
import { tasksFor } from "./_task.ts";
import type { JobOptions } from "./options.ts";

/** What was measured of the float model on the way to quantization. */
export interface FloatMetrics {
  /** The model as loaded, or as trained from nothing. */
  readonly original: readonly MetricValue[];
  /** After its activations were swapped; absent if none was. */
  readonly swapped?: readonly MetricValue[];
  /** After further float training; absent if there was none. */
  readonly adapted?: readonly MetricValue[];
}

/** A job under way. */
export interface Job {
  readonly options: JobOptions;
  readonly events: JobEvents;
  readonly log: (line: string) => void;
  readonly data: JobData;
  readonly engine: Engine;
  readonly quantization: Quantization;
}

/** A model ready for quantization-aware training, and how it came about. */
export interface JobStart {
  readonly prepared: PreparedModel;
  readonly float: FloatMetrics;
  readonly rewrites: readonly Rewrite[];
}

/** What the trained model answers, and the files that it gives. */
export interface Proof {
  /** The task, bound to the model's outputs. */
  readonly task: BoundTask;
  /** What the answers should have been. */
  readonly targets: Targets;
  /** What the simulated model answered. */
  readonly answers: Answers;
  /** Of the simulated model. */
  readonly simulated: readonly MetricValue[];
  /** Absent where the target is simulated only. */
  readonly files?: FilesProof;
}

/** The exported files, and what was found of them. */
export interface FilesProof {
  readonly int8: OnnxModel;
  readonly float: OnnxModel;
  /** Of the int8 file. */
  readonly deployed: readonly MetricValue[];
  readonly validation: Validation;
}

/** Runs `model` on the test samples. */
export function judge(model: tfl.LayersModel, job: Job): Promise<Evaluation> {
  return evaluate(model, testBatches(model, job.data), {
    task: tasksFor(model, job.options, job.data),
    ...signalOf(job),
  });
}

/** Test samples in the layout of the exported file. */
export function* samples({ data, options }: Job): Iterable<Samples> {
  for (const { inputs, size } of inputBatches(data)) {
    yield options.inputLayout === "nchw"
      ? mapValues(inputs, (x, name) => toNchw(x, data.test.inputs[name], size))
      : inputs;
  }
}

/** What stops a step of the job, as its options take it. */
export function signalOf({ events: { signal } }: Job): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Logs what a model is made of, in lines of 80 columns at most. */
export function logSummary(model: tfl.LayersModel, { log }: Job): void {
  for (const line of formatSummary(summarize(model)).split("\n")) log(line);
}

/** Writes a model's metrics for people: "MAE after the swap: 3.2 px". */
export function describeMetrics(metrics: readonly MetricValue[], when = ""): string {
  const isOne = new Set(metrics.map(({ output }) => output)).size <= 1;
  return metrics.map((metric) =>
    `${isOne ? "" : `${metric.output} `}${metric.name}${when}: ${formatMetric(metric.value, metric)}`
  ).join(", ");
}

function toNchw(x: Float32Array, input: SampleInput, size: number): Float32Array {
  if (input.kind === "rows") return x;
  const { height, width, channels } = input;
  return tf.tidy(() => tf.transpose(tf.tensor(x, [size, height, width, channels]), [0, 3, 1, 2]).dataSync<"float32">());
}
