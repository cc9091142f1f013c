/** Learns the rounding of one layer's weights, so that it answers as its float twin does. */
import * as tf from "@tensorflow/tfjs-core";
import { OnnxRuntimeBackend } from "../../src/backend/mod.ts";
import { makeYield } from "../../src/events.ts";
import { Random } from "../../src/numbers/random.ts";
import { shadow } from "../../src/shadow.ts";
import type { CallSite, WeightedLayer } from "./_call_sites.ts";
import type { SiteSamples, Values } from "./_layer_samples.ts";
import {
  betaAt,
  learnedPoints,
  type Points,
  regularizer,
  type RoundedWeight,
  softWeight,
  startOf,
  valuesOf,
} from "./_soft_rounding.ts";

/** How long and how fast roundings are learned. */
export interface LearningPlan {
  /** Steps a layer. */
  readonly steps: number;
  readonly batchSize: number;
  /** Of Adam. */
  readonly learningRate: number;
  /** Weight of the regularizer: λ. */
  readonly lambda: number;
  /** Share of the steps that are taken without it. */
  readonly warmUp: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** Told how many steps are taken. */
  readonly onStep?: (step: number) => void;
}

/** A layer, its weights, and samples of each of its calls. */
export interface Reconstruction {
  readonly layer: WeightedLayer;
  readonly weights: readonly RoundedWeight[];
  readonly samples: readonly SiteSamples[];
}

/** Learns the rounding, and returns the points of each weight. */
export async function learnRounding(task: Reconstruction, plan: LearningPlan): Promise<readonly Points[]> {
  const variables = task.weights.map((weight) => tf.tidy(() => tf.variable(startOf(weight))));
  const optimizer = tf.train.adam(plan.learningRate);
  try {
    await takeSteps({ ...task, variables, optimizer }, plan);
    return task.weights.map((weight, i) => learnedPoints(weight, variables[i].dataSync<"float32">()));
  } finally {
    tf.dispose(variables);
    optimizer.dispose();
  }
}

/**
 * Returns the squared error of each output channel, mean over samples and positions and summed over calls, with the
 * weights at `points`.
 */
export async function errorsOf(
  task: Reconstruction,
  points: readonly Points[],
  plan: LearningPlan,
): Promise<Float64Array> {
  const { layer: { sites }, samples, weights } = task;
  const errors = new Float64Array(samples[0].targets.shape.at(-1) ?? 1);
  const values = weights.map((weight, i) => tf.tensor(valuesOf(weight, points[i]), weight.variable.read().shape));
  try {
    for (const [i, site] of sites.entries()) {
      for await (const batch of inBatches(samples[i], plan)) {
        const sums = tf.tidy(() => {
          const difference = tf.sub(withWeights(weights, values, () => answer(site, batch.x())), batch.y());
          return tf.mean(tf.square(difference), others(difference.rank)).dataSync();
        });
        sums.forEach((sum, c) => errors[c] += sum * batch.share);
      }
    }
    return errors;
  } finally {
    tf.dispose(values);
  }
}

interface Learning extends Reconstruction {
  readonly variables: readonly tf.Variable[];
  readonly optimizer: tf.Optimizer;
}

async function takeSteps(learning: Learning, plan: LearningPlan): Promise<void> {
  const { samples, variables: [{ name }] } = learning;
  const batches = samples.map((values) => batchesOf(values, plan));
  // Two numbers, so that a recording takes them for no constant.
  const schedule = new Float32Array(2);
  const arrays = [...batches.flatMap(({ x, y }) => [x, y]), schedule];
  const pause = makeYield();
  const take = () => [recordStep(learning, { batches, schedule })];
  const backend = tf.backend();
  for (let step = 0; step < plan.steps; step++) {
    await pause();
    plan.signal?.throwIfAborted();
    schedule.set([betaAt(step, plan), step < plan.warmUp * plan.steps ? 0 : plan.lambda]);
    batches.forEach((batch) => batch.fill());
    // A variable's name is unique in the process.
    const key = `rounding of ${name}`;
    tf.dispose(backend instanceof OnnxRuntimeBackend ? backend.repeat({ key, arrays, numbers: [], take }) : take());
    plan.onStep?.(step + 1);
  }
}

interface StepInput {
  readonly batches: readonly Batch[];
  readonly schedule: Float32Array;
}

/** Takes a step and returns its loss. */
function recordStep({ layer, weights, variables, optimizer }: Learning, { batches, schedule }: StepInput): tf.Scalar {
  return tf.tidy(() => {
    const [beta, lambda] = tf.split(tf.tensor1d(schedule), 2);
    const given = batches.map(({ x, y, shapes }) => ({ x: tf.tensor(x, shapes.x), y: tf.tensor(y, shapes.y) }));
    const loss = optimizer.minimize(
      () => {
        const soft = weights.map((weight, i) => softWeight(weight, variables[i]));
        const errors = layer.sites.map((site, i) => {
          const difference = tf.sub(unrounded(layer, weights, soft, () => answer(site, given[i].x)), given[i].y);
          return tf.mean<tf.Scalar>(tf.sum(tf.square(difference), -1));
        });
        const decided = variables.map((v) => tf.mul(regularizer(v, beta), lambda));
        return tf.sum<tf.Scalar>(tf.stack([...errors, ...decided].map((term) => tf.reshape(term, []))));
      },
      true,
      [...variables],
    );
    if (loss === null) throw new Error(`Cannot learn the rounding of "${layer.name}": the optimizer returned no loss`);
    return loss;
  });
}

/** Runs the layers of a call, which a file computes as one operator. */
function answer({ layers }: CallSite, x: tf.Tensor): tf.Tensor {
  return layers.reduce((value, layer) => {
    const [output] = [layer.call(value, {})].flat();
    return output;
  }, x);
}

/** Runs `run` while the weights' variables answer `values`. */
function withWeights<T>(weights: readonly RoundedWeight[], values: readonly tf.Tensor[], run: () => T): T {
  using shadows = new DisposableStack();
  weights.forEach(({ variable }, i) => shadows.defer(shadow(variable, "read", () => values[i])));
  return run();
}

/** As `withWeights`, and the layer rounds nothing by itself. */
function unrounded<T>(
  { layer }: WeightedLayer,
  weights: readonly RoundedWeight[],
  values: readonly tf.Tensor[],
  run: () => T,
): T {
  const before = layer.phase;
  layer.setPhase({ fakeQuantizing: false });
  try {
    return withWeights(weights, values, run);
  } finally {
    layer.setPhase(before);
  }
}

/** A batch of random samples, in arrays that are filled again at every step. */
interface Batch {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly shapes: { readonly x: number[]; readonly y: number[] };
  /** Draws the next samples. */
  fill(): void;
}

function batchesOf({ inputs, targets }: SiteSamples, { batchSize, seed }: LearningPlan): Batch {
  const count = countOf(inputs);
  const size = Math.min(batchSize, count);
  const random = new Random(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let next = count;
  const x = new Float32Array(size * sizeOf(inputs.shape));
  const y = new Float32Array(size * sizeOf(targets.shape));
  return {
    x,
    y,
    shapes: { x: [size, ...inputs.shape], y: [size, ...targets.shape] },
    fill() {
      for (let i = 0; i < size; i++) {
        if (next === count) {
          random.shuffle(order);
          next = 0;
        }
        const sample = order[next++];
        x.set(rows(inputs, sample, 1), i * sizeOf(inputs.shape));
        y.set(rows(targets, sample, 1), i * sizeOf(targets.shape));
      }
    },
  };
}

/** All samples in their order, in batches of the size of a step's. */
async function* inBatches({ inputs, targets }: SiteSamples, { batchSize, signal }: LearningPlan) {
  const count = countOf(inputs);
  const pause = makeYield();
  for (let at = 0; at < count; at += batchSize) {
    await pause();
    signal?.throwIfAborted();
    const size = Math.min(batchSize, count - at);
    const tensorOf = (values: Values) => tf.tensor(rows(values, at, size), [size, ...values.shape]);
    yield { x: () => tensorOf(inputs), y: () => tensorOf(targets), share: size / count };
  }
}

function rows({ shape, data }: Values, at: number, count: number): Float32Array {
  const length = sizeOf(shape);
  return data.subarray(at * length, (at + count) * length);
}

function countOf({ shape, data }: Values): number {
  return data.length / sizeOf(shape);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

/** All axes but the last. */
function others(rank: number): number[] {
  return Array.from({ length: rank - 1 }, (_, axis) => axis);
}
