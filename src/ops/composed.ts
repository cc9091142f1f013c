/** Elementwise kernels that several ONNX operators compute: Rsqrt, Sign, Square, SquaredDifference, Step, Tan, Log1p, Expm1. */
import type {
  Expm1Inputs,
  Log1pInputs,
  RsqrtInputs,
  SignInputs,
  SquaredDifferenceInputs,
  SquareInputs,
  StepAttrs,
  StepInputs,
  TanInputs,
} from "@tensorflow/tfjs-core";
import { cast, needFloat, needNumbers, scalar } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/** 1 / √x. Shapes: x any → the same. */
export const rsqrt = defineOp<RsqrtInputs>({
  kernel: "Rsqrt",
  lower: (emit, { x }) => {
    needFloat("Rsqrt", x);
    return emit.node("Reciprocal", [emit.node("Sqrt", [x])]);
  },
});

/** -1, 0 or 1. The sign of NaN is 0, where ONNX Runtime's is NaN. Shapes: x any → the same. */
export const sign = defineOp<SignInputs>({
  kernel: "Sign",
  lower: (emit, { x }) => {
    if (x.dtype === "int32") return emit.node("Sign", [x]);
    needFloat("Sign", x);
    return emit.node("Where", [emit.node("IsNaN", [x]), scalar(emit, "float32", 0), emit.node("Sign", [x])]);
  },
});

/** Gives x·x. Shapes: x any → the same. */
export const square = defineOp<SquareInputs>({
  kernel: "Square",
  lower: (emit, { x }) => {
    needNumbers("Square", x, x);
    return emit.node("Mul", [x, x]);
  },
});

/** (a - b)². Shapes: a, b any that broadcast → their broadcast shape. */
export const squaredDifference = defineOp<SquaredDifferenceInputs>({
  kernel: "SquaredDifference",
  lower: (emit, { a, b }) => {
    needNumbers("SquaredDifference", a, b);
    const difference = emit.node("Sub", [a, b]);
    return emit.node("Mul", [difference, difference]);
  },
});

/** The largest float32: times it, every normal positive number is 1 or more. */
const STEEPEST = 2 ** 128 * (1 - 2 ** -24);

/**
 * 1 where x > 0, else alpha: the derivative of Relu (alpha = 0) and of Abs (alpha = -1). Of NaN it is NaN.
 *
 * HardSigmoid is max(0, min(1, alpha·x)): one pass that keeps NaN and costs no more than Greater and Cast, which lose
 * it. Between 0 and 2.9e-39 (subnormal numbers) it climbs from 0 to 1. Shapes: x any → the same.
 */
export const step = defineOp<StepInputs, StepAttrs>({
  kernel: "Step",
  lower: (emit, { x }, { alpha }) => {
    needFloat("Step", x);
    const positive = emit.node("HardSigmoid", [x], { alpha: STEEPEST, beta: 0 });
    if (alpha === 0) return positive;
    const scaled = emit.node("Mul", [positive, scalar(emit, "float32", 1 - alpha)]);
    return emit.node("Add", [scaled, scalar(emit, "float32", alpha)]);
  },
});

/**
 * Tangent, as sin / cos in float64.
 *
 * ONNX Runtime's own Tan is off in the last digit where the result is large: tan(-470910674) = 30144.178 in place of
 * 30144.176. TF.js computes with JavaScript's float64 numbers. Shapes: x any → the same.
 */
export const tan = defineOp<TanInputs>({
  kernel: "Tan",
  lower: (emit, { x }) => {
    needFloat("Tan", x);
    const wide = cast(emit, x, "float64");
    return cast(emit, emit.node("Div", [emit.node("Sin", [wide]), emit.node("Cos", [wide])]), "float32");
  },
});

/** In float64 1 + x and exp(x) lose the last digits of smaller numbers, of which both functions are x to 5e-9. */
const TINY = 1e-8;

/** Gives x where it is tiny, else `value`, both float64, as float32. */
function unlessTiny(emit: Emit, x: Value, value: Value): Value {
  const isTiny = emit.node("Less", [emit.node("Abs", [x]), scalar(emit, "float64", TINY)]);
  return cast(emit, emit.node("Where", [isTiny, x, value]), "float32");
}

/** Gives log(1 + x). Shapes: x any → the same. */
export const log1p = defineOp<Log1pInputs>({
  kernel: "Log1p",
  lower: (emit, { x }) => {
    needFloat("Log1p", x);
    const wide = cast(emit, x, "float64");
    return unlessTiny(emit, wide, emit.node("Log", [emit.node("Add", [wide, scalar(emit, "float64", 1)])]));
  },
});

/** Gives exp(x) - 1. Shapes: x any → the same. */
export const expm1 = defineOp<Expm1Inputs>({
  kernel: "Expm1",
  lower: (emit, { x }) => {
    needFloat("Expm1", x);
    const wide = cast(emit, x, "float64");
    return unlessTiny(emit, wide, emit.node("Sub", [emit.node("Exp", [wide]), scalar(emit, "float64", 1)]));
  },
});
