import { codeOf } from "../onnx/dtype.ts";
import type { FakeQuantizeAttrs, FakeQuantizeGradInputs } from "../quant/kernel_types.ts";
import { alongAxis } from "./fake_quantize.ts";
import { defineOp } from "./op.ts";

/**
 * Straight-through gradient: dy where round(x / s) + z lies within [qmin, qmax], else 0.
 *
 * Shapes: x, dy any, equal → the same.
 */
export const fakeQuantizeGrad = defineOp<FakeQuantizeGradInputs, FakeQuantizeAttrs>({
  kernel: "FakeQuantizeGrad",
  lower: (emit, { x, dy, scale, zeroPoint }, { qmin, qmax, axis }) => {
    const rank = x.shape.length;
    const bound = (q: number) =>
      alongAxis(emit, emit.node("Sub", [emit.constant("float32", [], [q]), zeroPoint]), { axis, rank });
    const rounded = emit.node("Round", [emit.node("Div", [x, alongAxis(emit, scale, { axis, rank })])]);
    const clipped = emit.node("Min", [emit.node("Max", [rounded, bound(qmin)]), bound(qmax)]);
    const inside = emit.node("Cast", [emit.node("Equal", [rounded, clipped])], { to: codeOf("float32") });
    return emit.node("Mul", [dy, inside]);
  },
});
