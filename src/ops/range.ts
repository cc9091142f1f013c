/** Range and LinSpace: kernels without inputs, whose result is a constant. */
import type { LinSpaceAttrs, RangeAttrs } from "@tensorflow/tfjs-core";
import { allocate, type TypedArray } from "../numbers/dtype.ts";
import { defineOp } from "./op.ts";

/**
 * Gives start, start + step, … up to but not including stop.
 *
 * TF.js's rules: a range that never reaches `stop` is empty, and a step of 1 becomes -1 for a descending range.
 */
export const range = defineOp<Record<never, never>, RangeAttrs>({
  kernel: "Range",
  lower: (emit, _, { start, stop, step, dtype }) => {
    const never = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
    const length = never ? 0 : Math.abs(Math.ceil((stop - start) / step));
    const sign = stop < start && step === 1 ? -1 : 1;
    const numbers: Running = { dtype: dtype ?? "float32", start, step: sign * step, length };
    return emit.constant(numbers.dtype, [length], running(numbers));
  },
});

/** `num` numbers from start to stop at equal distances, both included. */
export const linSpace = defineOp<Record<never, never>, LinSpaceAttrs>({
  kernel: "LinSpace",
  lower: (emit, _, { start, stop, num }) => {
    const step = (stop - start) / (num - 1);
    return emit.constant("float32", [num], running({ dtype: "float32", start, step, length: num }));
  },
});

interface Running {
  readonly dtype: "float32" | "int32";
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** Adds `step` to the element before, rounded to the dtype each time, as TF.js does. */
function running({ dtype, start, step, length }: Running): TypedArray {
  const values = allocate(dtype, length);
  values[0] = start;
  for (let i = 1; i < length; i++) values[i] = Number(values[i - 1]) + step;
  return values;
}
