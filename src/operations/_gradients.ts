/** Operations that TF.js has no gradient for, or a wrong one, with theirs. */
import * as tf from "@tensorflow/tfjs-core";

/** Gives a computation of masks, places or steps the gradient that it has almost everywhere: none. */
export function flat(call: (inputs: readonly tf.Tensor[]) => tf.Tensor): (inputs: readonly tf.Tensor[]) => tf.Tensor {
  return (inputs) =>
    tf.customGrad((...args) => {
      // Called with the inputs, and TF.js's function that keeps tensors for the gradient.
      const given = args.slice(0, inputs.length) as tf.Tensor[];
      // The inputs themselves may be gone by then.
      const shapes = given.map(({ shape }) => shape);
      return { value: call(given), gradFunc: () => shapes.map((shape) => tf.zeros(shape)) };
    })(...inputs);
}

/**
 * Every so many elements of each axis, from the first on.
 *
 * Shapes: [d, …] → [⌈d / step⌉, …].
 * Gradient: back to the elements that were taken.
 */
export function everySoMany(x: tf.Tensor, steps: readonly number[]): tf.Tensor {
  if (steps.every((step) => step === 1)) return x;
  const { shape } = x;
  const take = tf.customGrad((...args) => {
    const [x] = args as [tf.Tensor];
    return {
      value: tf.stridedSlice(x, shape.map(() => 0), [...shape], [...steps]),
      gradFunc: (dy: tf.Tensor) => steps.reduce((y, step, axis) => spread(y, { axis, step, side: shape[axis] }), dy),
    };
  });
  return take(x);
}

/** Puts zeros behind each element of an axis, as many as lie between two that were taken. */
function spread(
  dy: tf.Tensor,
  { axis, step, side }: { readonly axis: number; readonly step: number; readonly side: number },
): tf.Tensor {
  if (step === 1) return dy;
  const count = dy.shape[axis];
  const parted = tf.reshape(dy, dy.shape.toSpliced(axis + 1, 0, 1));
  const filled = tf.pad(parted, parted.shape.map((_, i) => i === axis + 1 ? [0, step - 1] : [0, 0]));
  const joined = tf.reshape(filled, dy.shape.with(axis, count * step));
  return part(joined, { axis, from: 0, count: side });
}

/** Elements before and behind each axis. */
export type Pairs = readonly (readonly [number, number])[];

/**
 * Surrounds x by its mirror image without its outermost elements.
 *
 * Gradient: the sum of what each element is copied to. TF.js's own leaves the copies out.
 */
export function reflected(x: tf.Tensor, paddings: Pairs): tf.Tensor {
  const { shape } = x;
  const reflect = tf.customGrad((...args) => {
    const [x] = args as [tf.Tensor];
    return {
      value: tf.mirrorPad(x, paddings.map(([before, behind]) => [before, behind]), "reflect"),
      gradFunc: (dy: tf.Tensor) =>
        paddings.reduce((y, [before, behind], axis) => folded(y, { axis, before, behind, side: shape[axis] }), dy),
    };
  });
  return reflect(x);
}

/** Adds what lies beyond the ends of an axis to what it mirrors. */
function folded(
  dy: tf.Tensor,
  { axis, before, behind, side }: {
    readonly axis: number;
    readonly before: number;
    readonly behind: number;
    readonly side: number;
  },
): tf.Tensor {
  const back = (from: number, count: number, to: number): readonly tf.Tensor[] => {
    if (count === 0) return [];
    const mirrored = tf.reverse(part(dy, { axis, from, count }), axis);
    return [tf.pad(mirrored, dy.shape.map((_, i) => i === axis ? [to, side - to - count] : [0, 0]))];
  };
  return [...back(0, before, 1), ...back(before + side, behind, side - 1 - behind)]
    .reduce((sum, copies) => tf.add(sum, copies), part(dy, { axis, from: before, count: side }));
}

/**
 * The k largest elements along the last axis, in descending order.
 *
 * Gradient: back to the places that they are from.
 */
export function topValues(x: tf.Tensor, k: number): tf.Tensor {
  const side = x.shape[x.rank - 1];
  const top = tf.customGrad((...args) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const { values, indices } = tf.topk(x, k);
    save([indices]);
    return {
      value: values,
      gradFunc: (dy: tf.Tensor, [indices]: tf.Tensor[]) =>
        tf.sum(tf.mul(tf.cast(tf.oneHot(tf.cast(indices, "int32"), side), "float32"), tf.expandDims(dy, -1)), -2),
    };
  });
  return top(x);
}

function part(
  x: tf.Tensor,
  { axis, from, count }: { readonly axis: number; readonly from: number; readonly count: number },
): tf.Tensor {
  if (from === 0 && count === x.shape[axis]) return x;
  return tf.slice(x, x.shape.map((_, i) => i === axis ? from : 0), x.shape.with(axis, count));
}
