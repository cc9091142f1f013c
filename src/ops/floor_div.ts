import type { FloorDivInputs } from "@tensorflow/tfjs-core";
import { cast, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/**
 * ⌊a / b⌋ as int32, computed in float64 as TF.js does; what int32 cannot hold, a division by 0 first of all, gives 0.
 *
 * An integer division by 0 would end the process. Shapes: a, b any that broadcast → their broadcast shape.
 */
export const floorDiv = defineOp<FloorDivInputs>({
  kernel: "FloorDiv",
  lower: (emit, { a, b }) => {
    const quotient = emit.node("Div", [cast(emit, a, "float64"), cast(emit, b, "float64")]);
    const floor = emit.node("Floor", [quotient]);
    const fits = emit.node("LessOrEqual", [emit.node("Abs", [floor]), scalar(emit, "float64", 2 ** 31)]);
    return cast(emit, emit.node("Where", [fits, floor, scalar(emit, "float64", 0)]), "int32");
  },
});
