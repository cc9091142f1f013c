/** Boxes as tensors within a training step. A box is its centre and its sides, each a tensor; all of one shape. */
import * as tf from "@tensorflow/tfjs-core";
import { type Grid, MOST_LOG_SIZE, stretchOf } from "./grids.ts";

/** Boxes, number by number. */
export interface BoxTensors {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly width: tf.Tensor;
  readonly height: tf.Tensor;
}

/** What numbers of an output are decoded with. Tensors that broadcast to their shape. */
export interface Places {
  readonly grid: Pick<Grid, "height" | "width" | "reach">;
  /** The cell's column and row. */
  readonly column: tf.Tensor;
  readonly row: tf.Tensor;
  /** The anchor's sides. */
  readonly width: tf.Tensor;
  readonly height: tf.Tensor;
}

/** Returns the boxes that numbers tx, ty, tw and th stand for. */
export function boxesOf([tx, ty, tw, th]: readonly tf.Tensor[], { grid, column, row, width, height }: Places) {
  const side = (t: tf.Tensor, anchor: tf.Tensor) =>
    tf.mul(tf.exp(tf.clipByValue(t, -MOST_LOG_SIZE, MOST_LOG_SIZE)), anchor);
  const [factor, less] = stretchOf(grid);
  // Where centres stay in their cell, the step has no more to do than that.
  const within = (t: tf.Tensor) => factor === 1 ? tf.sigmoid(t) : tf.sub(tf.mul(tf.sigmoid(t), factor), less);
  return {
    x: tf.mul(tf.add(within(tx), column), 1 / grid.width),
    y: tf.mul(tf.add(within(ty), row), 1 / grid.height),
    width: side(tw, width),
    height: side(th, height),
  };
}

/** What two boxes have in common, and each by itself, as areas. */
export function areasOf(a: BoxTensors, b: BoxTensors) {
  const common = tf.mul(commonSide(a, b, "x", "width"), commonSide(a, b, "y", "height"));
  return { common, a: tf.mul(a.width, a.height), b: tf.mul(b.width, b.height) };
}

/** The length that two boxes have in common along one axis, 0 at least. */
function commonSide(a: BoxTensors, b: BoxTensors, centre: "x" | "y", side: "width" | "height"): tf.Tensor {
  const [fromA, toA] = ends(a[centre], a[side]);
  const [fromB, toB] = ends(b[centre], b[side]);
  return tf.relu(tf.sub(tf.minimum(toA, toB), tf.maximum(fromA, fromB)));
}

/** Returns where a box begins and ends along one axis. */
export function ends(centre: tf.Tensor, side: tf.Tensor): readonly [from: tf.Tensor, to: tf.Tensor] {
  const half = tf.mul(side, 0.5);
  return [tf.sub(centre, half), tf.add(centre, half)];
}

/** Keeps areas of nothing apart from 0. */
const LEAST_AREA = 1e-12;

/** Returns the intersection over union of each `a` with its `b`. */
export function overlapOf(a: BoxTensors, b: BoxTensors): tf.Tensor {
  const areas = areasOf(a, b);
  return tf.div(areas.common, tf.add(tf.sub(tf.add(areas.a, areas.b), areas.common), LEAST_AREA));
}

/**
 * Returns the complete intersection over union: less by how far apart the centres are, as a share of the diagonal of the
 * box around both, and by how much the sides' proportions differ.
 *
 *   CIoU = IoU − ρ²/c² − α·v,  v = 4/π² · (atan(wᵇ/hᵇ) − atan(wᵃ/hᵃ))²,  α = v / (1 − IoU + v)
 *
 * Gradient: α is taken for a constant.
 * Source: Zheng et al., "Distance-IoU Loss" (2020), equations 7 to 11.
 */
export function completeOverlap(a: BoxTensors, b: BoxTensors): tf.Tensor {
  const overlap = overlapOf(a, b);
  const around = (centre: "x" | "y", side: "width" | "height") => {
    const [fromA, toA] = ends(a[centre], a[side]);
    const [fromB, toB] = ends(b[centre], b[side]);
    return tf.sub(tf.maximum(toA, toB), tf.minimum(fromA, fromB));
  };
  const sumOfSquares = (p: tf.Tensor, q: tf.Tensor) => tf.add(tf.square(p), tf.square(q));
  const distance = sumOfSquares(tf.sub(a.x, b.x), tf.sub(a.y, b.y));
  const diagonal = sumOfSquares(around("x", "width"), around("y", "height"));
  const angle = ({ width, height }: BoxTensors) => tf.atan(tf.div(width, tf.add(height, LEAST_AREA)));
  const proportion = tf.mul(tf.square(tf.sub(angle(b), angle(a))), 4 / Math.PI ** 2);
  const share = constantOf(
    ([overlap, proportion]) => tf.div(proportion, tf.add(tf.add(tf.sub(1, overlap), proportion), LEAST_AREA)),
    [overlap, proportion],
  );
  return tf.sub(
    tf.sub(overlap, tf.div(distance, tf.add(diagonal, LEAST_AREA))),
    tf.mul(share, proportion),
  );
}

/** Returns what `of` makes of `inputs`, as something that no gradient flows through. */
export function constantOf(of: (inputs: readonly tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): tf.Tensor {
  const shapes = inputs.map(({ shape }) => shape);
  const constant = tf.customGrad((...args) => {
    // Called with the inputs, and TF.js's function that keeps tensors for the gradient.
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    return { value: of(given), gradFunc: () => shapes.map((shape) => tf.fill(shape, 0)) };
  });
  return constant(...inputs);
}
