/** AvgPool, its gradient, and MaxPool, whose gradient has a file of its own. */
import type { AvgPoolGradInputs, AvgPoolInputs, MaxPoolInputs } from "@tensorflow/tfjs-core";
import { emitTransposed } from "./_conv_geometry.ts";
import { inChannelsFirst } from "./_layout.ts";
import { type PoolAttrs, poolAttrs, poolGeometry } from "./_pool_geometry.ts";
import { defineOp } from "./op.ts";

/** Mean over windows; padding does not count. Shapes: x [n, h, w, c] → [n, h', w', c]. */
export const avgPool = defineOp<AvgPoolInputs, PoolAttrs>({
  kernel: "AvgPool",
  lower: (emit, { x }, attrs) => {
    const geometry = poolGeometry(x.shape, attrs);
    const pool = { ...poolAttrs(geometry), count_include_pad: 0 };
    return inChannelsFirst(emit, { x }, (x) => emit.node("AveragePool", [x], pool));
  },
});

/**
 * Gradient of average pooling as TF.js defines it: dy / (kh·kw), added to every element of its window.
 *
 * TF.js divides by the window's full size also where the window reaches over the border (its AvgPoolGrad kernels on
 * cpu, webgl and wasm), while the forward pass counts only what lies inside.
 *
 * Shapes: dy [n, h', w', c], input [n, h, w, c] → [n, h, w, c].
 */
export const avgPoolGrad = defineOp<AvgPoolGradInputs, PoolAttrs>({
  kernel: "AvgPoolGrad",
  lower: (emit, { dy, input }, attrs) => {
    const g = poolGeometry(input.shape, attrs);
    const taps = g.filterHeight * g.filterWidth;
    const shape = [g.inChannels, 1, g.filterHeight, g.filterWidth];
    const spread = emit.constant("float32", shape, new Float32Array(g.inChannels * taps).fill(1 / taps));
    return inChannelsFirst(
      emit,
      { x: dy },
      (dy) => emitTransposed(emit, { dy, filter: spread, group: g.inChannels }, g),
    );
  },
});

/** Maximum over windows. Shapes: x [n, h, w, c] → [n, h', w', c]. */
export const maxPool = defineOp<MaxPoolInputs, PoolAttrs>({
  kernel: "MaxPool",
  lower: (emit, { x }, attrs) => {
    const geometry = poolGeometry(x.shape, attrs);
    return inChannelsFirst(emit, { x }, (x) => emit.node("MaxPool", [x], poolAttrs(geometry)));
  },
});
