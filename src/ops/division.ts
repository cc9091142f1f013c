/** FloorDiv and Mod. */
import type { FloorDivInputs, ModInputs } from "@tensorflow/tfjs-core";
import { cast, needNumbers, scalar } from "./_emit.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

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

/**
 * Mod: the remainder of a / b with the sign of b. Of int32 with b = 0 it is 0.
 *
 * Shapes: a, b any that broadcast → their broadcast shape.
 */
export const mod = defineOp<ModInputs>({
  kernel: "Mod",
  lower: (emit, { a, b }) => {
    needNumbers("Mod", a, b);
    return a.dtype === "int32" ? integerMod(emit, a, b) : floatMod(emit, a, b);
  },
});

/** In int64, with 1 for a divisor of 0: the processor's own division traps on x / 0 and on -2³¹ / -1. */
function integerMod(emit: Emit, a: Value, b: Value): Value {
  const isZero = emit.node("Equal", [b, scalar(emit, "int32", 0)]);
  const divisor = cast(emit, emit.node("Where", [isZero, scalar(emit, "int32", 1), b]), "int64");
  return cast(emit, emit.node("Mod", [cast(emit, a, "int64"), divisor]), "int32");
}

/** In float64, as TF.js computes: rem where the signs agree, else (rem + b) rem b, with the sign of a in each rem. */
function floatMod(emit: Emit, x: Value, y: Value): Value {
  const [a, b] = [cast(emit, x, "float64"), cast(emit, y, "float64")];
  const rest = emit.node("Mod", [a, b], { fmod: 1 });
  const shifted = emit.node("Mod", [emit.node("Add", [rest, b]), b], { fmod: 1 });
  const zero = scalar(emit, "float64", 0);
  const agree = emit.node("Equal", [emit.node("Less", [a, zero]), emit.node("Less", [b, zero])]);
  return cast(emit, emit.node("Where", [agree, rest, shifted]), "float32");
}
