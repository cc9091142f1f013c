/** What every step of the job needs, and measuring a model. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { OnnxModel } from "../export/to_onnx.ts";
import type { Validation } from "../export/validate.ts";
import type { Rewrite } from "../src/rewrite/mod.ts";
import { evaluate } from "../train/evaluate.ts";
import { accuracy } from "../train/metrics.ts";
import type { PreparedModel } from "../quantize/prepare.ts";
import { type JobData, testBatches } from "./_data.ts";
import type { Engine } from "./_engine.ts";
import type { JobEvents } from "./events.ts";
import type { ResolvedOptions } from "./options.ts";

/** Float accuracies on the way to quantization. */
export interface FloatAccuracies {
  /** The model as loaded, or as trained from nothing. */
  readonly original: number;
  /** After its activations were swapped; absent if none was. */
  readonly swapped?: number;
  /** After further float training; absent if there was none. */
  readonly adapted?: number;
}

/** A job under way. */
export interface Job {
  readonly options: ResolvedOptions;
  readonly events: JobEvents;
  readonly log: (line: string) => void;
  readonly data: JobData;
  readonly engine: Engine;
}

/** A model ready for quantization-aware training, and how it came about. */
export interface JobStart {
  readonly prepared: PreparedModel;
  readonly accuracies: FloatAccuracies;
  readonly rewrites: readonly Rewrite[];
}

/** The exported model, and what ONNX Runtime makes of it. */
export interface Proof {
  readonly int8: OnnxModel;
  readonly float: OnnxModel;
  /** Accuracy of the simulated model, in [0, 1]. */
  readonly simulated: number;
  readonly validation: Validation;
}

/** Returns the accuracy of `model` on the test images. */
export async function score(model: tfl.LayersModel, job: Job): Promise<number> {
  return (await evaluate(model, testBatches(job.data), { metric: accuracy, ...signalOf(job) })).score;
}

/** Test images in the layout of the exported file. */
export function* samples({ data, options }: Job): Iterable<Float32Array> {
  for (const { x, size } of testBatches(data)) yield options.inputLayout === "nchw" ? toNchw(x, size, data.test) : x;
}

/** What stops a step of the job, as its options take it. */
export function signalOf({ events: { signal } }: Job): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Logs what `model.summary()` prints. */
export function logSummary(model: tfl.LayersModel, { log }: Job): void {
  model.summary(undefined, undefined, (...lines: unknown[]) => log(lines.join(" ")));
}

/** Writes a fraction for people. */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}

function toNchw(x: Float32Array, size: number, { height, width, channels }: JobData["test"]): Float32Array {
  return tf.tidy(() => tf.transpose(tf.tensor(x, [size, height, width, channels]), [0, 3, 1, 2]).dataSync<"float32">());
}
