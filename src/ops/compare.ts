/** Comparisons: two inputs, broadcasting, a bool output. A comparison with NaN is false, NotEqual true. */
import type { BinaryInputs } from "@tensorflow/tfjs-core";
import { cast } from "./_emit.ts";
import { defineOp, type Emit, type Op, Unsupported, type Value } from "./op.ts";

const OPERATORS = {
  Equal: "Equal",
  Greater: "Greater",
  GreaterEqual: "GreaterOrEqual",
  Less: "Less",
  LessEqual: "LessOrEqual",
} as const;

type CompareKernel = keyof typeof OPERATORS | "NotEqual";

function compare(
  emit: Emit,
  kernel: keyof typeof OPERATORS,
  { a, b }: { readonly a: Value; readonly b: Value },
): Value {
  if (a.dtype !== b.dtype) throw new Unsupported(`Cannot compare ${a.dtype} with ${b.dtype}: needed is one dtype`);
  // ONNX orders numbers only.
  const ordered = kernel === "Equal" || a.dtype !== "bool" ? [a, b] : [cast(emit, a, "int32"), cast(emit, b, "int32")];
  return emit.node(OPERATORS[kernel], ordered);
}

function op(kernel: keyof typeof OPERATORS): Op {
  return defineOp<BinaryInputs>({ kernel, lower: (emit, inputs) => compare(emit, kernel, inputs) });
}

/** Ops by kernel. Shapes: a, b any that broadcast → their broadcast shape. */
export const comparisons: Readonly<Record<CompareKernel, Op>> = {
  Equal: op("Equal"),
  Greater: op("Greater"),
  GreaterEqual: op("GreaterEqual"),
  Less: op("Less"),
  LessEqual: op("LessEqual"),
  NotEqual: defineOp<BinaryInputs>({
    kernel: "NotEqual",
    lower: (emit, inputs) => emit.node("Not", [compare(emit, "Equal", inputs)]),
  }),
};
