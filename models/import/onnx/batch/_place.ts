/**
 * Where a value of an ONNX file has its batch.
 *
 * PyTorch's recurrent nets have steps before samples, [t, n, c]; its attention joins samples and heads in one axis,
 * [n · heads, t, d], and its products join steps and samples, [t · n, c]. TF.js's layers have the batch first. So each value
 * is given a form with the batch as axis 0 and every other axis behind it in the file's order; an axis that the batch
 * shares is parted:
 *
 *     in the file         batch is                      here
 *     [t, n, c]           axis 1                        [n, t, c]
 *     [n · heads, t, d]   axis 0, heads behind it       [n, heads, t, d]
 *     [t · n, c]          axis 0, t before it           [n, t, c]
 */
import { sizeOf, type Tensor } from "../../../../src/onnx/graph.ts";
import type { Batch } from "../_value.ts";

/** A value's shape in the file, and where its batch is. */
export interface Placed {
  readonly shape: readonly number[];
  readonly batch: Batch;
}

/** The batch as an axis of its own. */
export function whole(axis: number): Batch {
  return { axis, before: 1, after: 1 };
}

/** Whether the batch is axis 0, all of it. */
export function isFirst({ axis, before, after }: Batch): boolean {
  return axis === 0 && before === 1 && after === 1;
}

/** Whether two batches are parts of as many elements of one axis. */
export function isSameBatch(a: Batch, b: Batch): boolean {
  return a.axis === b.axis && a.before === b.before && a.after === b.after;
}

/** How many samples there are. */
export function samplesOf({ shape, batch: { axis, before, after } }: Placed): number {
  return shape[axis] / (before * after);
}

/** Returns the shape with the batch first. */
export function shapeFirst(placed: Placed): readonly number[] {
  const { shape, batch } = placed;
  return [samplesOf(placed), ...shape.flatMap((side, axis) => axis === batch.axis ? restOf(batch) : [side])];
}

/** The axes that are left of one which the batch has a part of. */
function restOf({ before, after }: Batch): readonly number[] {
  return [before, after].filter((side) => side > 1);
}

/** Returns, for each axis of the file, the axes that it is with the batch first: none of the batch, two of one around it. */
export function axesFirst({ shape, batch }: Placed): readonly (readonly number[])[] {
  let next = 1;
  return shape.map((_, axis) => axis === batch.axis ? restOf(batch).map(() => next++) : [next++]);
}

/**
 * Finds the batch behind a reshape: it keeps as many elements before it as there were.
 *
 * @param to The new shape.
 * @returns undefined if the batch would be torn.
 */
export function reshaped(from: Placed, to: readonly number[]): Batch | undefined {
  const n = samplesOf(from);
  const { axis, before } = from.batch;
  const ahead = sizeOf(from.shape.slice(0, axis)) * before;
  const found: Batch[] = [];
  let passed = 1;
  for (const [axis, side] of to.entries()) {
    const before = ahead / passed;
    if (Number.isInteger(before) && side % (before * n) === 0) found.push({ axis, before, after: side / (before * n) });
    passed *= side;
  }
  // A single sample could be anywhere: an axis of its own is what it was meant to be.
  return found.find(({ before, after }) => before * after === 1) ?? found[0];
}

/**
 * Lays a constant out as a value is with its batch first.
 *
 * @param value What it is joined with, its axes counted from the last.
 * @returns undefined if it has another number of elements along the batch's axis.
 */
export function constantFirst(tensor: Tensor, value: Placed): Tensor | undefined {
  const rank = value.shape.length;
  const { axis, before, after } = value.batch;
  const missing = rank - tensor.shape.length;
  // Axes behind the batch's stay the last ones.
  if (missing > axis || sizeOf(tensor.shape) === 1) return tensor;
  const shape = [...new Array<number>(missing).fill(1), ...tensor.shape];
  const own = shape[axis] === 1 ? [1, 1, 1] : [before, samplesOf(value), after];
  if (sizeOf(own) !== shape[axis]) return undefined;
  const parted = [...shape.slice(0, axis), ...own, ...shape.slice(axis + 1)];
  const rest = [[axis, before], [axis + 2, after]].filter(([, side]) => side > 1).map(([place]) => place);
  const order = [
    axis + 1,
    ...shape.flatMap((_, i) => i === axis ? rest : [i < axis ? i : i + 2]),
  ];
  return permuted({ ...tensor, shape: parted }, order);
}

/** Returns a value's elements with the batch first. */
export function elementsFirst(tensor: Tensor, batch: Batch): Tensor {
  return constantFirst(tensor, { shape: tensor.shape, batch }) ?? tensor;
}

/** Moves the axes of a tensor: `order` lists those that stay, as they then are; others have one element. */
export function permuted({ dtype, shape, data }: Tensor, order: readonly number[]): Tensor {
  const steps = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sides = order.map((axis) => shape[axis]);
  const moved = data.slice();
  for (let i = 0; i < moved.length; i++) {
    let [left, from] = [i, 0];
    for (let k = sides.length - 1; k >= 0; k--) {
      from += left % sides[k] * steps[order[k]];
      left = Math.floor(left / sides[k]);
    }
    moved[i] = data[from];
  }
  return { dtype, shape: sides, data: moved };
}
