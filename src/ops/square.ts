import type { SquareInputs } from "@tensorflow/tfjs-core";
import { needNumbers } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x·x. Shapes: x any → the same. */
export const square = defineOp<SquareInputs>({
  kernel: "Square",
  lower: (emit, { x }) => {
    needNumbers("Square", x, x);
    return emit.node("Mul", [x, x]);
  },
});
