/** Runs a TF.js model over labelled samples and measures its answers. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { makeYield } from "./_events.ts";
import { inputShapeOf } from "../models/ports.ts";
import { checkBatch, lastTensor } from "./_step.ts";
import { accuracy, type Metric } from "./metrics.ts";

/** Labelled samples, as `batches` gives them. */
export interface LabelledBatch {
  /** Inputs [size, ...inputShape], row-major. */
  readonly x: Float32Array;
  /** Class of each sample. */
  readonly y: Int32Array;
  readonly size: number;
}

/** How a model is evaluated. */
export interface EvaluateOptions {
  /** Default: `accuracy`. */
  readonly metric?: Metric;
  /** Shape of one input, for models that leave it open. */
  readonly inputShape?: readonly number[];
  /** Stops before the next batch. */
  readonly signal?: AbortSignal;
}

/** What a model answered, and how well. */
export interface Evaluation {
  /** Name of the metric. */
  readonly metric: string;
  /** Value of the metric; of accuracy in [0, 1]. */
  readonly score: number;
  readonly samples: number;
  /** The last output for every sample, [samples, values], to be compared with another model's. */
  readonly outputs: Float32Array;
  readonly labels: Int32Array;
  /** Numbers of one answer. */
  readonly values: number;
}

/**
 * Evaluates `model` on all of `data`, in inference mode: no dropout, batch normalization by its moving statistics.
 *
 * Of several outputs the last counts. A batch smaller than one before is filled up with copies of its last sample, whose
 * answers are dropped, so that a backend that compiles graphs sees one shape.
 *
 * @throws {RangeError} If there are no samples, or a label has no output.
 * @throws {TypeError} If batches do not fit the model.
 * @throws The signal's reason, if it is aborted.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { evaluate } from "./evaluate.ts";
 *
 * tf.env().set("PROD", true);
 * const model = tfl.sequential({ layers: [tfl.layers.softmax({ inputShape: [2] })] });
 * const data = [{ x: Float32Array.of(3, 1, 0, 9), y: Int32Array.of(0, 0), size: 2 }];
 * const { score, outputs } = await evaluate(model, data);
 * assert.equal(score, 0.5);
 * assert.equal(outputs.length, 4);
 * ```
 */
export async function evaluate(
  model: tfl.LayersModel,
  data: Iterable<LabelledBatch> | AsyncIterable<LabelledBatch>,
  { metric = accuracy, inputShape: given, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const inputShape = inputShapeOf(model, given);
  const doing = `evaluate "${model.name}"`;
  const answers: Float32Array[] = [];
  const labels: number[] = [];
  const handleEvents = makeYield();
  let rows = 0;
  for await (const batch of data) {
    await handleEvents();
    signal?.throwIfAborted();
    checkBatch(batch, { inputShape, values: model.outputs.at(-1)?.shape.at(-1) ?? undefined, doing });
    rows = Math.max(rows, batch.size);
    const answer = await predictBatch(model, { x: fill(batch, rows), inputShape, rows });
    answers.push(answer.subarray(0, answer.length / rows * batch.size));
    for (const label of batch.y) labels.push(label);
  }
  if (labels.length === 0) {
    throw new RangeError(`Cannot ${doing}: there are no samples, at least 1 is needed`);
  }
  const outputs = concat(answers);
  const all = { outputs, labels: Int32Array.from(labels), values: outputs.length / labels.length };
  return { metric: metric.name, score: metric.measure(all), samples: labels.length, ...all };
}

async function predictBatch(
  model: tfl.LayersModel,
  { x, inputShape, rows }: { x: Float32Array; inputShape: readonly number[]; rows: number },
): Promise<Float32Array> {
  const output = tf.tidy(() => lastTensor(model.apply(tf.tensor(x, [rows, ...inputShape]), { training: false })));
  try {
    return Float32Array.from(await output.data());
  } finally {
    output.dispose();
  }
}

/** Returns the batch's inputs, its last sample repeated until there are `rows`. */
function fill({ x, size }: LabelledBatch, rows: number): Float32Array {
  if (size >= rows) return x;
  const stride = x.length / size;
  const filled = new Float32Array(rows * stride);
  filled.set(x);
  for (let row = size; row < rows; row++) filled.set(x.subarray((size - 1) * stride), row * stride);
  return filled;
}

function concat(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
