import { type SelectInputs, upcastType } from "@tensorflow/tfjs-core";
import type { DType } from "../numbers/dtype.ts";
import { cast, reshaped } from "./_emit.ts";
import { defineOp, type Value } from "./op.ts";

/**
 * Gives t where the condition holds, else e; a condition of rank 1 chooses whole rows.
 *
 * Shapes: t, e [n, ...], condition the same or [n] → the same.
 */
export const select = defineOp<SelectInputs>({
  kernel: "Select",
  lower: (emit, { condition, t, e }) => {
    const rank = t.shape.length;
    const rows = condition.shape.length === 1 && rank > 1
      ? reshaped(emit, condition, [...condition.shape, ...new Array<number>(rank - 1).fill(1)])
      : condition;
    // The dtypes of TF.js that get here have the same names in ONNX.
    const dtype = upcastType(kernelType(t), kernelType(e)) as DType;
    // ONNX Runtime has no Where of bools.
    const computed = dtype === "bool" ? "uint8" : dtype;
    return cast(
      emit,
      emit.node("Where", [cast(emit, rows, "bool"), cast(emit, t, computed), cast(emit, e, computed)]),
      dtype,
    );
  },
});

function kernelType({ dtype }: Value): "float32" | "int32" | "bool" {
  return dtype === "int32" || dtype === "bool" ? dtype : "float32";
}
