/** Local response normalization over channels, and its gradient. */
import type { LRNAttrs, LRNGradAttrs, LRNGradInputs, LRNInputs } from "@tensorflow/tfjs-core";
import { needFloat, scalar } from "./_emit.ts";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { defineOp } from "./op.ts";

/**
 * Gives x·(bias + alpha·Σ x²)^-beta, the sum over the channels at most depthRadius away.
 *
 * ONNX divides alpha by the number of channels in a full window. Shapes: x [n, h, w, c] → the same.
 */
export const lrn = defineOp<LRNInputs, LRNAttrs>({
  kernel: "LRN",
  lower: (emit, { x }, { depthRadius, bias, alpha, beta }) => {
    needFloat("LRN", x);
    const size = 2 * depthRadius + 1;
    const attrs = { size, bias, beta, alpha: alpha * size };
    return toChannelsLast(emit, emit.node("LRN", [toChannelsFirst(emit, x)], attrs));
  },
});

/**
 * With s = bias + alpha·W·x², W the band matrix that adds up a window of channels, and y = x·s^-beta:
 * dx = dy·s^-beta - 2·alpha·beta·x·W·(dy·y/s), W being its own transpose.
 *
 * Shapes: x, y, dy [n, h, w, c] → the same.
 */
export const lrnGrad = defineOp<LRNGradInputs, LRNGradAttrs>({
  kernel: "LRNGrad",
  lower: (emit, { x, y, dy }, { depthRadius, bias, alpha, beta }) => {
    needFloat("LRNGrad", x, y, dy);
    const channels = x.shape[3];
    const band = (scale: number) =>
      emit.constant(
        "float32",
        [channels, channels],
        Float32Array.from(
          { length: channels * channels },
          (_, i) => Math.abs(i % channels - Math.floor(i / channels)) <= depthRadius ? scale : 0,
        ),
      );
    const sums = emit.node("MatMul", [emit.node("Mul", [x, x]), band(alpha)]);
    const s = emit.node("Add", [sums, scalar(emit, "float32", bias)]);
    const own = emit.node("Mul", [dy, emit.node("Pow", [s, scalar(emit, "float32", -beta)])]);
    const through = emit.node("MatMul", [emit.node("Div", [emit.node("Mul", [dy, y]), s]), band(2 * alpha * beta)]);
    return emit.node("Sub", [own, emit.node("Mul", [x, through])]);
  },
});
