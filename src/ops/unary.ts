/** Kernels of one input that are computed element by element, most by one ONNX operator of the same name. */
import type { UnaryInputs } from "@tensorflow/tfjs-core";
import { needFloat } from "./_emit.ts";
import { emitElu, emitSelu, emitSigmoid } from "./_accurate.ts";
import { defineOp, type Op } from "./op.ts";

/** Kernels that TF.js gives float32 (it truncates an int32 result, which no ONNX operator does). */
const FLOAT = [
  "Acos",
  "Acosh",
  "Asin",
  "Asinh",
  "Atan",
  "Atanh",
  "Cos",
  "Cosh",
  "Erf",
  "Exp",
  "Log",
  "Reciprocal",
  "Sin",
  "Sinh",
  "Softplus",
  "Sqrt",
  "Tanh",
] as const;

/** Kernels that are defined on int32 as well. */
const NUMERIC = ["Abs", "Neg", "Relu"] as const;

/** Kernels that leave integers as they are. */
const ROUNDING = ["Ceil", "Floor", "Round"] as const;

/** Kernels that several operators compute more accurately than their own. */
const ACCURATE = { Elu: emitElu, Selu: emitSelu, Sigmoid: emitSigmoid } as const;

type UnaryKernel = keyof typeof ACCURATE | (typeof FLOAT | typeof NUMERIC | typeof ROUNDING)[number];

function float(kernel: string): Op {
  return defineOp<UnaryInputs>({
    kernel,
    lower: (emit, { x }) => {
      needFloat(kernel, x);
      return emit.node(kernel, [x]);
    },
  });
}

function accurate(kernel: keyof typeof ACCURATE): Op {
  return defineOp<UnaryInputs>({
    kernel,
    lower: (emit, { x }) => {
      needFloat(kernel, x);
      return ACCURATE[kernel](emit, x);
    },
  });
}

function numeric(kernel: string): Op {
  return defineOp<UnaryInputs>({
    kernel,
    lower: (emit, { x }) => {
      if (x.dtype !== "int32") needFloat(kernel, x);
      return emit.node(kernel, [x]);
    },
  });
}

function rounding(kernel: string): Op {
  return defineOp<UnaryInputs>({
    kernel,
    lower: (emit, { x }) => x.dtype === "float32" ? emit.node(kernel, [x]) : x,
  });
}

function rows<K extends string>(kernels: readonly K[], make: (kernel: string) => Op): Record<K, Op> {
  // Every key of `kernels` is given a value.
  return Object.fromEntries(kernels.map((kernel) => [kernel, make(kernel)])) as Record<K, Op>;
}

/** Ops by kernel. Shapes: x any → the same. */
export const unary: Readonly<Record<UnaryKernel, Op>> = {
  ...rows(FLOAT, float),
  ...rows(NUMERIC, numeric),
  ...rows(ROUNDING, rounding),
  Elu: accurate("Elu"),
  Selu: accurate("Selu"),
  Sigmoid: accurate("Sigmoid"),
};
