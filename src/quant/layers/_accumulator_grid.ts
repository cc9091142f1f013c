/**
 * The grid that an exported file holds biases on, so that training rounds them as the file does: the formulas of
 * `src/numbers/bias_grid.ts` as TF.js ops, with the same float32 roundings in the same order.
 */
import * as tf from "@tensorflow/tfjs-core";
import { MAX_BIAS_CODE, MIN_BIAS_SCALE } from "../../numbers/bias_grid.ts";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import { findWeight, type Layer } from "./layer.ts";
import { type QuantizedLayer, quantizedLayer } from "./quantized_layer.ts";
import { SharedCall } from "./shared_call.ts";

/** Scales of a layer's input and weights. */
export interface ProductScales {
  /** [], above 0. */
  readonly input: tf.Tensor;
  /** [channels] or [], above 0. */
  readonly weights: tf.Tensor;
  /** What the weights are multiplied with when batch normalization is folded into them, [channels]. Default: 1. */
  readonly factors?: tf.Tensor | undefined;
}

/** Rounds `bias` [channels] to the accumulator's grid. No gradient of its own: call it within `straightThrough`. */
export function roundBias(bias: tf.Tensor, { input, factors, ...scales }: ProductScales): tf.Tensor {
  const weights = factors === undefined ? scales.weights : foldedScale(scales.weights, factors);
  const least = tf.div(tf.maximum(tf.div(tf.abs(bias), MAX_BIAS_CODE), MIN_BIAS_SCALE), input);
  const fitted = tf.maximum(weights, weights.rank === 0 ? tf.max(least) : least);
  const scale = tf.mul(input, fitted);
  return tf.mul(tf.round(tf.div(bias, scale)), scale);
}

function foldedScale(scale: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  return tf.maximum(tf.mul(scale, tf.abs(factors)), LEAST_SCALE);
}

/**
 * Returns what `compute` makes of `x`, while the gradient passes to `x` unchanged.
 *
 * Nothing flows to whatever else `compute` reads: TF.js records no gradients inside.
 */
export function straightThrough<T extends tf.Tensor>(x: T, compute: (x: T) => tf.Tensor): T {
  const rounded = tf.customGrad((given) => {
    // Called with what is passed below, one tensor.
    const value = compute(given as T);
    return { value, gradFunc: (dy: tf.Tensor) => dy };
  })(x);
  // Of x's shape, as its gradient is.
  return rounded as T;
}

/**
 * Finds the quantizer whose grid the input of `layer` lies on.
 *
 * Goes up through layers with one input each: they pick or move values, or stand in a float island, and then the file
 * keeps the bias as it finds it. Undefined where a layer has several inputs or weights of its own, where nothing comes
 * before, and where a layer that is used more than once reads different grids.
 */
export function quantizerBefore(layer: Layer): QuantizedLayer | undefined {
  return onlyOne(
    sourcesOf(layer).map((source) => {
      const quantized = source && quantizedLayer(source);
      if (quantized !== undefined) return quantized.role === "activations" ? quantized : undefined;
      return source === undefined || source.weights.length > 0 ? undefined : quantizerBefore(source);
    }),
  );
}

/** Returns the layer that gives `layer` its input, the same wherever it is used, or undefined. */
export function layerBefore(layer: Layer): Layer | undefined {
  return onlyOne(sourcesOf(layer));
}

/** Lists, for every use of `layer`, the layer that gives it its input; undefined where it has several inputs. */
function sourcesOf(layer: Layer): readonly (Layer | undefined)[] {
  return layer.inboundNodes.map(({ inboundLayers: [first, ...more] }) =>
    // What else a call of another layer reads names that layer, and is no input.
    more.length > 0 && !(layer instanceof SharedCall) ? undefined : first
  );
}

/** Whether batch normalization comes right behind `layer`: the file then has one bias for both, the folded one. */
export function isBatchNormalized(layer: Layer): boolean {
  return layer.outboundNodes.some(({ outboundLayer: next, inboundLayers }) =>
    // TF.js's own, where the axis is not the last, is known by its statistics.
    inboundLayers[0] === layer &&
    (quantizedLayer(next)?.role === "batch-norm" || findWeight(next, "moving_mean") !== undefined)
  );
}

function onlyOne<T>(values: readonly T[]): T | undefined {
  const [first, ...more] = values;
  return more.every((value) => value === first) ? first : undefined;
}
