/** What operations compute that are several calls of TF.js. */
import * as tf from "@tensorflow/tfjs-core";
import { type Pairs, reflected } from "./_gradients.ts";

/** Reductions over axes, by name. */
export const REDUCERS: Readonly<Record<string, (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor>> = {
  mean: tf.mean,
  sum: tf.sum,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  l1: (x, axes, keepDims) => tf.sum(tf.abs(x), axes, keepDims),
  l2: (x, axes, keepDims) => tf.sqrt(tf.sum(tf.square(x), axes, keepDims)),
  sumSquare: (x, axes, keepDims) => tf.sum(tf.square(x), axes, keepDims),
  logSum: (x, axes, keepDims) => tf.log(tf.sum(x, axes, keepDims)),
  logSumExp: tf.logSumExp,
};

/** Gives two stacks of matrices as many each: TF.js's gradient of their product wants that. */
export function alike(a: tf.Tensor, b: tf.Tensor): readonly [tf.Tensor, tf.Tensor] {
  const stack = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const stacked = (x: tf.Tensor) =>
    x.shape.slice(0, -2).join() === stack.join() ? x : tf.broadcastTo(x, [...stack, ...x.shape.slice(-2)]);
  return [stacked(a), stacked(b)];
}

/** Repeats x along its axes; TF.js's gradient of that knows at most four. */
export function tiled(x: tf.Tensor, repeats: readonly number[]): tf.Tensor {
  if (x.rank <= 4) return tf.tile(x, [...repeats]);
  return repeats.reduce<tf.Tensor>((y, count, axis) => {
    if (count === 1) return y;
    const outer = y.shape.slice(0, axis).reduce((product, side) => product * side, 1);
    const rows = tf.reshape(y, [outer, y.size / outer]);
    return tf.reshape(tf.tile(rows, [1, count]), y.shape.with(axis, y.shape[axis] * count));
  }, x);
}

/** A list of numbers for each element. */
export type Rows = readonly (readonly number[])[];

/** Sums of elements along an axis, each by its factor. */
export function blended(
  x: tf.Tensor,
  { axis, places, factors }: { readonly axis: number; readonly places: Rows; readonly factors: Rows },
): tf.Tensor {
  const sides = x.shape.map((_, i) => i === axis ? places.length : 1);
  const terms = places[0].map((_, i) => {
    const picked = tf.gather(x, tf.tensor1d(places.map((row) => row[i]), "int32"), axis);
    return tf.mul(picked, tf.tensor(factors.map((row) => row[i]), sides));
  });
  return terms.reduce((sum, term) => tf.add(sum, term));
}

/** Surrounds x along its axes behind the batch by a value, its mirror image or its outermost elements. */
export function padded(
  x: tf.Tensor,
  { mode, paddings, value }: { readonly mode: string; readonly paddings: Pairs; readonly value: number },
): tf.Tensor {
  const all = [[0, 0], ...paddings.map(([before, behind]) => [before, behind])] as [number, number][];
  if (mode === "constant") return tf.pad(x, all, value);
  if (mode === "reflect") return reflected(x, all);
  return paddings.reduce<tf.Tensor>((y, [before, behind], i) => {
    if (before === 0 && behind === 0) return y;
    const side = y.shape[i + 1];
    const places = Array.from(
      { length: side + before + behind },
      (_, at) => Math.min(side - 1, Math.max(0, at - before)),
    );
    return tf.gather(y, tf.tensor1d(places, "int32"), i + 1);
  }, x);
}
