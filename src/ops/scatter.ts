/** ScatterNd, TensorScatterUpdate, UnsortedSegmentSum. */
import {
  backend_util,
  type ScatterNdAttrs,
  type ScatterNdInputs,
  type TensorScatterUpdateInputs,
  type UnsortedSegmentSumAttrs,
  type UnsortedSegmentSumInputs,
} from "@tensorflow/tfjs-core";
import { sizeOf } from "../onnx/graph.ts";
import { cast, filled, infoOf, isEmpty, reshaped, vector } from "./_emit.ts";
import { addRows } from "./_scatter.ts";
import { defineOp, type Emit, Unsupported, type Value } from "./op.ts";

/**
 * Zeros with `updates` added at `indices`; what has the same place is summed.
 *
 * Shapes: indices [n, k], updates [n, ...shape[k:]] → shape.
 */
export const scatterNd = defineOp<ScatterNdInputs, ScatterNdAttrs>({
  kernel: "ScatterNd",
  lower: (emit, { indices, updates }, { shape }) => {
    if (updates.dtype === "bool") throw new Unsupported(`Cannot lower "ScatterNd" of bool: ONNX adds no bools`);
    if (isEmpty(updates) || sizeOf(shape) === 0) return filled(emit, { dtype: updates.dtype, shape }, 0);
    const { sliceRank, numUpdates, sliceSize } = shapesOf({ indices, updates }, shape);
    const rows = reshaped(emit, updates, [numUpdates, sliceSize]);
    const flat = flattened(emit, reshaped(emit, indices, [numUpdates, sliceRank]), shape.slice(0, sliceRank));
    return reshaped(emit, addRows(emit, { rows, indices: flat }, sizeOf(shape) / sliceSize), shape);
  },
});

/**
 * `tensor` with `updates` in the place of what was at `indices`. Of two updates of one place either may stay.
 *
 * Shapes: tensor any, indices [n, k], updates [n, ...tensor.shape[k:]] → tensor.shape.
 */
export const tensorScatterUpdate = defineOp<TensorScatterUpdateInputs>({
  kernel: "TensorScatterUpdate",
  lower: (emit, { tensor, indices, updates }) => {
    if (isEmpty(updates) || isEmpty(tensor)) return tensor;
    const { sliceRank, numUpdates } = shapesOf({ indices, updates }, tensor.shape);
    const shape = [numUpdates, ...tensor.shape.slice(sliceRank)];
    const values = updates.shape.length === 0
      ? emit.node("Expand", [updates, vector(emit, shape)])
      : reshaped(emit, updates, shape);
    const at = cast(emit, reshaped(emit, indices, [numUpdates, sliceRank]), "int64");
    return emit.node("ScatterND", [tensor, at, values]);
  },
});

function shapesOf(
  { indices, updates }: { readonly indices: Value; readonly updates: Value },
  shape: readonly number[],
) {
  return backend_util.calculateShapes(infoOf(updates), infoOf(indices), [...shape]);
}

/** Turns index vectors [n, k] into the numbers [n] of elements of a row-major tensor of `shape`. */
function flattened(emit: Emit, indices: Value, shape: readonly number[]): Value {
  const whole = cast(emit, indices, "int32");
  if (shape.length === 1) return reshaped(emit, whole, [indices.shape[0]]);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const steps = emit.node("Mul", [whole, emit.constant("int32", [strides.length], strides)]);
  return emit.node("ReduceSum", [steps, vector(emit, [1])], { keepdims: 0 });
}

/**
 * Sums of the rows of x that have the same segment; rows of segments outside [0, numSegments) are left out.
 *
 * The gradient of GatherV2. float32 whatever comes in. Shapes: x [n, ...], segmentIds [n] → [numSegments, ...].
 */
export const unsortedSegmentSum = defineOp<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>({
  kernel: "UnsortedSegmentSum",
  lower: (emit, { x, segmentIds }, { numSegments }) => {
    if (segmentIds.shape.length !== 1) {
      throw new Unsupported(
        `Cannot lower "UnsortedSegmentSum" with segments of shape [${segmentIds.shape}]: needed is a vector`,
      );
    }
    const [n, ...rest] = x.shape;
    const shape = [numSegments, ...rest];
    if (isEmpty(x)) return filled(emit, { dtype: "float32", shape }, 0);
    const rows = reshaped(emit, cast(emit, x, "float32"), [n, sizeOf(rest)]);
    return reshaped(emit, addRows(emit, { rows, indices: cast(emit, segmentIds, "int32") }, numSegments), shape);
  },
});
