/** Log1p and Expm1, in float64: float32 would lose what these two are there to keep, the digits of a small x. */
import type { Expm1Inputs, Log1pInputs } from "@tensorflow/tfjs-core";
import { cast, needFloat, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives log(1 + x). Shapes: x any → the same. */
export const log1p = defineOp<Log1pInputs>({
  kernel: "Log1p",
  lower: (emit, { x }) => {
    needFloat("Log1p", x);
    const sum = emit.node("Add", [cast(emit, x, "float64"), scalar(emit, "float64", 1)]);
    return cast(emit, emit.node("Log", [sum]), "float32");
  },
});

/** Gives exp(x) - 1. Shapes: x any → the same. */
export const expm1 = defineOp<Expm1Inputs>({
  kernel: "Expm1",
  lower: (emit, { x }) => {
    needFloat("Expm1", x);
    const power = emit.node("Exp", [cast(emit, x, "float64")]);
    return cast(emit, emit.node("Sub", [power, scalar(emit, "float64", 1)]), "float32");
  },
});
