import type { Conv2DBackpropFilterInputs } from "@tensorflow/tfjs-core";
import { beyondEnds, type ConvAttrs, convGeometry, type Geometry } from "./_conv_geometry.ts";
import { cropped, toChannelsFirst } from "./_layout.ts";
import { defineOp, type Value } from "./op.ts";

/**
 * Gradient of a 2-D convolution by its filter: the correlation of x and dy, summed over the batch.
 *
 * That is a convolution again, of x [in, n, h, w] with dy [out, n, h', w'] as the filter, dilated by the stride: the batch
 * takes the place of the channels. Passes over the whole graph choose how it is computed.
 *
 * Shapes: x [n, h, w, in], dy [n, h', w', out] → [kh, kw, in, out].
 */
export const conv2dBackpropFilter = defineOp<
  Conv2DBackpropFilterInputs,
  ConvAttrs & { readonly filterShape: [number, number, number, number] }
>({
  kernel: "Conv2DBackpropFilter",
  lower: (emit, { x, dy }, attrs) => {
    const geometry = convGeometry(x.shape, attrs.filterShape, attrs);
    const isFirst = attrs.dataFormat === "NCHW";
    const first = (value: Value) => isFirst ? value : toChannelsFirst(emit, value);
    const swapped = (value: Value) => emit.node("Transpose", [value], { perm: [1, 0, 2, 3] });
    const { ends, pads } = reachOf(geometry);
    const gradient = emit.node("Conv", [swapped(cropped(emit, first(x), ends)), swapped(first(dy))], {
      kernel_shape: [geometry.outHeight, geometry.outWidth],
      dilations: [geometry.strideHeight, geometry.strideWidth],
      strides: [geometry.dilationHeight, geometry.dilationWidth],
      pads,
      group: 1,
    });
    return emit.node("Transpose", [gradient], { perm: [2, 3, 0, 1] });
  },
});

/**
 * Returns where x is to end and how it is padded so that exactly kh × kw positions of dy over x fit.
 *
 * A stride may leave the last rows and columns of x without a window: those are cut off.
 */
export function reachOf(g: Geometry): { readonly ends: readonly [number, number]; readonly pads: readonly number[] } {
  const { top, left } = g.padInfo;
  const [bottom, right] = beyondEnds(g);
  return {
    ends: [g.inHeight + Math.min(bottom, 0), g.inWidth + Math.min(right, 0)],
    pads: [top, left, Math.max(bottom, 0), Math.max(right, 0)],
  };
}
