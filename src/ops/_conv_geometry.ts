/** TF.js's description of a convolution's or pool's geometry as ONNX attributes. */
import { backend_util } from "@tensorflow/tfjs-core";
import type { Attrs } from "../onnx/graph.ts";

/** What TF.js computes of a 2-D convolution from its attributes. */
export type Geometry = backend_util.Conv2DInfo;

/** Attributes that TF.js's convolution kernels share. */
export interface ConvAttrs {
  readonly strides: number | [number, number];
  readonly pad: "same" | "valid" | number | backend_util.ExplicitPadding;
  readonly dataFormat?: string;
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/**
 * Computes the geometry of a convolution.
 *
 * @param xShape Input shape in the layout of `attrs.dataFormat`, as are all shapes that it returns.
 * @param filterShape [kh, kw, in, out], or [kh, kw, in, multiplier] for a depthwise one.
 */
export function convGeometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: ConvAttrs & { readonly depthwise?: boolean },
): Geometry {
  return backend_util.computeConv2DInfo(
    // Conv kernels get 4-D tensors: TF.js checks before it calls them.
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    attrs.depthwise ?? false,
    backend_util.convertConv2DDataFormat((attrs.dataFormat ?? "NHWC") as "NHWC" | "NCHW"),
  );
}

/** Attributes of an ONNX Conv of this geometry. */
export function convAttrs(g: Geometry, group = 1): Attrs {
  return {
    kernel_shape: [g.filterHeight, g.filterWidth],
    strides: [g.strideHeight, g.strideWidth],
    dilations: [g.dilationHeight, g.dilationWidth],
    pads: pads(g),
    group,
  };
}

/**
 * ONNX's order: begins, then ends.
 *
 * ONNX rounds the number of windows down; where TF.js was told to round up, its last window reads beyond the pads.
 */
export function pads(g: Geometry): number[] {
  const { padInfo: p } = g;
  const bottom = reach(g.outHeight, g.strideHeight, g.effectiveFilterHeight) - p.top - g.inHeight;
  const right = reach(g.outWidth, g.strideWidth, g.effectiveFilterWidth) - p.left - g.inWidth;
  return [p.top, p.left, Math.max(p.bottom, bottom), Math.max(p.right, right)];
}

/** Elements from the begin of the first window to the end of the last. */
function reach(windows: number, stride: number, effective: number): number {
  return (windows - 1) * stride + effective;
}

/** Attributes of the ConvTranspose that spreads a gradient of this geometry back over the input. */
export function convTransposeAttrs(g: Geometry, group = 1): Attrs {
  const { padInfo: p } = g;
  const bottom = reach(g.outHeight, g.strideHeight, g.effectiveFilterHeight) - p.top - g.inHeight;
  const right = reach(g.outWidth, g.strideWidth, g.effectiveFilterWidth) - p.left - g.inWidth;
  return {
    kernel_shape: [g.filterHeight, g.filterWidth],
    strides: [g.strideHeight, g.strideWidth],
    dilations: [g.dilationHeight, g.dilationWidth],
    // What the windows do not reach at the end is output padding, what they overshoot is cropped.
    pads: [p.top, p.left, Math.max(bottom, 0), Math.max(right, 0)],
    output_padding: [Math.max(-bottom, 0), Math.max(-right, 0)],
    group,
  };
}

/** Whether the input gradient is a plain convolution with the flipped kernel. */
export function isFlippable(g: Geometry): boolean {
  const { padInfo: p } = g;
  return g.strideHeight === 1 && g.strideWidth === 1 &&
    Math.max(p.top, p.bottom) < g.effectiveFilterHeight && Math.max(p.left, p.right) < g.effectiveFilterWidth;
}

/** Attributes of the convolution of dy with the flipped kernel that gives dx; see {@linkcode isFlippable}. */
export function flippedAttrs(g: Geometry, group = 1): Attrs {
  const { padInfo: p, effectiveFilterHeight: kh, effectiveFilterWidth: kw } = g;
  return { ...convAttrs(g, group), pads: [kh - 1 - p.top, kw - 1 - p.left, kh - 1 - p.bottom, kw - 1 - p.right] };
}
