/** Kernels of two inputs that one ONNX operator computes, element by element, with broadcasting. */
import type { BinaryInputs } from "@tensorflow/tfjs-core";
import { needFloat, needNumbers } from "./_emit.ts";
import { defineOp, type Op } from "./op.ts";

const NUMERIC = { Add: "Add", Maximum: "Max", Minimum: "Min", Multiply: "Mul", Sub: "Sub" } as const;

/** Kernels whose int32 form TF.js truncates or wraps as no ONNX operator does. */
const FLOAT = { Pow: "Pow", RealDiv: "Div" } as const;

type BinaryKernel = keyof typeof NUMERIC | keyof typeof FLOAT;

function numeric(kernel: keyof typeof NUMERIC): Op {
  return defineOp<BinaryInputs>({
    kernel,
    lower: (emit, { a, b }) => {
      needNumbers(kernel, a, b);
      return emit.node(NUMERIC[kernel], [a, b]);
    },
  });
}

function float(kernel: keyof typeof FLOAT): Op {
  return defineOp<BinaryInputs>({
    kernel,
    lower: (emit, { a, b }) => {
      needFloat(kernel, a, b);
      return emit.node(FLOAT[kernel], [a, b]);
    },
  });
}

/** Ops by kernel. Shapes: a, b any that broadcast → their broadcast shape. */
export const binary: Readonly<Record<BinaryKernel, Op>> = {
  Add: numeric("Add"),
  Maximum: numeric("Maximum"),
  Minimum: numeric("Minimum"),
  Multiply: numeric("Multiply"),
  Pow: float("Pow"),
  RealDiv: float("RealDiv"),
  Sub: numeric("Sub"),
};
