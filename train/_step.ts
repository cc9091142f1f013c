/** One training step on TF.js: forward, losses, gradients, update. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { asOneStep, OnnxRuntimeBackend } from "../src/backend/mod.ts";
import { constantsOf } from "../tasks/loss.ts";
import type { Head, TargetValues } from "../tasks/task.ts";
import { shapeOfTarget } from "../tasks/target_values.ts";
import type { BatchPlan, OrderedBatch } from "./_batch.ts";
import { minimize, type Updates } from "./_minimize.ts";
import { countIteration, stepKey } from "./_repeatable.ts";
import { learningRateOf } from "./optimizers.ts";

/** What a step needs besides its batch. */
export interface StepPlan {
  /** What the losses see: an output a head. */
  readonly view: tfl.LayersModel;
  /** Variables to train, each once. */
  readonly variables: tf.Variable[];
  readonly batches: BatchPlan;
  readonly optimizer: tf.Optimizer;
  /** What is done besides the optimizer's step. */
  readonly updates: Updates;
  /** Whether steps compute the same whatever JavaScript holds besides what `stepKey` says, see `_repeatable.ts`. */
  readonly isRepeatable: boolean;
}

/** What a step found. */
export interface StepResult {
  readonly loss: number;
  /** Sums over the samples, by the weights before the update: one for each head that counts something, in their order. */
  readonly sums: readonly number[];
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
 * Takes one step and returns what it found. Update, loss and sums come out of one run of a recording backend.
 *
 * @param masks Those of dropout, as far as they are known beforehand.
 */
export async function takeStep(
  batch: OrderedBatch,
  plan: StepPlan,
  masks: readonly Float32Array[] = [],
): Promise<StepResult> {
  const results = recordOrRepeat(encodeTargets(batch, plan), plan, masks);
  try {
    const numbers: number[] = [];
    for (const result of results) numbers.push((await result.data())[0]);
    const [loss, ...sums] = numbers;
    return { loss, sums };
  } finally {
    tf.dispose(results);
  }
}

/** Makes of targets what the losses are given. */
function encodeTargets(batch: OrderedBatch, { batches: { heads } }: StepPlan): OrderedBatch {
  const targets = batch.targets.map((values, i) => heads[i].head.encode?.of(values) ?? values);
  return { ...batch, targets };
}

/** Our own backend takes a step that it knows without TF.js. */
function recordOrRepeat(batch: OrderedBatch, plan: StepPlan, masks: readonly Float32Array[]): tf.Tensor[] {
  const backend = tf.backend();
  const rate = learningRateOf(plan.optimizer);
  if (!(backend instanceof OnnxRuntimeBackend)) return recordStep(batch, plan);
  const take = () => asOneStep(backend, () => recordStep(batch, plan));
  if (!plan.isRepeatable || rate === undefined) return take();
  return backend.repeat({
    key: stepKey(plan, batch),
    arrays: [...batch.inputs, ...batch.targets, ...masks, ...constantsIn(plan)],
    numbers: [rate],
    take,
    onRepeat: () => countIteration(plan.optimizer),
  });
}

/** Lists the arrays that losses and counters make tensors of at each step. */
function constantsIn({ batches: { heads } }: StepPlan): readonly Float32Array[] {
  return heads.flatMap(({ head: { loss, running } }) => [loss, ...(running === undefined ? [] : [running.sum])])
    .flatMap(constantsOf);
}

/** Returns the loss and the heads' sums. */
function recordStep({ inputs, targets, size }: OrderedBatch, plan: StepPlan): tf.Tensor[] {
  const { view, batches } = plan;
  let sums: tf.Tensor[] = [];
  const loss = tf.tidy(() => {
    const x = inputs.map((values, i) => tf.tensor(values, [size, ...batches.inputs[i].shape]));
    const cost = minimize(
      () => {
        const outputs = toTensors(view.apply(x.length === 1 ? x[0] : x, { training: true }));
        const learned = batches.heads.map(({ output, head }, i) => ({
          head,
          y: targetTensor(targets[i], outputs[i], { output, size, head, doing: batches.doing }),
          outputs: outputs[i],
        }));
        // Kept: they are read after the step, outside the scope in which the gradient is taken.
        sums = learned.flatMap(({ head: { running }, y, outputs }) =>
          running === undefined ? [] : [tf.keep(running.sum(y, outputs))]
        );
        const losses = learned.map(({ head: { loss, weight }, y, outputs }) =>
          weight === 1 ? loss(y, outputs) : tf.mul<tf.Scalar>(loss(y, outputs), weight)
        );
        // As TF.js's `fit` does, the regularization losses of the layers come on top.
        return [...losses, ...view.calculateLosses()].reduce((sum, term) => tf.add<tf.Scalar>(sum, term));
      },
      plan,
    );
    if (cost === null) throw new Error(`Cannot train "${view.name}": the optimizer returned no loss`);
    return cost;
  });
  return [loss, ...sums];
}

interface TargetOptions {
  readonly output: string;
  readonly size: number;
  readonly head: Head;
  readonly doing: string;
}

/**
 * What is encoded has its own shape. Indices are [n], [n, positions] or [n, height, width]; other numbers have the shape of
 * what the loss reads, which the model may leave open.
 */
function targetTensor(values: TargetValues, outputs: tf.Tensor, { output, size, head, doing }: TargetOptions) {
  const { target, encode } = head;
  if (encode !== undefined) return tf.tensor(values, [size, ...encode.shape]);
  const isWhole = target.kind === "index" || target.kind === "map";
  if (values instanceof Int32Array && (isWhole || values.length === size)) {
    return tf.tensor(values, [size, ...shapeOfTarget(target)], "int32");
  }
  if (values.length === outputs.size) return tf.tensor(values, outputs.shape);
  throw new TypeError(
    `Cannot ${doing}: the targets of output "${output}" are ${values.length} numbers for a batch of ${size}, ` +
      `needed are ${outputs.size} ([${outputs.shape}])`,
  );
}

/** Returns what a model gave as a list, one tensor an output. */
export function toTensors(outputs: tf.Tensor | tf.Tensor[] | tfl.SymbolicTensor | tfl.SymbolicTensor[]): tf.Tensor[] {
  return [outputs].flat().map((output) => {
    if (output instanceof tf.Tensor) return output;
    throw new TypeError("Cannot run a model on symbolic tensors");
  });
}
