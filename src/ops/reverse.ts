/** Reverse and FlipLeftRight. */
import { type FlipLeftRightInputs, type ReverseAttrs, type ReverseInputs, util } from "@tensorflow/tfjs-core";
import { vector } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** Gives x with the order of its elements turned round along `dims`. Shapes: x any → the same. */
export const reverse = defineOp<ReverseInputs, ReverseAttrs>({
  kernel: "Reverse",
  lower: (emit, { x }, { dims }) => turned(emit, x, util.parseAxisParam(dims, [...x.shape])),
});

/** Images mirrored. Shapes: image [n, h, w, c] → the same. */
export const flipLeftRight = defineOp<FlipLeftRightInputs>({
  kernel: "FlipLeftRight",
  lower: (emit, { image }) => turned(emit, image, [2]),
});

/** Turns the order of elements round along `axes`. Shapes: x any → the same. */
export function turned(emit: Emit, x: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return x;
  const starts = axes.map(() => -1);
  // One before the first element, counted from the end: -1 would be the last.
  const ends = axes.map((axis) => -x.shape[axis] - 1);
  return emit.node("Slice", [x, vector(emit, starts), vector(emit, ends), vector(emit, axes), vector(emit, starts)]);
}
