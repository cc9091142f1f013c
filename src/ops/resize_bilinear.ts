import type { ResizeBilinearAttrs, ResizeBilinearInputs } from "@tensorflow/tfjs-core";
import { cast } from "./_emit.ts";
import { toChannelsFirst, toChannelsLast } from "./_layout.ts";
import { resizeInputs } from "./_resample.ts";
import { defineOp, Unsupported } from "./op.ts";

/** Bilinear resizing; float32. Shapes: images [n, h, w, c] → [n, size[0], size[1], c]. */
export const resizeBilinear = defineOp<ResizeBilinearInputs, ResizeBilinearAttrs>({
  kernel: "ResizeBilinear",
  lower: (emit, { images }, { size, alignCorners, halfPixelCenters }) => {
    if (alignCorners && halfPixelCenters) {
      throw new Unsupported(
        `Cannot lower "ResizeBilinear" with alignCorners and halfPixelCenters: ONNX has one or none`,
      );
    }
    const x = toChannelsFirst(emit, cast(emit, images, "float32"));
    const mode = alignCorners ? "align_corners" : halfPixelCenters ? "half_pixel" : "asymmetric";
    return toChannelsLast(
      emit,
      emit.node("Resize", resizeInputs(emit, x, size), { mode: "linear", coordinate_transformation_mode: mode }),
    );
  },
});
