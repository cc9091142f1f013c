/** Steps between TF.js's layouts and ONNX's, around operators that want channels first. */
import type { Emit, Value } from "./op.ts";

/** [n, h, w, c] → [n, c, h, w]; a layout pass removes what cancels. */
export function toChannelsFirst(emit: Emit, x: Value): Value {
  return emit.node("Transpose", [x], { perm: [0, 3, 1, 2] });
}

/** [n, c, h, w] → [n, h, w, c]. */
export function toChannelsLast(emit: Emit, x: Value): Value {
  return emit.node("Transpose", [x], { perm: [0, 2, 3, 1] });
}

/** Runs `fn` on `x` in channels-first order, whichever of TF.js's data formats it comes in. */
export function inChannelsFirst(
  emit: Emit,
  options: { readonly x: Value; readonly dataFormat?: string },
  fn: (x: Value) => Value,
): Value {
  if (options.dataFormat === "NCHW") return fn(options.x);
  return toChannelsLast(emit, fn(toChannelsFirst(emit, options.x)));
}

/** Adds up `x` over `axes`. */
export function reduceSum(
  emit: Emit,
  x: Value,
  options: { readonly axes: readonly number[]; readonly keepdims?: 0 | 1 },
): Value {
  const { axes, keepdims = 0 } = options;
  return emit.node("ReduceSum", [x, emit.constant("int64", [axes.length], axes)], { keepdims });
}

/** Cuts a channels-first picture off at `ends`. */
export function cropped(emit: Emit, x: Value, ends: readonly [number, number]): Value {
  if (ends[0] === x.shape[2] && ends[1] === x.shape[3]) return x;
  const ints = (values: readonly number[]) => emit.constant("int64", [2], values);
  return emit.node("Slice", [x, ints([0, 0]), ints(ends), ints([2, 3])]);
}
