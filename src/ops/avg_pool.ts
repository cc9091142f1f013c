import type { AvgPoolInputs } from "@tensorflow/tfjs-core";
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
