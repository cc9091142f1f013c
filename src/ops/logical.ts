/** Logic on bools, with broadcasting. */
import type { BinaryInputs, UnaryInputs } from "@tensorflow/tfjs-core";
import { cast } from "./_emit.ts";
import { defineOp, type Op } from "./op.ts";

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
