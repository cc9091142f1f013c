/** TF.js's description of a convolution's or pool's geometry as ONNX attributes. */
import { backend_util } from "@tensorflow/tfjs-core";
import type { Attrs } from "../onnx/graph.ts";
import { vector } from "./_emit.ts";
import type { Emit, Value } from "./op.ts";

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
 * ONNX rounds the number of windows down; where TF.js was told to round up, its last window reads beyond the pads. With
 * a number for padding TF.js takes filters for squares without dilation, and has more or fewer windows than would fit.
 */
export function pads(g: Geometry): number[] {
  const { padInfo: p } = g;
  const [bottom, right] = beyondEnds(g);
  const ends = [Math.max(p.bottom, bottom), Math.max(p.right, right)];
  const exact = [Math.max(bottom, 0), Math.max(right, 0)];
  return [p.top, p.left, ...windowsOf(g, ends).map((windows, i) => windows === outOf(g)[i] ? ends[i] : exact[i])];
}

/** Returns where a picture is to be cut off so that ONNX sees no more windows of it than TF.js; its size if nowhere. */
export function endsOf(g: Geometry): readonly [height: number, width: number] {
  const windows = windowsOf(g, pads(g).slice(2));
  const [height, width] = [g.inHeight, g.inWidth].map((size, i) =>
    windows[i] === outOf(g)[i] ? size : size + beyondEnds(g)[i]
  );
  return [height, width];
}

function outOf(g: Geometry): readonly number[] {
  return [g.outHeight, g.outWidth];
}

/** The windows that fit, in height and width, with these pads at the ends. */
function windowsOf(g: Geometry, [bottom, right]: readonly number[]): readonly number[] {
  const rows = g.padInfo.top + g.inHeight + bottom - g.effectiveFilterHeight;
  const columns = g.padInfo.left + g.inWidth + right - g.effectiveFilterWidth;
  return [Math.floor(rows / g.strideHeight) + 1, Math.floor(columns / g.strideWidth) + 1];
}

/** How far the last windows reach beyond the picture's end, downwards and to the right; negative where they do not. */
export function beyondEnds(g: Geometry): readonly [bottom: number, right: number] {
  return [
    reach(g.outHeight, g.strideHeight, g.effectiveFilterHeight) - g.padInfo.top - g.inHeight,
    reach(g.outWidth, g.strideWidth, g.effectiveFilterWidth) - g.padInfo.left - g.inWidth,
  ];
}

/** Elements from the begin of the first window to the end of the last. */
function reach(windows: number, stride: number, effective: number): number {
  return (windows - 1) * stride + effective;
}

/**
 * Emits the ConvTranspose that spreads a channels-first gradient of this geometry back over the input.
 *
 * What the windows do not reach at the end is output padding, what they overshoot is cropped. ONNX Runtime pads by less
 * than a stride; zeros for more are added after.
 */
export function emitTransposed(
  emit: Emit,
  { dy, filter, group = 1 }: { readonly dy: Value; readonly filter: Value; readonly group?: number },
  g: Geometry,
): Value {
  const ends = beyondEnds(g);
  const strides = [g.strideHeight, g.strideWidth];
  const missing = ends.map((end) => Math.max(-end, 0));
  const padded = missing.map((count, i) => Math.min(count, strides[i] - 1));
  const dx = emit.node("ConvTranspose", [dy, filter], {
    kernel_shape: [g.filterHeight, g.filterWidth],
    strides,
    dilations: [g.dilationHeight, g.dilationWidth],
    pads: [g.padInfo.top, g.padInfo.left, Math.max(ends[0], 0), Math.max(ends[1], 0)],
    output_padding: padded,
    group,
  });
  const rest = missing.map((count, i) => count - padded[i]);
  return rest.every((count) => count === 0) ? dx : emit.node("Pad", [dx, vector(emit, [0, 0, 0, 0, 0, 0, ...rest])]);
}

/** Whether the input gradient is a plain convolution with the flipped kernel. */
export function isFlippable(g: Geometry): boolean {
  const { top, left } = g.padInfo;
  const [bottom, right] = beyondEnds(g);
  return g.strideHeight === 1 && g.strideWidth === 1 &&
    Math.max(top, bottom) < g.effectiveFilterHeight && Math.max(left, right) < g.effectiveFilterWidth;
}

/** Attributes of the convolution of dy with the flipped kernel that gives dx; see {@linkcode isFlippable}. */
export function flippedAttrs(g: Geometry, group = 1): Attrs {
  const { padInfo: { top, left }, effectiveFilterHeight: kh, effectiveFilterWidth: kw } = g;
  const [bottom, right] = beyondEnds(g);
  return { ...convAttrs(g, group), pads: [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right] };
}
