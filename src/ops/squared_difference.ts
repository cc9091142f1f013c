import type { SquaredDifferenceInputs } from "@tensorflow/tfjs-core";
import { needNumbers } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** (a - b)². Shapes: a, b any that broadcast → their broadcast shape. */
export const squaredDifference = defineOp<SquaredDifferenceInputs>({
  kernel: "SquaredDifference",
  lower: (emit, { a, b }) => {
    needNumbers("SquaredDifference", a, b);
    const difference = emit.node("Sub", [a, b]);
    return emit.node("Mul", [difference, difference]);
  },
});
