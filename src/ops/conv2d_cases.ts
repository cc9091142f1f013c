import * as tf from "@tensorflow/tfjs-core";
import type { InputSpec, OpCase, OpCases, Tolerance } from "../../tests/_support/op_cases.ts";

/** Sums of up to some hundred products of numbers below 2 cancel: their rounding is that of the terms, not of the sum. */
export const SUMS: Tolerance = { relative: 1e-5, absolute: 1e-5 };

/** Explicit pads of a channels-last picture. */
export const EXPLICIT = [[0, 0], [1, 2], [0, 1], [0, 0]] as const;

/** Pads on top of a channels-last picture, too many to turn a convolution round. */
const TALL = [[0, 0], [3, 0], [1, 1], [0, 0]] as const;

/** One geometry of a convolution. */
export interface ConvCase {
  readonly name: string;
  /** [n, h, w, in]. */
  readonly x: readonly [number, number, number, number];
  /** [kh, kw, in, out], or [kh, kw, in, multiplier]. */
  readonly filter: readonly [number, number, number, number];
  readonly strides?: number | readonly [number, number];
  readonly pad?: "same" | "valid" | number | typeof EXPLICIT | typeof TALL;
  readonly dilations?: number | readonly [number, number];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Geometries that have a gradient in TF.js: dilations have none. */
const TRAINED: readonly ConvCase[] = [
  { name: "3×3, same, even size", x: [3, 6, 6, 3], filter: [3, 3, 3, 4] },
  { name: "3×3, same, odd non-square size, batch of 1", x: [1, 5, 7, 2], filter: [3, 3, 2, 3] },
  { name: "3×3, valid", x: [2, 5, 6, 3], filter: [3, 3, 3, 2], pad: "valid" },
  { name: "1×1", x: [2, 4, 5, 3], filter: [1, 1, 3, 5] },
  { name: "1×1, valid", x: [2, 4, 5, 3], filter: [1, 1, 3, 5], pad: "valid" },
  { name: "1×1, strides [1, 2], valid", x: [2, 5, 6, 3], filter: [1, 1, 3, 2], strides: [1, 2], pad: "valid" },
  { name: "1×1, strides [2, 1], valid", x: [2, 5, 6, 3], filter: [1, 1, 3, 2], strides: [2, 1], pad: "valid" },
  { name: "1×1, stride 2", x: [2, 5, 6, 3], filter: [1, 1, 3, 2], strides: 2 },
  { name: "3×3, stride 2, same, even size", x: [2, 8, 6, 3], filter: [3, 3, 3, 4], strides: 2 },
  { name: "3×3, stride 2, same, odd size", x: [2, 7, 5, 3], filter: [3, 3, 3, 4], strides: 2 },
  {
    name: "3×3, stride 2, valid, with a column left over",
    x: [2, 8, 7, 2],
    filter: [3, 3, 2, 3],
    strides: 2,
    pad: "valid",
  },
  { name: "strides [1, 2]", x: [2, 6, 7, 2], filter: [3, 3, 2, 3], strides: [1, 2] },
  { name: "stride greater than the kernel", x: [1, 8, 8, 2], filter: [2, 2, 2, 3], strides: 3, pad: "valid" },
  { name: "2×4, same", x: [2, 6, 5, 2], filter: [2, 4, 2, 3] },
  { name: "2×2, valid, one channel", x: [2, 4, 4, 1], filter: [2, 2, 1, 1], pad: "valid" },
  { name: "pad 1", x: [2, 5, 6, 2], filter: [3, 3, 2, 3], pad: 1 },
  { name: "pad 2 for a kernel of 2×2", x: [1, 4, 5, 2], filter: [2, 2, 2, 3], pad: 2 },
  { name: "pad 1, stride 2", x: [2, 6, 7, 2], filter: [3, 3, 2, 3], pad: 1, strides: 2 },
  { name: "more rows of padding than the kernel has", x: [1, 4, 5, 2], filter: [2, 3, 2, 3], pad: TALL },
  {
    name: "pad 1 for a tall kernel, of which TF.js has too few windows",
    x: [2, 6, 7, 2],
    filter: [3, 1, 2, 3],
    pad: 1,
  },
  { name: "pad 1 for a wide kernel, of which TF.js has too many", x: [2, 6, 7, 2], filter: [1, 3, 2, 3], pad: 1 },
  { name: "explicit pads", x: [2, 5, 6, 2], filter: [3, 3, 2, 3], pad: EXPLICIT },
  { name: "explicit pads, stride 2", x: [2, 5, 6, 2], filter: [3, 3, 2, 3], pad: EXPLICIT, strides: 2 },
  { name: "kernel larger than the input", x: [2, 3, 2, 2], filter: [5, 5, 2, 3] },
  { name: "kernel as large as the input", x: [2, 4, 3, 2], filter: [4, 3, 2, 3], pad: "valid" },
  { name: "picture of 1×1", x: [3, 1, 1, 2], filter: [3, 3, 2, 3] },
  { name: "size rounded up", x: [1, 6, 6, 2], filter: [3, 3, 2, 2], strides: 2, pad: 0, dimRoundingMode: "ceil" },
];

/** Geometries of the forward pass. */
const FORWARD: readonly ConvCase[] = [
  ...TRAINED,
  { name: "dilation 2", x: [2, 7, 8, 2], filter: [3, 3, 2, 3], dilations: 2 },
  { name: "dilation [1, 3], valid", x: [1, 5, 9, 2], filter: [3, 3, 2, 3], dilations: [1, 3], pad: "valid" },
];

/** Attributes as TF.js passes them. */
export function attrsOf({ strides = 1, pad = "same", dilations = 1, dimRoundingMode }: ConvCase, dataFormat = "NHWC") {
  const isFirst = dataFormat === "NCHW" && Array.isArray(pad);
  return {
    strides,
    pad: isFirst ? [pad[0], pad[3], pad[1], pad[2]] : pad,
    dataFormat,
    dilations,
    ...(dimRoundingMode === undefined ? {} : { dimRoundingMode }),
  };
}

/** Shape of the result, [n, h', w', out], as TF.js computes it. */
export function outShape(geometry: ConvCase, depthwise = false): number[] {
  const { strides, pad, dilations, dimRoundingMode } = attrsOf(geometry);
  const info = tf.backend_util.computeConv2DInfo(
    [...geometry.x],
    [...geometry.filter],
    strides as number,
    dilations as number,
    pad as "same",
    dimRoundingMode,
    depthwise,
  );
  return [...info.outShape];
}

/**
 * Puts zeros between the taps of a filter [kh, kw, in, out]: without dilations, it then does what it did with them, and
 * TF.js has its gradient.
 */
export function spreadFilter(filter: tf.Tensor4D, dilations: number | readonly number[]): tf.Tensor4D {
  const [dy, dx] = typeof dilations === "number" ? [dilations, dilations] : dilations;
  const [kh, kw, ins, outs] = filter.shape;
  const apart = tf.pad(tf.reshape(filter, [kh, 1, kw, 1, ins, outs]), [
    [0, 0],
    [0, dy - 1],
    [0, 0],
    [0, dx - 1],
    [0, 0],
    [0, 0],
  ]);
  const wide = tf.reshape(apart, [kh * dy, kw * dx, ins, outs]) as tf.Tensor4D;
  return tf.slice(wide, [0, 0, 0, 0], [(kh - 1) * dy + 1, (kw - 1) * dx + 1, ins, outs]);
}

/** [n, h, w, c] → [n, c, h, w]. */
function toFirst([n, h, w, c]: readonly number[]): number[] {
  return [n, c, h, w];
}

function both(list: readonly ConvCase[], fn: (geometry: ConvCase, dataFormat: "NHWC" | "NCHW") => OpCase): OpCase[] {
  return list.flatMap((geometry) => [fn(geometry, "NHWC"), fn(geometry, "NCHW")]);
}

const forward = both(FORWARD, (geometry, dataFormat) => ({
  name: `${geometry.name} (${dataFormat})`,
  inputs: {
    x: { shape: dataFormat === "NCHW" ? toFirst(geometry.x) : geometry.x },
    filter: { shape: geometry.filter },
  },
  attrs: attrsOf(geometry, dataFormat),
  tolerance: SUMS,
}));

const byInput = both(TRAINED, (geometry, dataFormat) => {
  const dy = outShape(geometry);
  return {
    name: `${geometry.name} (${dataFormat})`,
    inputs: {
      dy: { shape: dataFormat === "NCHW" ? toFirst(dy) : dy },
      filter: { shape: geometry.filter },
    },
    attrs: {
      ...attrsOf(geometry, dataFormat),
      inputShape: dataFormat === "NCHW" ? toFirst(geometry.x) : geometry.x,
    },
    tolerance: SUMS,
  };
});

const byFilter = both(TRAINED, (geometry, dataFormat) => {
  const dy = outShape(geometry);
  return {
    name: `${geometry.name} (${dataFormat})`,
    inputs: {
      x: { shape: dataFormat === "NCHW" ? toFirst(geometry.x) : geometry.x },
      dy: { shape: dataFormat === "NCHW" ? toFirst(dy) : dy },
    },
    attrs: { ...attrsOf(geometry, dataFormat), filterShape: geometry.filter },
    tolerance: SUMS,
  };
});

/** What the fused kernels do after the convolution. */
export const FUSED: readonly {
  readonly name: string;
  readonly bias?: boolean;
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
  /** Shape of PReLU's slopes, of the number of channels and the result's height and width. */
  readonly slopes?: (channels: number, picture: readonly number[]) => readonly number[];
}[] = [
  { name: "no bias" },
  { name: "bias", bias: true },
  { name: "linear", bias: true, activation: "linear" },
  { name: "relu", bias: true, activation: "relu" },
  { name: "relu without bias", activation: "relu" },
  { name: "relu6", bias: true, activation: "relu6" },
  { name: "elu", bias: true, activation: "elu" },
  { name: "sigmoid", bias: true, activation: "sigmoid" },
  { name: "leakyrelu", bias: true, activation: "leakyrelu", leakyreluAlpha: 0.3 },
  { name: "prelu, a slope a channel", bias: true, activation: "prelu", slopes: (c) => [c] },
  { name: "prelu, one slope", bias: true, activation: "prelu", slopes: () => [1] },
  { name: "prelu, a slope a place", bias: true, activation: "prelu", slopes: (c, [h, w]) => [h, w, c] },
];

/** Cases of a fused kernel of this geometry. */
export function fusedCases(geometry: ConvCase, depthwise = false): OpCase[] {
  const [, h, w, channels] = outShape(geometry, depthwise);
  return FUSED.map(({ name, bias, activation, leakyreluAlpha, slopes }): OpCase => {
    const inputs: Record<string, InputSpec> = {
      x: { shape: geometry.x },
      filter: { shape: geometry.filter },
      ...(bias ? { bias: { shape: [channels] } } : {}),
      ...(slopes ? { preluActivationWeights: { shape: slopes(channels, [h, w]) } } : {}),
    };
    const attrs = { ...attrsOf(geometry), activation: activation ?? null, leakyreluAlpha: leakyreluAlpha ?? 0 };
    return { name: `${geometry.name}, ${name}`, inputs, attrs, tolerance: SUMS };
  });
}

const fusedFirst: OpCase = {
  name: "channels first, with bias and relu",
  inputs: { x: { shape: [2, 3, 5, 6] }, filter: { shape: [3, 3, 3, 4] }, bias: { shape: [4] } },
  attrs: { strides: 1, pad: "same", dataFormat: "NCHW", dilations: 1, activation: "relu" },
  tolerance: SUMS,
};

/** Cases by kernel. */
export const cases: OpCases = {
  Conv2D: forward,
  FusedConv2D: [
    ...fusedCases({ name: "3×3", x: [2, 5, 6, 3], filter: [3, 3, 3, 4] }),
    ...fusedCases({ name: "stride 2", x: [1, 6, 6, 2], filter: [3, 3, 2, 3], strides: 2, pad: "valid" }).slice(0, 4),
    fusedFirst,
  ],
  Conv2DBackpropInput: byInput,
  Conv2DBackpropFilter: byFilter,
};
