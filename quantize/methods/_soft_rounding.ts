/**
 * Rounding that is learned: each weight goes down to the grid's next point, or up, and V says which.
 *
 *   h(V) = clip(sigmoid(V)·(ζ − γ) + γ, 0, 1)      ζ = 1.1, γ = −0.1: both ends are reached, and no gradient is left there
 *   ŵ = s·clip(⌊w/s⌋ + h(V), qmin − z, qmax − z)    while it is learned; in the end weights with V ≥ 0 go up
 *   V₀ = −ln((ζ − γ)/(r − γ) − 1), r = w/s − ⌊w/s⌋   so that h(V₀) = r: it starts from the real weights
 *   Σ (1 − |2h − 1|^β)                             the regularizer: 0 where all are decided; a large β leaves the middle alone
 *
 * A weight that lies on the grid has nothing to decide and stays there: to do it again changes nothing, and scales that are
 * found anew from the largest weights are the same.
 *
 * Source: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization" (2020), equations 21 to 25.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayerVariable } from "@tensorflow/tfjs-layers";
import { channelLayout } from "../../src/numbers/channels.ts";
import { clampCode } from "../../src/numbers/codes.ts";
import { roundHalfEven } from "../../src/numbers/round.ts";
import type { Grid, PerSlice } from "../../src/numbers/scheme.ts";
import type { QuantizedLayer } from "../../src/quant/mod.ts";

const ZETA = 1.1;
const GAMMA = -0.1;

/** How near to a point of the grid a weight lies on it, in steps: twice what float32 leaves of 127 after a division. */
const ON_GRID = 2 ** -15;

/** A weight whose rounding is to be chosen. */
export interface RoundedWeight {
  /** Name within its layer. */
  readonly name: string;
  /** The real values, [...], and their scales, [channels] or []: variables, so that a recorded step reads them anew. */
  readonly variable: LayerVariable;
  readonly scale: LayerVariable;
  /** The shape that the grid's axis counts in: [kh, kw, in * multiplier] of a depthwise kernel. */
  readonly shape: readonly number[];
  /** Its grid, as numbers. */
  readonly grid: Grid<PerSlice>;
}

/** Lists the weights of `layer` that stand on a grid. */
export function roundedWeights(layer: QuantizedLayer): readonly RoundedWeight[] {
  return layer.readGrids().flatMap(({ name, grid, weight }) => {
    const variable = layer.inner?.weights.find(({ originalName }) => originalName.split("/").at(-1) === name);
    const scale = layer.state[`${name}_scale`];
    if (weight === undefined || variable === undefined || scale === undefined) return [];
    return [{ name, variable, scale, shape: weight.shape, grid }];
  });
}

/** Returns h(V), in [0, 1]: how far up a weight goes. */
export function roundingOf<T extends tf.Tensor>(v: T): T {
  return tf.clipByValue<T>(tf.add(tf.mul(tf.sigmoid(v), ZETA - GAMMA), GAMMA), 0, 1);
}

/** Returns V₀, of which h is the part of a step that each weight lies above the grid's point below it. */
export function startOf(weight: RoundedWeight): tf.Tensor {
  return tf.tidy(() => {
    const steps = inSteps(weight);
    const above = tf.sub(steps, tf.floor(steps));
    return tf.neg(tf.log(tf.sub(tf.div(ZETA - GAMMA, tf.sub(above, GAMMA)), 1)));
  });
}

/** Returns ŵ for `v`, in the shape of the variable. Gradient: to `v`. */
export function softWeight(weight: RoundedWeight, v: tf.Tensor): tf.Tensor {
  const steps = inSteps(weight);
  const nearest = tf.round(steps);
  const isSettled = tf.lessEqual(tf.abs(tf.sub(steps, nearest)), ON_GRID);
  const chosen = tf.where(isSettled, nearest, tf.add(tf.floor(steps), roundingOf(v)));
  const { qmin, qmax, zeroPoint } = weight.grid;
  const ends = [qmin, qmax].map((code) => spread(tf.sub(code, zeroPointTensor(zeroPoint)), weight));
  const points = tf.minimum(tf.maximum(chosen, ends[0]), ends[1]);
  return tf.reshape(tf.mul(points, spread(weight.scale.read(), weight)), weight.variable.read().shape);
}

/** Returns Σ (1 − |2h(V) − 1|^β). */
export function regularizer(v: tf.Tensor, beta: tf.Tensor): tf.Scalar {
  const decided = tf.abs(tf.sub(tf.mul(roundingOf(v), 2), 1));
  return tf.sum<tf.Scalar>(tf.sub(1, tf.pow(decided, beta)));
}

/** β while `step` of `steps` is taken, after `warmUp` of them without the regularizer: from 20 down to 2. */
export function betaAt(step: number, { steps, warmUp }: { readonly steps: number; readonly warmUp: number }): number {
  return 2 + 18 * Math.max(0, 1 - (step - warmUp * steps) / ((1 - warmUp) * steps));
}

/** Codes less the zero point, one a weight, in the order of its elements. */
export type Points = Float32Array;

/** Rounds to the nearest point, as it is done where nothing is learned. */
export function nearestPoints(weight: RoundedWeight): Points {
  return pointsOf(weight, (steps) => roundHalfEven(steps));
}

/** Rounds up where V ≥ 0, else down. */
export function learnedPoints(weight: RoundedWeight, v: ArrayLike<number>): Points {
  return pointsOf(weight, (steps, i) => {
    const nearest = roundHalfEven(steps);
    if (Math.abs(Math.fround(steps - nearest)) <= ON_GRID) return nearest;
    return Math.floor(steps) + (v[i] >= 0 ? 1 : 0);
  });
}

/** Whether every one of its elements lies on the grid. */
export function isOnGrid(weight: RoundedWeight): boolean {
  const nearest = nearestPoints(weight);
  return stepsOf(weight).every((steps, i) => Math.abs(steps - nearest[i]) <= ON_GRID);
}

/** Returns the real values of points: what rounds to their codes, and to no others. */
export function valuesOf({ shape, grid }: Pick<RoundedWeight, "shape" | "grid">, points: Points): Float32Array {
  const { params, channelOf } = channelLayout(shape, grid);
  return points.map((point, i) => Math.fround(point * params[channelOf(i)].scale));
}

function pointsOf(weight: RoundedWeight, round: (steps: number, i: number) => number): Points {
  const { params, channelOf } = channelLayout(weight.shape, weight.grid);
  return stepsOf(weight).map((steps, i) => {
    const { zeroPoint } = params[channelOf(i)];
    return clampCode(round(steps, i) + zeroPoint, weight.grid) - zeroPoint;
  });
}

/** w/s of every weight, on the host. */
function stepsOf({ variable, shape, grid }: RoundedWeight): Float32Array {
  const { params, channelOf } = channelLayout(shape, grid);
  return Float32Array.from(variable.read().dataSync<"float32">(), (w, i) => w / params[channelOf(i)].scale);
}

/** w/s of every weight, in the graph. */
function inSteps(weight: RoundedWeight): tf.Tensor {
  return tf.div(tf.reshape(weight.variable.read(), [...weight.shape]), spread(weight.scale.read(), weight));
}

/** Numbers of a grid, one or one a channel, in a shape that goes with the weights'. */
function spread(values: tf.Tensor, { shape, grid: { granularity } }: RoundedWeight): tf.Tensor {
  if (values.size === 1 || granularity.kind === "per-tensor") return tf.reshape(values, []);
  const at = granularity.axis < 0 ? granularity.axis + shape.length : granularity.axis;
  return tf.reshape(values, shape.map((dim, axis) => axis === at ? dim : 1));
}

function zeroPointTensor(zeroPoint: PerSlice): tf.Tensor {
  return typeof zeroPoint === "number" ? tf.scalar(zeroPoint) : tf.tensor1d(Float32Array.from(zeroPoint));
}
