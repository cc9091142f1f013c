import type { DepthToSpaceAttrs, DepthToSpaceInputs } from "@tensorflow/tfjs-core";
import { needFloat } from "./_emit.ts";
import { inChannelsFirst } from "./_layout.ts";
import { defineOp } from "./op.ts";

/** Channels laid out as blocks of pixels. Shapes: x [n, h, w, b·b·c] → [n, h·b, w·b, c]. */
export const depthToSpace = defineOp<DepthToSpaceInputs, DepthToSpaceAttrs>({
  kernel: "DepthToSpace",
  lower: (emit, { x }, { blockSize, dataFormat }) => {
    needFloat("DepthToSpace", x);
    return inChannelsFirst(
      emit,
      { x, dataFormat },
      (image) => emit.node("DepthToSpace", [image], { blocksize: blockSize, mode: "DCR" }),
    );
  },
});
