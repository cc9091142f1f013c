/** What every step of the job needs, and measuring a model. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { OnnxModel, ToOnnxOptions } from "../export/to_onnx.ts";
import { parseNormalize } from "../data/normalize.ts";
import { mapValues, type SampleInput } from "../data/samples.ts";
import type { Samples } from "../export/deployed.ts";
import type { Validation } from "../export/validate.ts";
import type { Answers } from "../models/answers.ts";
import type { InputValues } from "../models/ports.ts";
import { summarize } from "../models/summary.ts";
import { formatSummary } from "../report/terminal/summary.ts";
import { handleEvents, inTurns, type Steps } from "../src/events.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { plainText, shorten } from "../src/text/plain.ts";
import type { FloatStepReport } from "../report/schema.ts";
import { keepingOf } from "../tasks/keeping.ts";
import { type BoundTask, formatMetric, measureAll, type MetricValue } from "../tasks/task.ts";
import { evaluate, type Evaluation } from "../train/evaluate.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import { inputBatches, type JobData, judgedBatches, type JudgedBy } from "./_data.ts";
import type { Engine } from "./_engine.ts";
import type { Quantization } from "./_recipe.ts";
import type { RunFolder } from "./_run_folder.ts";
import type { TrainingRecord } from "./_training_record.ts";
import type { JobEvents } from "./events.ts";
import { tasksFor } from "./_task.ts";
import type { JobOptions } from "./options.ts";
import type { SharedJobOptions } from "./shared_options.ts";

/** A float model of the job. */
export interface FloatStep {
  readonly step: FloatStepReport["step"];
  /** Its epochs of training in this job. */
  readonly epochs: number;
}

/** A float model that is kept, to be judged at the end together with all others. */
export interface KeptModel extends FloatStep {
  readonly model: tfl.LayersModel;
}

/** A float model by what it answered to the test samples. */
export interface JudgedStep extends FloatStep {
  readonly judged: Evaluation;
}

/** A job under way: what any of them is made of. */
export interface Job {
  readonly options: SharedJobOptions;
  readonly events: JobEvents;
  readonly log: (line: string) => void;
  readonly data: JobData;
  readonly engine: Engine;
  readonly quantization: Quantization;
}

/** A job that trains. */
export interface TrainingJob extends Job {
  readonly options: JobOptions;
  /** Where its states and results go; absent where nothing is trained after all. */
  readonly run?: RunFolder;
  /** What it tells of its epochs. */
  readonly record?: TrainingRecord;
}

/** A model ready for quantization-aware training, and how it came about. */
export interface JobStart {
  readonly prepared: PreparedModel;
  readonly float: readonly KeptModel[];
  readonly rewrites: readonly Rewrite[];
}

/** What the trained model answers, and the files that it gives. */
export interface Proof {
  readonly float: readonly JudgedStep[];
  /** The fake-quantized model. */
  readonly simulated: Evaluation;
  /** What it answered with the float operators of training; absent where it is evaluated with those too. */
  readonly asTrained?: Answers;
  /** Absent where the target is simulated only. */
  readonly files?: FilesProof;
}

/** The exported files, and what was found of them. */
export interface FilesProof {
  readonly int8: OnnxModel;
  readonly float: OnnxModel;
  /** The int8 file in ONNX Runtime's own format. */
  readonly ort: Uint8Array;
  /** The int8 file that makes boxes of its outputs itself; absent where nobody asked for it. */
  readonly boxes?: OnnxModel;
  /** What the int8 file answered. */
  readonly deployed: Evaluation;
  /** What the float file answered, where it has the weights that were trained with fake quantization, nothing rounded. */
  readonly unrounded?: Evaluation;
  readonly validation: Validation;
}

/**
 * Runs `model` on the validation or test samples. What its task chooses by validation samples, such as a threshold, is
 * chosen by those of the data before the test samples are judged by it.
 */
export async function judge(
  model: tfl.LayersModel,
  { job, by }: { readonly job: Job; readonly by: JudgedBy },
): Promise<Evaluation> {
  const judged = await answer(model, { job, by });
  const { settle } = judged.task;
  if (settle === undefined || by === "validation" || job.data.validation === undefined) return judged;
  const task = settle(await answer(model, { job, by: "validation" }));
  return { ...judged, task, metrics: measureAll(task, judged) };
}

function answer(
  model: tfl.LayersModel,
  { job, by }: { readonly job: Job; readonly by: JudgedBy },
): Promise<Evaluation> {
  const { data, options } = job;
  return evaluate(model, judgedBatches(model, { data, by }), {
    task: tasksFor(model, options, data),
    ...signalOf(job),
  });
}

/** Judges an exported file by what it answered to the samples that `model` was judged by. */
export function judgeAnswers({ task, targets, count }: Evaluation, answers: Answers): Evaluation {
  return { metrics: measureAll(task, { answers, targets }), answers, targets, count, task };
}

/** Returns the answers of `model` to the test samples, whatever they are, as far as `task` keeps them. */
export async function answersOf(
  model: tfl.LayersModel,
  { job, task, batches = Infinity }: { readonly job: Job; readonly task: BoundTask; readonly batches?: number },
): Promise<Answers> {
  const given = Iterator.from(inputBatches(job.data, "test")).take(batches).map((batch) => ({ ...batch, targets: {} }));
  return (await evaluate(model, given, { task: [], keeping: keepingOf(task.heads), ...signalOf(job) })).answers;
}

/** Validation or test samples as the exported file takes them. */
export function* samples({ data, options }: Pick<Job, "data" | "options">, by: JudgedBy): Iterable<Samples> {
  const isRaw = options.input === "uint8";
  for (const { inputs, size } of inputBatches(isRaw ? { ...data, normalize: RAW } : data, by)) {
    const inLayout = options.inputLayout === "nchw"
      ? mapValues(inputs, (x, name) => toNchw(x, data.train.inputs[name], size))
      : inputs;
    // Pictures that are normalized to 0..255 are their bytes.
    yield isRaw ? mapValues(inLayout, (x) => Uint8Array.from(x)) : inLayout;
  }
}

const RAW = parseNormalize("0..255");

/** How the files of a job are written. */
export function writingOf({ options, data: { normalize } }: Job): ToOnnxOptions {
  const { opset, inputLayout, format, fixedBatch, packPixels, input, debug } = options;
  return {
    opset,
    inputLayout,
    format,
    debug,
    packPixels,
    ...(fixedBatch === undefined ? {} : { fixedBatch }),
    ...(input === "uint8" ? { pixels: normalize } : {}),
  };
}

/** Does work in steps; the job's signal ends it in between. */
export function inTurnsOf<T>({ events: { signal } }: Job, steps: Steps<T>): Promise<T> {
  return inTurns(steps, signal);
}

/** Lets events be handled, and ends here if the job's signal has come. */
export async function pauseOf({ events: { signal } }: Job): Promise<void> {
  await handleEvents();
  signal?.throwIfAborted();
}

/** What stops a step of the job, as its options take it. */
export function signalOf({ events: { signal } }: Job): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** What is told is one line a call, and no name of a file, class or layer in it can make two or steer a terminal. */
export function lineLog({ log }: JobEvents): (line: string) => void {
  return (line) => log?.(shorten(plainText(line), LONGEST_LINE));
}

/** A longer line is not read; names in it come from files. */
const LONGEST_LINE = 1000;

/** Logs what a model is made of, in lines of 80 columns at most. */
export function logSummary(model: tfl.LayersModel, { log }: Job): void {
  for (const line of formatSummary(summarize(model)).split("\n")) log(line);
}

/** Writes a model's metrics for people: "MAE after the swap: 3.2 px". */
export function describeMetrics(metrics: readonly Omit<MetricValue, "scores">[], when = ""): string {
  const isOne = new Set(metrics.map(({ output }) => output)).size <= 1;
  return metrics.map((metric) =>
    `${isOne ? "" : `${metric.output} `}${metric.name}${when}: ${formatMetric(metric.value, metric)}`
  ).join(", ");
}

function toNchw(x: InputValues, input: SampleInput, size: number): InputValues {
  if (input.kind !== "pictures") return x;
  const { height, width, channels } = input;
  const moved = tf.tidy(() => tf.transpose(tf.tensor(x, [size, height, width, channels]), [0, 3, 1, 2]));
  // Read outside of the scope, which would look for tensors among the elements it is to hand out, one by one.
  const values = moved.dataSync<"float32">();
  moved.dispose();
  return values;
}
