import type { MaxPoolGradInputs } from "@tensorflow/tfjs-core";
import { reshape, toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { type PoolAttrs, poolAttrs, poolGeometry } from "./_pool_geometry.ts";
import { defineOp } from "./op.ts";

/**
 * Gradient of max pooling: each dy goes to the first of its window's maxima, in row-major order.
 *
 * Shapes: dy [n, h', w', c], input [n, h, w, c] → [n, h, w, c].
 */
export const maxPoolGrad = defineOp<MaxPoolGradInputs, PoolAttrs>({
  kernel: "MaxPoolGrad",
  lower: (emit, { dy, input }, attrs) => {
    const geometry = poolGeometry(input.shape, attrs);
    const x = toChannelsFirst(emit, input);
    const [, indices] = emit.nodes("MaxPool", [x], poolAttrs(geometry), 2);
    const size = x.shape.reduce((a, b) => a * b, 1);
    const count = dy.shape.reduce((a, b) => a * b, 1);
    const zeros = emit.node("ConstantOfShape", [emit.constant("int64", [1], [size])], {
      value: { dtype: "float32", shape: [1], data: new Float32Array(1) },
    });
    const updates = reshape(emit, toChannelsFirst(emit, dy), [count]);
    // Windows that overlap may choose the same element: their gradients add up.
    const overlap = geometry.strideHeight < geometry.filterHeight || geometry.strideWidth < geometry.filterWidth;
    const dx = emit.node("ScatterElements", [zeros, reshape(emit, indices, [count]), updates], {
      axis: 0,
      ...(overlap ? { reduction: "add" } : {}),
    });
    return toChannelsLast(emit, reshape(emit, dx, x.shape));
  },
});
