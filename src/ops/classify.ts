/** IsNan, IsInf, IsFinite: a float32 input, a bool output of the same shape. */
import type { UnaryInputs } from "@tensorflow/tfjs-core";
import { filled, scalar } from "./_emit.ts";
import { defineOp, type Emit, type Op, type Value } from "./op.ts";

type ClassifyKernel = "IsFinite" | "IsInf" | "IsNan";

function op(kernel: ClassifyKernel, lower: (emit: Emit, x: Value) => Value): Op {
  return defineOp<UnaryInputs>({
    kernel,
    lower: (emit, { x }) => {
      // Integers and bools are all finite.
      if (x.dtype !== "float32") return filled(emit, { dtype: "bool", shape: x.shape }, kernel === "IsFinite" ? 1 : 0);
      return lower(emit, x);
    },
  });
}

/** Ops by kernel. */
export const classify: Readonly<Record<ClassifyKernel, Op>> = {
  IsFinite: op(
    "IsFinite",
    (emit, x) => emit.node("Less", [emit.node("Abs", [x]), scalar(emit, "float32", Infinity)]),
  ),
  IsInf: op("IsInf", (emit, x) => emit.node("IsInf", [x])),
  IsNan: op("IsNan", (emit, x) => emit.node("IsNaN", [x])),
};
