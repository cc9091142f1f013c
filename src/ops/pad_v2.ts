import type { PadV2Attrs, PadV2Inputs } from "@tensorflow/tfjs-core";
import { scalar, vector } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Surrounds x by `constantValue`. Shapes: x [d, ...] → [before + d + after, ...]. */
export const padV2 = defineOp<PadV2Inputs, PadV2Attrs>({
  kernel: "PadV2",
  lower: (emit, { x }, { paddings, constantValue }) => {
    const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
    if (pads.every((pad) => pad === 0)) return x;
    // 0 is the operator's default.
    const value = constantValue === 0 ? [] : [scalar(emit, x.dtype, constantValue)];
    return emit.node("Pad", [x, vector(emit, pads), ...value]);
  },
});
