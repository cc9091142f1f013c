/**
 * AdaRound: weights are rounded up or down as the answers of their layer want it, not each to its nearest point.
 *
 * Layer by layer, in order: what a layer reads is taken from the quantized model so far, what it should answer from the
 * float one, batch norm and ReLU behind it included. The rounding is learned on that by gradient descent, and kept channel
 * by channel where it is better than the nearest points. Afterwards the weights are the grid's points themselves, so that
 * whatever rounds them, the simulation or the file, gets the codes that were chosen.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { seedFor } from "../../src/numbers/seed.ts";
import { type WeightedLayer, weightedLayersOf } from "./_call_sites.ts";
import { bytesOfSample, type Drawing, drawSamples, samplesKept } from "./_layer_samples.ts";
import { errorsOf, type LearningPlan, learnRounding, type Reconstruction } from "./_reconstruct.ts";
import {
  isOnGrid,
  nearestPoints,
  type Points,
  type RoundedWeight,
  roundedWeights,
  valuesOf,
} from "./_soft_rounding.ts";
import type { PreparedStep, StepContext, StepEffect, StepLeft, StepOutcome } from "./step.ts";

/** How roundings are learned. */
export interface AdaRoundOptions {
  /** Steps a layer. Default: 2,000. */
  readonly steps?: number;
  /** Samples that a layer is looked at with, at most. Default: 1,024. */
  readonly samples?: number;
  /** Samples a step, at most: of large pictures fewer, each of which has as many examples as pixels. Default: 32. */
  readonly batchSize?: number;
  /** Of Adam. Default: as long a way in all as the paper's 10,000 steps of 0.001. */
  readonly learningRate?: number;
  /** The most bytes that samples of a layer may take; where there is not room for all, fewer are kept. Default: 256 MiB. */
  readonly bytes?: number;
}

const DEFAULTS: Omit<Required<AdaRoundOptions>, "learningRate"> = {
  steps: 2000,
  samples: 1024,
  batchSize: 32,
  bytes: 256 * 2 ** 20,
};

/** Steps times learning rate: so far V can be moved. It has to be moved by less than 5 to turn a decision over. */
const WAY = 10;

/** λ of the regularizer, and the share of the steps before it sets in (Nagel et al. 2020, section 5). */
const LAMBDA = 0.01;
const WARM_UP = 0.2;

/**
 * Makes the step of post-training quantization that learns roundings.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeAdaRound } from "./adaround.ts";
 *
 * assert.equal(makeAdaRound({ steps: 2000 }).name, "adaround");
 * ```
 */
export function makeAdaRound(options: AdaRoundOptions = {}): PreparedStep<"adaround"> {
  return {
    name: "adaround",
    when: "prepared",
    description: "learn whether each weight is rounded up or down, layer by layer, which takes minutes",
    byDefault: false,
    apply: (model, float, context) => {
      const asked = { ...DEFAULTS, ...options };
      return roundModel({ model, float, context, learningRate: WAY / asked.steps, ...asked });
    },
  };
}

/** AdaRound with its defaults. */
export const adaround: PreparedStep<"adaround"> = makeAdaRound();

interface Job extends Required<AdaRoundOptions> {
  readonly model: LayersModel;
  readonly float: LayersModel;
  readonly context: StepContext;
}

async function roundModel(job: Job): Promise<StepOutcome> {
  const { model, context, steps } = job;
  if (context.samples < 2) {
    throw new RangeError(
      `Cannot learn the rounding of "${model.name}": there is ${context.samples} sample to calibrate with, ` +
        `at least 2 are needed`,
    );
  }
  const effects: StepEffect[] = [];
  const left: StepLeft[] = [];
  const facts: string[] = [];
  const layers = weightedLayersOf(model);
  for (const [i, layer] of layers.entries()) {
    const onStep = (step: number) => context.onProgress?.(i * steps + step, layers.length * steps);
    const because = whyLeft(layer, job);
    if (because !== undefined) left.push({ layer: layer.name, because });
    else {
      const result = await roundLayer(layer, job, onStep);
      effects.push(result.effect);
      facts.push(result.fact);
    }
    onStep(steps);
  }
  return { effects, left, facts };
}

function whyLeft(layer: WeightedLayer, job: Job): string | undefined {
  if (roundedWeights(layer.layer).every(isOnGrid)) return "its weights lie on the grid as they are";
  if (samplesKept(layer, drawingOf(layer, job)) >= 2) return undefined;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MB`;
  return `a sample of what it reads and answers takes ${megabytes(bytesOfSample(layer))}, ` +
    `there is room for ${megabytes(job.bytes)} and needed are 2 samples`;
}

function drawingOf(layer: WeightedLayer, job: Job): Drawing {
  const { model, float, context, samples, bytes } = job;
  return { model, float, context, most: samples, bytes, multipleOf: batchSizeOf(layer, job) };
}

/** The most bytes of a batch: the first layers of a net of 224² would take some hundred milliseconds a step. */
const BATCH_BYTES = 16 * 2 ** 20;

function batchSizeOf(layer: WeightedLayer, { batchSize }: Job): number {
  return Math.max(1, Math.min(batchSize, Math.floor(BATCH_BYTES / bytesOfSample(layer))));
}

async function roundLayer(layer: WeightedLayer, job: Job, onStep: (step: number) => void) {
  const { steps, learningRate, context: { seed, signal } } = job;
  const weights = roundedWeights(layer.layer);
  const samples = await drawSamples(layer, drawingOf(layer, job));
  const task = { layer, weights, samples };
  const plan = {
    ...{ steps, batchSize: batchSizeOf(layer, job), learningRate, lambda: LAMBDA, warmUp: WARM_UP, signal, onStep },
    seed: seedFor(layer.name, seed),
  };
  const nearest = weights.map(nearestPoints);
  const chosen = await better(task, { nearest, learned: await learnRounding(task, plan) }, plan);
  weights.forEach((weight, i) => setPoints(weight, chosen.points[i]));
  const [all, moved] = countMoved(nearest, chosen.points);
  const count = samplesKept(layer, drawingOf(layer, job));
  return {
    effect: {
      layer: layer.name,
      what: "squared error of what it answers",
      before: chosen.before,
      after: chosen.after,
    },
    fact: `${layer.name}: ${steps} steps on ${count} samples, error ${chosen.before.toPrecision(3)} to ` +
      `${chosen.after.toPrecision(3)}, ${moved} of ${all} weights not rounded to the nearest`,
  };
}

interface Candidates {
  readonly nearest: readonly Points[];
  readonly learned: readonly Points[];
}

/** Takes for each output channel the points with the smaller error; those of the other channels have no part in it. */
async function better(task: Reconstruction, { nearest, learned }: Candidates, plan: LearningPlan) {
  const before = await errorsOf(task, nearest, plan);
  const errors = await errorsOf(task, learned, plan);
  const mixed = task.weights.map((weight, i) =>
    mix(weight, { nearest: nearest[i], learned: learned[i] }, (c) => errors[c] < before[c])
  );
  const after = await errorsOf(task, mixed, plan);
  // Where a weight has no part of its own in each channel of the output, the whole layer is chosen.
  if (sum(after) <= sum(before)) return { points: mixed, before: sum(before), after: sum(after) };
  return { points: nearest, before: sum(before), after: sum(before) };
}

/** Takes the learned points of the output channels that `isLearned` says, the last axis of weights. */
function mix(
  { shape }: RoundedWeight,
  { nearest, learned }: Readonly<Record<"nearest" | "learned", Points>>,
  isLearned: (channel: number) => boolean,
): Points {
  const channels = shape[shape.length - 1];
  return learned.map((point, i) => isLearned(i % channels) ? point : nearest[i]);
}

/** Sets a weight to points of its grid, past the layer's constraint: a point that is moved is none. */
function setPoints(weight: RoundedWeight, points: Points): void {
  tf.tidy(() => {
    const variable = weight.variable.read();
    // What a layer's variable reads is TF.js's own.
    (variable as tf.Variable).assign(tf.tensor(valuesOf(weight, points), variable.shape));
  });
}

function countMoved(nearest: readonly Points[], points: readonly Points[]): readonly [all: number, moved: number] {
  let [all, moved] = [0, 0];
  for (const [i, own] of points.entries()) {
    all += own.length;
    own.forEach((point, k) => moved += point === nearest[i][k] ? 0 : 1);
  }
  return [all, moved];
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
