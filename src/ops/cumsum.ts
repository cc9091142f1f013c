import type { CumsumAttrs, CumsumInputs } from "@tensorflow/tfjs-core";
import { cast, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Running sums along `axis`. Shapes: x any → the same. */
export const cumsum = defineOp<CumsumInputs, CumsumAttrs>({
  kernel: "Cumsum",
  lower: (emit, { x }, { axis, exclusive, reverse }) => {
    const value = x.dtype === "bool" ? cast(emit, x, "int32") : x;
    const from = axis < 0 ? axis + x.shape.length : axis;
    return emit.node("CumSum", [value, scalar(emit, "int64", from)], { exclusive: +exclusive, reverse: +reverse });
  },
});
