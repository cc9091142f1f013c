/** ArgMax and ArgMin. */
import { util } from "@tensorflow/tfjs-core";
import { cast } from "./_emit.ts";
import { defineOp, type Op, type Value } from "./op.ts";

function op(kernel: "ArgMax" | "ArgMin"): Op {
  return defineOp<{ readonly x: Value }, { readonly axis: number }>({
    kernel,
    lower: (emit, { x }, attrs) => {
      const [axis] = util.parseAxisParam(attrs.axis, [...x.shape]);
      const value = x.dtype === "bool" ? cast(emit, x, "int32") : x;
      return cast(emit, emit.node(kernel, [value], { axis, keepdims: 0 }), "int32");
    },
  });
}

/** Index of the greatest element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMax = op("ArgMax");

/** Index of the least element along `axis`, the first of equal ones. Shapes: x [a, n, b] → [a, b] for axis 1. */
export const argMin = op("ArgMin");
