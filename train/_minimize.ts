/** The update of a training step: gradients clipped, weights decayed, the optimizer's step, and the averages moved. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { learningRateOf } from "./optimizers.ts";
import type { UpdateOptions } from "./updates.ts";
import type { WeightAverage } from "./_weight_average.ts";

/** What a step does besides the optimizer's own. */
export interface Updates {
  readonly clipNorm?: number;
  readonly decay?: { readonly share: number; readonly variables: readonly tf.Variable[] };
  readonly average?: WeightAverage;
}

/** PyTorch's clip_grad_norm_ adds it to the norm, so that gradients of zeros stay what they are. */
const NORM_EPSILON = 1e-6;

/**
 * Does a step on `variables` to make what `cost` returns smaller, and returns its value.
 *
 * Where `updates` has nothing to do, it is the optimizer's `minimize` that is called, and nothing else.
 */
export function minimize(
  cost: () => tf.Scalar,
  { optimizer, variables, updates }: {
    readonly optimizer: tf.Optimizer;
    readonly variables: tf.Variable[];
    readonly updates: Updates;
  },
): tf.Scalar | null {
  const { clipNorm, decay, average } = updates;
  if (clipNorm === undefined && decay === undefined) {
    const value = optimizer.minimize(cost, true, variables);
    average?.update();
    return value;
  }
  const { value, grads } = optimizer.computeGradients(cost, variables);
  const gradients = variables.map(({ name }) => ({ name, tensor: grads[name] }));
  if (decay !== undefined) decayWeights(decay, learningRateOf(optimizer) ?? 0);
  optimizer.applyGradients(clipNorm === undefined ? gradients : clipped(gradients, clipNorm));
  average?.update();
  return value;
}

/** A variable's gradient. TF.js has none of variables that the cost does not depend on, and tells them by their places. */
interface Gradient {
  readonly name: string;
  readonly tensor: tf.Tensor;
}

/** Scales all gradients by one factor, such that the norm of all their numbers together is `most` at the most. */
function clipped(gradients: readonly Gradient[], most: number): Gradient[] {
  const known = gradients.filter(({ tensor }) => tensor !== undefined);
  const squares = known.map(({ tensor }) => tf.sum<tf.Scalar>(tf.square(tensor)));
  const norm = tf.sqrt(squares.reduce((sum, square) => tf.add<tf.Scalar>(sum, square)));
  const factor = tf.minimum(1, tf.div(most, tf.add(norm, NORM_EPSILON)));
  return gradients.map((gradient) =>
    known.includes(gradient) ? { ...gradient, tensor: tf.mul(gradient.tensor, factor) } : gradient
  );
}

function decayWeights({ share, variables }: NonNullable<Updates["decay"]>, rate: number): void {
  // The rate is a number of the recorded step, see `recordOrRepeat`: what is made of it has to be made in tensors.
  const kept = tf.sub(1, tf.mul(tf.scalar(rate), share));
  for (const variable of variables) variable.assign(tf.mul(variable, kept));
}

/** Names of weights that are no factor of what a layer is given. */
const OTHERS = /(^|[/_])(bias|gamma|beta|alpha|moving_mean|moving_variance)(_\d+)?$/;

/**
 * Lists the variables of `view` that weight decay is for: those with two dimensions at least that are a factor of what
 * their layer is given. Shared ones once.
 */
export function decayedVariables(view: tfl.LayersModel): readonly tf.Variable[] {
  const decayed = new Set<tf.Variable>();
  for (const weight of view.trainableWeights) {
    const variable = weight.read();
    const isFactor = weight.shape.length >= 2 && !OTHERS.test(weight.originalName);
    if (isFactor && variable instanceof tf.Variable) decayed.add(variable);
  }
  return [...decayed];
}

/**
 * Makes what a step does by `options`, on the weights of `view`.
 *
 * @throws {TypeError} If weights are to decay and the optimizer shows no learning rate.
 */
export function planUpdates(
  { clipNorm, weightDecay }: UpdateOptions,
  { view, optimizer, average }: {
    readonly view: tfl.LayersModel;
    readonly optimizer: tf.Optimizer;
    readonly average: WeightAverage | undefined;
  },
): Updates {
  if (weightDecay !== undefined && learningRateOf(optimizer) === undefined) {
    throw new TypeError(
      `Cannot decay weights with "${optimizer.getClassName()}": it has no field learningRate, which the decay follows`,
    );
  }
  return {
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(weightDecay === undefined ? {} : { decay: { share: weightDecay, variables: decayedVariables(view) } }),
    ...(average === undefined ? {} : { average }),
  };
}
