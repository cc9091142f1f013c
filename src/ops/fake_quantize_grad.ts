import { codeOf } from "../numbers/dtype.ts";
import type { QParams } from "../numbers/scheme.ts";
import type { FakeQuantizeAttrs, FakeQuantizeGradInputs } from "../quant/kernel_types.ts";
import { alongAxis } from "./fake_quantize.ts";
import { defineOp, type Emit, type Value } from "./op.ts";

/**
 * Straight-through gradient: dy where round(x / s) + z lies within [qmin, qmax], else 0.
 *
 * Division and rounding are monotone, so that with one scale the question is whether x lies between two real numbers,
 * and those are the same for all elements: four passes over x in place of seven.
 *
 * Shapes: x, dy any, equal → the same.
 */
export const fakeQuantizeGrad = defineOp<FakeQuantizeGradInputs, FakeQuantizeAttrs>({
  kernel: "FakeQuantizeGrad",
  lower: (emit, { x, dy, scale, zeroPoint }, attrs) => {
    if (attrs.qmin === -Infinity && attrs.qmax === Infinity) return emit.node("Identity", [dy]);
    const [value, clipped] = attrs.granularity.kind === "per-tensor"
      ? [x, emit.node("Clip", [x, ...realBounds(emit, { scale, zeroPoint }, attrs)])]
      : clippedCodes(emit, { x, scale, zeroPoint }, attrs);
    const inside = emit.node("Cast", [emit.node("Equal", [clipped, value])], { to: codeOf("float32") });
    return emit.node("Mul", [dy, inside]);
  },
});

/** How many float32 numbers on either side of the rounded bound are tried, in halves; rounding moves it by less than 4. */
const TRIED = 8;

/**
 * Finds the least and the greatest float32 that round to a code within [qmin, qmax].
 *
 * They lie at (q ± 1/2)·s, give or take the rounding of this product and of x / s, and on one or the other side of it
 * depending on which way a tie goes. So the numbers around it, base·(1 + k·2⁻²⁴), are put to the test themselves.
 */
function realBounds(
  emit: Emit,
  { scale, zeroPoint }: QParams<Value>,
  { qmin, qmax }: FakeQuantizeAttrs,
): readonly Value[] {
  const rows = (low: number, high: number) => emit.constant("float32", [2, 1], [low, high]);
  const node = (op: string, ...inputs: Value[]) => emit.node(op, inputs);
  const ends = node("Sub", rows(qmin, qmax), zeroPoint);
  const base = node("Mul", node("Add", ends, rows(-0.5, 0.5)), scale);
  const steps = Array.from({ length: 2 * TRIED + 1 }, (_, i) => (i - TRIED) * 2 ** -24);
  const tried = node("Add", base, node("Mul", base, emit.constant("float32", [1, steps.length], steps)));
  const rounded = node("Round", node("Div", tried, scale));
  const outwards = rows(-1, 1);
  const isInside = node("LessOrEqual", node("Mul", rounded, outwards), node("Mul", ends, outwards));
  // 0 is a code: numbers that are outside become one that is inside.
  const inside = node("Mul", tried, emit.node("Cast", [isInside], { to: codeOf("float32") }));
  return ["ReduceMin", "ReduceMax"].map((op) => emit.node(op, [inside], { keepdims: 0 }));
}

/** The codes of x without the zero point, and the same clipped. */
function clippedCodes(
  emit: Emit,
  { x, scale, zeroPoint }: QParams<Value> & { readonly x: Value },
  { qmin, qmax, granularity }: FakeQuantizeAttrs,
): readonly [Value, Value] {
  const rank = x.shape.length;
  const bound = (q: number) =>
    alongAxis(emit, emit.node("Sub", [emit.constant("float32", [], [q]), zeroPoint]), { granularity, rank });
  const rounded = emit.node("Round", [emit.node("Div", [x, alongAxis(emit, scale, { granularity, rank })])]);
  return [rounded, emit.node("Min", [emit.node("Max", [rounded, bound(qmin)]), bound(qmax)])];
}
