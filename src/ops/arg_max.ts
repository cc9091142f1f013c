/** ArgMax and ArgMin. */
import { util } from "@tensorflow/tfjs-core";
import { cast, scalar } from "./_emit.ts";
import { defineOp, type Emit, type Op, type Value } from "./op.ts";

function op(kernel: "ArgMax" | "ArgMin"): Op {
  return defineOp<{ readonly x: Value }, { readonly axis: number }>({
    kernel,
    lower: (emit, { x }, attrs) => {
      const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
      const value = x.dtype === "float32" ? withoutNan(emit, x, kernel === "ArgMax" ? -Infinity : Infinity) : x;
      const numbers = x.dtype === "bool" ? cast(emit, x, "int32") : value;
      return cast(emit, emit.node(kernel, [numbers], { axis, keepdims: 0 }), "int32");
    },
  });
}

/** TF.js never chooses a NaN. The exporter drops this again, see passes/drop_nan_guards.ts. */
function withoutNan(emit: Emit, x: Value, instead: number): Value {
  return emit.node("Where", [emit.node("IsNaN", [x]), scalar(emit, "float32", instead), x]);
}

/** Index of the greatest element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMax = op("ArgMax");

/** Index of the least element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMin = op("ArgMin");
