/** One training step on TF.js: forward, loss, gradients, update; and the view of a model that it runs through. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { OnnxRuntimeBackend } from "../src/backend/mod.ts";
import { countIteration, stepKey } from "./_repeatable.ts";
import { logitsModel } from "./logits_model.ts";
import type { Loss } from "./losses.ts";
import { learningRateOf } from "./optimizers.ts";

/** Samples to learn from. */
export interface TrainingBatch {
  /** Inputs [size, ...inputShape], row-major. */
  readonly x: Float32Array;
  /** Class of each sample, or real targets [size, ...shape of the outputs]. */
  readonly y: Int32Array | Float32Array;
  readonly size: number;
}

/** What a step needs besides its batch. */
export interface StepPlan {
  /** The model up to its logits. */
  readonly view: tfl.LayersModel;
  /** Variables to train, each once. */
  readonly variables: tf.Variable[];
  /** Shape of one input. */
  readonly inputShape: readonly number[];
  readonly optimizer: tf.Optimizer;
  readonly loss: Loss;
  /** Whether steps compute the same whatever JavaScript holds besides what `stepKey` says, see `_repeatable.ts`. */
  readonly isRepeatable: boolean;
}

/** What a step found. */
export interface StepResult {
  readonly loss: number;
  /** Samples classified right, by the weights before the update; undefined if the targets are no classes. */
  readonly right?: number;
}

/**
 * Returns the part of `model` that training runs through: its last output, before the softmax.
 *
 * It shares all layers and weights with `model`.
 */
export function trainingView(model: tfl.LayersModel): tfl.LayersModel {
  const last = model.outputs.length === 1
    ? model
    : tfl.model({ inputs: model.inputs, outputs: model.outputs.at(-1)!, name: `${model.name}_last` });
  return logitsModel(last);
}

/** Lists the variables that training `view` changes, shared ones once. */
export function trainableVariables(view: tfl.LayersModel): tf.Variable[] {
  const variables = new Set<tf.Variable>();
  for (const weight of view.trainableWeights) {
    const variable = weight.read();
    if (variable instanceof tf.Variable) variables.add(variable);
  }
  return [...variables];
}

/**
 * Takes one step and returns what it found. Update, loss and hits come out of one run of a recording backend.
 *
 * @param masks Those of dropout, as far as they are known beforehand.
 */
export async function takeStep(
  batch: TrainingBatch,
  plan: StepPlan,
  masks: readonly Float32Array[] = [],
): Promise<StepResult> {
  const [loss, hits] = recordOrRepeat(batch, plan, masks);
  try {
    const [value] = await loss.data();
    return hits === undefined ? { loss: value } : { loss: value, right: (await hits.data())[0] };
  } finally {
    tf.dispose(hits === undefined ? [loss] : [loss, hits]);
  }
}

/** Our own backend takes a step that it knows without TF.js. */
function recordOrRepeat(batch: TrainingBatch, plan: StepPlan, masks: readonly Float32Array[]): tf.Tensor[] {
  const backend = tf.backend();
  const rate = learningRateOf(plan.optimizer);
  const take = () => recordStep(batch, plan);
  if (!plan.isRepeatable || rate === undefined || !(backend instanceof OnnxRuntimeBackend)) return take();
  return backend.repeat({
    key: stepKey(plan, batch),
    arrays: [batch.x, batch.y, ...masks],
    numbers: [rate],
    take,
    onRepeat: () => countIteration(plan.optimizer),
  });
}

/** Returns the loss and, where targets are classes, the number of right answers. */
function recordStep(batch: TrainingBatch, plan: StepPlan): tf.Tensor[] {
  const { view, variables, inputShape, optimizer } = plan;
  let hits: tf.Tensor | undefined;
  const loss = tf.tidy(() => {
    const x = tf.tensor(batch.x, [batch.size, ...inputShape]);
    const y = targetTensor(batch, view);
    const cost = optimizer.minimize(
      () => {
        const outputs = lastTensor(view.apply(x, { training: true }));
        hits = countHits(y, outputs);
        return totalLoss(plan.loss(y, outputs), view);
      },
      true,
      variables,
    );
    if (cost === null) throw new Error(`Cannot train "${view.name}": the optimizer returned no loss`);
    return cost;
  });
  return hits === undefined ? [loss] : [loss, hits];
}

/** Adds the regularization losses of the layers, as TF.js's `fit` does. */
function totalLoss(loss: tf.Scalar, view: tfl.LayersModel): tf.Scalar {
  return view.calculateLosses().reduce((sum, term) => tf.add<tf.Scalar>(sum, term), loss);
}

function targetTensor({ y, size }: TrainingBatch, view: tfl.LayersModel): tf.Tensor {
  if (y instanceof Int32Array) return tf.tensor1d(y, "int32");
  const shape = view.outputs[0].shape.slice(1).map((dim) => dim ?? -1);
  return tf.tensor(y, [size, ...shape]);
}

/** Counts right answers, where the targets are classes and the outputs one row of numbers a sample. */
function countHits(y: tf.Tensor, outputs: tf.Tensor): tf.Tensor | undefined {
  if (y.dtype !== "int32" || y.rank !== 1 || outputs.rank !== 2) return undefined;
  // Kept: it is read after the step, outside the scope in which the gradient is taken.
  return tf.keep(tf.sum(tf.cast(tf.equal(tf.argMax(outputs, -1), y), "int32")));
}

/** Returns the last of a model's output tensors. */
export function lastTensor(outputs: tf.Tensor | tf.Tensor[] | tfl.SymbolicTensor | tfl.SymbolicTensor[]): tf.Tensor {
  const last = Array.isArray(outputs) ? outputs.at(-1) : outputs;
  if (last instanceof tf.Tensor) return last;
  throw new TypeError("Cannot run a model on symbolic tensors");
}

/**
 * Checks that a batch fits the model.
 *
 * @param values Numbers of one output.
 * @throws {TypeError} If `x` or `y` has another length than the size asks for.
 * @throws {RangeError} If a class has no output.
 */
export function checkBatch(
  { x, y, size }: TrainingBatch,
  { inputShape, values, doing }: { inputShape: readonly number[]; values: number | undefined; doing: string },
): void {
  const needed = inputShape.reduce((product, dim) => product * dim, size);
  if (size < 1 || x.length !== needed) {
    throw new TypeError(
      `Cannot ${doing}: a batch of ${size} has ${x.length} numbers, needed are ${needed} (${size} of [${inputShape}])`,
    );
  }
  if (!(y instanceof Int32Array) || values === undefined) return;
  if (y.length !== size) throw new TypeError(`Cannot ${doing}: a batch of ${size} has ${y.length} labels`);
  const bad = y.findIndex((label) => label < 0 || label >= values);
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ${doing}: a label is ${y[bad]}, the model's ${values} outputs need 0 to ${values - 1}`,
    );
  }
}
