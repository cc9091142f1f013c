import * as tf from "@tensorflow/tfjs-core";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { attrsOf, type ConvCase, EXPLICIT, fusedCases, outShape, SUMS } from "./conv2d_cases.ts";

/** Geometries that have a gradient in TF.js: dilations have none. */
const TRAINED: readonly ConvCase[] = [
  { name: "3×3, same, even size", x: [3, 6, 6, 4], filter: [3, 3, 4, 1] },
  { name: "3×3, same, odd non-square size, batch of 1", x: [1, 5, 7, 3], filter: [3, 3, 3, 1] },
  { name: "3×3, valid", x: [2, 5, 6, 3], filter: [3, 3, 3, 1], pad: "valid" },
  { name: "multiplier 2", x: [2, 5, 6, 3], filter: [3, 3, 3, 2] },
  { name: "multiplier 3, stride 2, valid", x: [3, 7, 6, 2], filter: [3, 3, 2, 3], strides: 2, pad: "valid" },
  { name: "1×1, multiplier 2", x: [2, 4, 5, 3], filter: [1, 1, 3, 2] },
  { name: "one channel, multiplier 4", x: [2, 5, 5, 1], filter: [3, 3, 1, 4] },
  { name: "stride 2, same, even size", x: [2, 8, 6, 3], filter: [3, 3, 3, 1], strides: 2 },
  { name: "stride 2, same, odd size", x: [2, 7, 5, 3], filter: [3, 3, 3, 1], strides: 2 },
  { name: "stride 2, valid, with a column left over", x: [2, 8, 8, 2], filter: [3, 3, 2, 1], strides: 2, pad: "valid" },
  { name: "stride 3, kernel 1×1", x: [2, 6, 7, 2], filter: [1, 1, 2, 1], strides: 3, pad: "valid" },
  { name: "2×4, same", x: [2, 6, 5, 2], filter: [2, 4, 2, 1] },
  { name: "5×5, kernel larger than the input", x: [2, 3, 2, 2], filter: [5, 5, 2, 1] },
  { name: "pad 1, stride 2", x: [2, 6, 7, 2], filter: [3, 3, 2, 1], strides: 2, pad: 1 },
  { name: "pad 2 for a kernel of 2×2", x: [1, 4, 5, 2], filter: [2, 2, 2, 1], pad: 2 },
  {
    name: "pad 1 for a tall kernel, of which TF.js has too few windows",
    x: [2, 6, 7, 2],
    filter: [3, 1, 2, 1],
    pad: 1,
  },
  { name: "pad 1 for a wide kernel, of which TF.js has too many", x: [2, 6, 7, 2], filter: [1, 3, 2, 1], pad: 1 },
  { name: "explicit pads", x: [2, 5, 6, 2], filter: [3, 3, 2, 1], pad: EXPLICIT },
  { name: "explicit pads, stride 2, multiplier 2", x: [2, 5, 6, 2], filter: [3, 3, 2, 2], strides: 2, pad: EXPLICIT },
];

const FORWARD: readonly ConvCase[] = [
  ...TRAINED,
  { name: "dilation 2", x: [2, 7, 8, 2], filter: [3, 3, 2, 1], dilations: 2 },
  { name: "dilation [1, 2], multiplier 2", x: [1, 5, 9, 2], filter: [3, 3, 2, 2], dilations: [1, 2], pad: "valid" },
];

/** The cpu kernel computes channels-last whatever it is told. */
const channelsFirst: OpCase = {
  name: "channels first",
  inputs: { x: { shape: [2, 3, 5, 6] }, filter: { shape: [3, 3, 3, 2] } },
  attrs: { strides: 1, pad: "same", dataFormat: "NCHW", dilations: 1 },
  tolerance: SUMS,
  oracle: ({ x, filter }) => {
    const last = tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
    return tf.transpose(tf.depthwiseConv2d(last, filter as tf.Tensor4D, 1, "same"), [0, 3, 1, 2]);
  },
};

/** Cases by kernel. */
export const cases: OpCases = {
  DepthwiseConv2dNative: [
    ...FORWARD.map((geometry): OpCase => ({
      name: geometry.name,
      inputs: { x: { shape: geometry.x }, filter: { shape: geometry.filter } },
      attrs: attrsOf(geometry),
      tolerance: SUMS,
    })),
    channelsFirst,
  ],
  FusedDepthwiseConv2D: [
    ...fusedCases({ name: "3×3", x: [2, 5, 6, 3], filter: [3, 3, 3, 1] }, true),
    ...fusedCases({ name: "multiplier 2", x: [1, 6, 6, 2], filter: [3, 3, 2, 2], strides: 2 }, true),
  ],
  DepthwiseConv2dNativeBackpropInput: TRAINED.map((geometry): OpCase => ({
    name: geometry.name,
    inputs: { dy: { shape: outShape(geometry, true) }, filter: { shape: geometry.filter } },
    attrs: { ...attrsOf(geometry), inputShape: geometry.x },
    tolerance: SUMS,
  })),
  DepthwiseConv2dNativeBackpropFilter: TRAINED.map((geometry): OpCase => ({
    name: geometry.name,
    inputs: { x: { shape: geometry.x }, dy: { shape: outShape(geometry, true) } },
    attrs: { ...attrsOf(geometry), filterShape: geometry.filter },
    tolerance: SUMS,
  })),
};
