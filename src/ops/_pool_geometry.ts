/** TF.js's description of a pool's geometry. */
import { backend_util } from "@tensorflow/tfjs-core";
import type { Attrs } from "../onnx/graph.ts";
import { endsOf, type Geometry, pads } from "./_conv_geometry.ts";
import { Unsupported } from "./op.ts";

/** Attributes that TF.js's 2-D pooling kernels share. */
export interface PoolAttrs {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: "same" | "valid" | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Computes the geometry of a pool over a channels-last input of shape `xShape`. */
export function poolGeometry(xShape: readonly number[], attrs: PoolAttrs): Geometry {
  return backend_util.computePool2DInfo(
    // Pool kernels get 4-D tensors: TF.js checks before it calls them.
    xShape as [number, number, number, number],
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

/**
 * Attributes of an ONNX pool of this geometry.
 *
 * @throws {Unsupported} If a window could lie in the padding alone, or TF.js has fewer windows than fit.
 */
export function poolAttrs(g: Geometry): Attrs {
  const [height, width] = endsOf(g);
  if (height !== g.inHeight || width !== g.inWidth) {
    throw new Unsupported(`Cannot lower a pool that leaves out windows: it has ${g.outHeight} by ${g.outWidth}`);
  }
  const [top, left, bottom, right] = pads(g);
  if (Math.max(top, bottom) >= g.filterHeight || Math.max(left, right) >= g.filterWidth) {
    const windows = `windows of ${g.filterHeight} by ${g.filterWidth}`;
    throw new Unsupported(`Cannot lower a pool with ${windows} and pads ${pads(g)}: ONNX needs narrower pads`);
  }
  return {
    kernel_shape: [g.filterHeight, g.filterWidth],
    strides: [g.strideHeight, g.strideWidth],
    pads: pads(g),
  };
}
