/** Runs a TF.js model over samples whose answers are known, and measures its own. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { Answers } from "../models/answers.ts";
import { AnswersJoin, type Keeping } from "../models/join_answers.ts";
import { type InputShapes, type InputValues, outputGrids, outputNames, outputPorts } from "../models/ports.ts";
import { bindTasks, type Learning } from "../tasks/bind.ts";
import { keepingOf } from "../tasks/keeping.ts";
import { defaultTask } from "../tasks/mod.ts";
import {
  type BoundTask,
  type Head,
  measureAll,
  type MetricValue,
  type Targets,
  type TargetValues,
} from "../tasks/task.ts";
import { type BatchPlan, orderBatch, type OrderedBatch, planBatches, type SampleBatch } from "./_batch.ts";
import { makeYield } from "../src/events.ts";
import { toTensors } from "./_step.ts";

/** How a model is evaluated. */
export interface EvaluateOptions extends Pick<Learning, "task"> {
  /** Shape of one sample, of the only input or by the inputs' names, for models that leave it open. */
  readonly inputShape?: InputShapes;
  /** What is kept of the answers. Default: as the task reads them. */
  readonly keeping?: Keeping;
  /** Stops before the next batch. */
  readonly signal?: AbortSignal;
}

/** What a model answered, and how well. */
export interface Evaluation {
  /** What the tasks judge by, in their order. */
  readonly metrics: readonly MetricValue[];
  /** Every output's answers, to be compared with another model's: to all samples, or as a task digests them. */
  readonly answers: Answers;
  /** What the answers of the judged outputs should have been, by output. */
  readonly targets: Targets;
  /** Samples. */
  readonly count: number;
  /** The tasks, bound to the model's outputs: they measure another runtime's answers as well. */
  readonly task: BoundTask;
}

/**
 * Evaluates `model` on all of `data`, in inference mode: no dropout, batch normalization by its moving statistics.
 *
 * Outputs that no task judges are answered all the same; batches need no targets for them. A batch smaller than one
 * before is filled up with copies of its last sample, whose answers are dropped, so that a backend that compiles graphs
 * sees one shape. Default task: that of `--task`.
 *
 * @throws {RangeError} If there are no samples, a name is no input's or output's, or a target is out of range.
 * @throws {TypeError} If batches do not fit the model, or an output cannot answer its task.
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
 * const model = tfl.sequential({ layers: [tfl.layers.softmax({ name: "softmax", inputShape: [2] })] });
 * const data = [{ inputs: { x: Float32Array.of(3, 1, 0, 9) }, targets: { y: Int32Array.of(0, 0) }, size: 2 }];
 * const { metrics, answers } = await evaluate(model, data);
 * assert.equal(metrics[0].value, 0.5);
 * assert.deepEqual(answers.softmax.shape, [2, 2]);
 * ```
 */
export async function evaluate(
  model: tfl.LayersModel,
  data: Iterable<SampleBatch> | AsyncIterable<SampleBatch>,
  { task = defaultTask(), inputShape, keeping, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const bound = bindTasks({ task }, { outputs: outputPorts(model), model: model.name, partial: true });
  const plan = planBatches(model, { task: bound, inputShape, doing: `evaluate "${model.name}"` });
  const names = outputNames(model);
  const join = new AnswersJoin(keeping ?? keepingOf(bound.heads));
  const seen: TargetValues[][] = [];
  let count = 0;
  const handleEvents = makeYield();
  let rows = 0;
  for await (const given of data) {
    await handleEvents();
    signal?.throwIfAborted();
    const batch = orderBatch(given, plan);
    rows = Math.max(rows, batch.size);
    join.add(await answer(model, { batch, rows, plan, names }));
    seen.push(batch.targets.map((values, i) => keptTargets(values, plan.heads[i].head)));
    count += batch.size;
  }
  if (count === 0) throw new RangeError(`Cannot ${plan.doing}: there are no samples, at least 1 is needed`);
  const answers = withGrids(join.answers, outputGrids(model));
  const targets = Object.fromEntries(
    plan.heads.map(({ output }, i) => [output, concat(seen.map((targets) => targets[i]))]),
  );
  return { metrics: measureAll(bound, { answers, targets }), answers, targets, count, task: bound };
}

interface AnswerOptions {
  readonly batch: OrderedBatch;
  /** Samples that the model is shown. */
  readonly rows: number;
  readonly plan: BatchPlan;
  /** Of the outputs. */
  readonly names: readonly string[];
}

async function answer(model: tfl.LayersModel, { batch, rows, plan, names }: AnswerOptions): Promise<Answers> {
  const { inputs, size } = batch;
  const outputs = tf.tidy(() => {
    const x = inputs.map((values, i) => tf.tensor(fill(values, { size, rows }), [rows, ...plan.inputs[i].shape]));
    return toTensors(model.apply(x.length === 1 ? x[0] : x, { training: false }));
  });
  try {
    const answers: Answers[string][] = [];
    for (const output of outputs) {
      const [, ...shape] = output.shape;
      const values = Float32Array.from(await output.data()).subarray(0, output.size / rows * size);
      answers.push({ values, shape: [size, ...shape] });
    }
    return Object.fromEntries(answers.map((answer, i) => [names[i], answer]));
  } finally {
    tf.dispose(outputs);
  }
}

/** Returns `values`, the last sample repeated until there are `rows`. */
function fill(values: InputValues, { size, rows }: { readonly size: number; readonly rows: number }): InputValues {
  if (size >= rows) return values;
  const stride = values.length / size;
  const filled = values instanceof Int32Array ? new Int32Array(rows * stride) : new Float32Array(rows * stride);
  filled.set(values);
  for (let row = size; row < rows; row++) filled.set(values.subarray((size - 1) * stride), row * stride);
  return filled;
}

function withGrids(answers: Answers, grids: ReturnType<typeof outputGrids>): Answers {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, name in grids ? { ...answer, grid: grids[name] } : answer]),
  );
}

/** A class a pixel is a byte: -1 becomes 255, of which there is no class. */
function keptTargets(values: TargetValues, { target }: Head): TargetValues {
  return target.kind === "map" ? Uint8Array.from(values) : values;
}

function concat(arrays: readonly TargetValues[]): TargetValues {
  const length = arrays.reduce((sum, { length }) => sum + length, 0);
  const [first] = arrays;
  const all = first instanceof Int32Array
    ? new Int32Array(length)
    : first instanceof Uint8Array
    ? new Uint8Array(length)
    : new Float32Array(length);
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
