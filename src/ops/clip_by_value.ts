import type { ClipByValueAttrs, ClipByValueInputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives min(max(x, clipValueMin), clipValueMax); NaN stays NaN. Shapes: x any → the same. */
export const clipByValue = defineOp<ClipByValueInputs, ClipByValueAttrs>({
  kernel: "ClipByValue",
  lower: (emit, { x }, { clipValueMin, clipValueMax }) => {
    if (x.dtype !== "int32") needFloat("ClipByValue", x);
    // TF.js writes a bound that it clips to into an Int32Array, which truncates it.
    const bound = (value: number) => scalar(emit, x.dtype, x.dtype === "int32" ? clampInt32(value) : value);
    return emit.node("Clip", [x, bound(clipValueMin), bound(clipValueMax)]);
  },
});

function clampInt32(value: number): number {
  return Math.trunc(Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1));
}
