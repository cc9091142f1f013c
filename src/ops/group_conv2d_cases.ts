import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients of TF.js.
import "@tensorflow/tfjs-layers";
import type { OpCase, OpCases } from "../../tests/_support/op_cases.ts";
import { attrsOf, type ConvCase, EXPLICIT, outShape, spreadFilter, SUMS } from "./conv2d_cases.ts";

interface GroupCase extends ConvCase {
  readonly groups: number;
}

/** Filters are [kh, kw, in / groups, out]. */
const CASES: readonly GroupCase[] = [
  { name: "one group", x: [2, 5, 6, 3], filter: [3, 3, 3, 4], groups: 1 },
  { name: "two groups", x: [3, 6, 6, 4], filter: [3, 3, 2, 6], groups: 2 },
  { name: "three groups of one filter each", x: [2, 5, 4, 6], filter: [3, 3, 2, 3], groups: 3 },
  { name: "as many groups as channels", x: [2, 5, 6, 4], filter: [3, 3, 1, 4], groups: 4 },
  { name: "two filters a channel", x: [1, 5, 6, 3], filter: [3, 3, 1, 6], groups: 3 },
  { name: "1×1", x: [2, 4, 5, 6], filter: [1, 1, 3, 4], groups: 2 },
  { name: "valid, odd non-square size", x: [1, 5, 7, 4], filter: [2, 3, 2, 4], groups: 2, pad: "valid" },
  { name: "stride 2, same, even size", x: [2, 8, 6, 4], filter: [3, 3, 2, 4], groups: 2, strides: 2 },
  { name: "stride 2, same, odd size", x: [2, 7, 5, 6], filter: [3, 3, 2, 6], groups: 3, strides: 2 },
  {
    name: "stride 2, with a row left over",
    x: [2, 8, 7, 4],
    filter: [3, 3, 2, 2],
    groups: 2,
    strides: 2,
    pad: "valid",
  },
  { name: "strides [1, 2]", x: [2, 6, 7, 4], filter: [3, 3, 2, 4], groups: 2, strides: [1, 2] },
  {
    name: "stride greater than the kernel",
    x: [1, 8, 8, 4],
    filter: [2, 2, 2, 4],
    groups: 2,
    strides: 3,
    pad: "valid",
  },
  { name: "explicit pads", x: [2, 5, 6, 4], filter: [3, 3, 2, 4], groups: 2, pad: EXPLICIT },
  { name: "kernel larger than the picture", x: [2, 3, 2, 4], filter: [5, 5, 2, 4], groups: 2 },
  { name: "dilation 2", x: [2, 7, 8, 4], filter: [3, 3, 2, 6], groups: 2, dilations: 2 },
  { name: "dilation [1, 3], valid", x: [1, 5, 9, 4], filter: [3, 3, 2, 4], groups: 2, dilations: [1, 3], pad: "valid" },
  { name: "dilation 2, stride 2", x: [2, 9, 8, 4], filter: [3, 3, 2, 4], groups: 2, dilations: 2, strides: 2 },
];

/** What TF.js's cpu backend makes of a convolution a group. */
function inGroups({ groups, ...geometry }: GroupCase): (x: tf.Tensor, filter: tf.Tensor) => tf.Tensor4D {
  const { strides, pad, dilations } = attrsOf(geometry);
  return (x, filter) => {
    const wide = spreadFilter(filter as tf.Tensor4D, dilations);
    // TF.js has no gradient of splitting into one part.
    if (groups === 1) return tf.conv2d(x as tf.Tensor4D, wide, strides as number, pad as "same");
    const filters = tf.split(wide, groups, 3) as tf.Tensor4D[];
    const parts = tf.split(x, groups, 3) as tf.Tensor4D[];
    return tf.concat(parts.map((part, i) => tf.conv2d(part, filters[i], strides as number, pad as "same")), 3);
  };
}

function caseOf(
  geometry: GroupCase,
  { inputs, attrs = {}, oracle }: Pick<OpCase, "inputs" | "attrs"> & { readonly oracle: NonNullable<OpCase["oracle"]> },
): OpCase {
  const { dataFormat: _, ...own } = attrsOf(geometry);
  return {
    name: geometry.name,
    inputs,
    attrs: { ...own, groups: geometry.groups, ...attrs },
    tolerance: SUMS,
    oracle,
  };
}

function drawn(seed: number, shape: readonly number[]): tf.Tensor {
  return tf.randomUniform([...shape], -1, 1, "float32", seed);
}

/** Cases by kernel. */
export const cases: OpCases = {
  GroupConv2D: CASES.map((geometry) =>
    caseOf(geometry, {
      inputs: { x: { shape: geometry.x }, filter: { shape: geometry.filter } },
      oracle: ({ x, filter }) => inGroups(geometry)(x, filter),
    })
  ),
  GroupConv2DBackpropInput: CASES.map((geometry) =>
    caseOf(geometry, {
      inputs: { dy: { shape: outShape(geometry) }, filter: { shape: geometry.filter } },
      attrs: { inputShape: geometry.x },
      oracle: ({ dy, filter }) => tf.grad((x) => inGroups(geometry)(x, filter))(drawn(1, geometry.x), dy),
    })
  ),
  GroupConv2DBackpropFilter: CASES.map((geometry) =>
    caseOf(geometry, {
      inputs: { x: { shape: geometry.x }, dy: { shape: outShape(geometry) } },
      attrs: { filterShape: geometry.filter },
      oracle: ({ x, dy }) => tf.grad((filter) => inGroups(geometry)(x, filter))(drawn(2, geometry.filter), dy),
    })
  ),
};
