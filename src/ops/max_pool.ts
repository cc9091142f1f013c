import type { MaxPoolInputs } from "@tensorflow/tfjs-core";
import { inChannelsFirst } from "./_layout.ts";
import { type PoolAttrs, poolAttrs, poolGeometry } from "./_pool_geometry.ts";
import { defineOp } from "./op.ts";

/** Maximum over windows. Shapes: x [n, h, w, c] → [n, h', w', c]. */
export const maxPool = defineOp<MaxPoolInputs, PoolAttrs>({
  kernel: "MaxPool",
  lower: (emit, { x }, attrs) => {
    const geometry = poolGeometry(x.shape, attrs);
    return inChannelsFirst(emit, { x }, (x) => emit.node("MaxPool", [x], poolAttrs(geometry)));
  },
});
