/** Kernels that answer with bools: LogicalAnd, LogicalNot, LogicalOr, LogicalXor, IsFinite, IsInf, IsNan. */
import type { BinaryInputs, UnaryInputs } from "@tensorflow/tfjs-core";
import { cast, filled, scalar } from "./_emit.ts";
import { defineOp, type Emit, type Op, type Value } from "./op.ts";

const OPERATORS = { LogicalAnd: "And", LogicalOr: "Or", LogicalXor: "Xor" } as const;

type LogicalKernel = keyof typeof OPERATORS | "LogicalNot";

function op(kernel: keyof typeof OPERATORS): Op {
  return defineOp<BinaryInputs>({
    kernel,
    lower: (emit, { a, b }) => emit.node(OPERATORS[kernel], [cast(emit, a, "bool"), cast(emit, b, "bool")]),
  });
}

/** Ops by kernel. Shapes: a, b any that broadcast → their broadcast shape. */
export const logical: Readonly<Record<LogicalKernel, Op>> = {
  LogicalAnd: op("LogicalAnd"),
  LogicalNot: defineOp<UnaryInputs>({
    kernel: "LogicalNot",
    lower: (emit, { x }) => emit.node("Not", [cast(emit, x, "bool")]),
  }),
  LogicalOr: op("LogicalOr"),
  LogicalXor: op("LogicalXor"),
};

type ClassifyKernel = "IsFinite" | "IsInf" | "IsNan";

function classifier(kernel: ClassifyKernel, lower: (emit: Emit, x: Value) => Value): Op {
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
  IsFinite: classifier(
    "IsFinite",
    (emit, x) => emit.node("Less", [emit.node("Abs", [x]), scalar(emit, "float32", Infinity)]),
  ),
  IsInf: classifier("IsInf", (emit, x) => emit.node("IsInf", [x])),
  IsNan: classifier("IsNan", (emit, x) => emit.node("IsNaN", [x])),
};
