/** Nets of one operator of ONNX each that moves numbers, or makes more or fewer of them. */
import { type OperatorCase, ROW } from "./_operator_cases.ts";
import type { NetWriter } from "./_test_net.ts";

const MOVED: readonly OperatorCase[] = [
  { op: "Reshape", inputs: (net) => [net.whole(0, 26, -1)] },
  { op: "Flatten", layers: "Permute Reshape" },
  { op: "Transpose", attrs: { perm: [0, 2, 3, 1] } },
  { op: "Squeeze", first: (net) => net.add("GlobalMaxPool", ["x"]), inputs: (net) => [net.whole(2, 3)] },
  { op: "Unsqueeze", inputs: (net) => [net.whole(2)] },
  {
    op: "Concat",
    attrs: { axis: 1 },
    inputs: (net) => ["x", net.random([1, 2, 13, 10])],
    batch: 1,
    layers: "Concatenate",
  },
  { op: "Split", attrs: { axis: 1 }, outputs: 2, layers: "ChannelSplit ChannelSplit" },
  { op: "Split", attrs: { axis: 2 }, inputs: (net) => [net.whole(3, 10)], outputs: 2, layers: "·slice ·slice" },
  { op: "Slice", inputs: (net) => [net.whole(1, -3), net.whole(1000, -1), net.whole(1, 3)], layers: "·slice" },
  { op: "Slice", inputs: (net) => [net.whole(1), net.whole(13), net.whole(2), net.whole(3)], layers: "·slice" },
  {
    op: "Slice",
    inputs: (net) => [net.whole(-1, 9), net.whole(-1000, 2), net.whole(2, 3), net.whole(-2, -3)],
    layers: "·slice ·reverse",
  },
  {
    op: "Slice",
    inputs: (net) => [net.whole(1000), net.whole(-1000), net.whole(1), net.whole(-1)],
    layers: "·reverse",
  },
  { op: "Gather", inputs: (net) => [net.whole(2, 0, -1)], attrs: { axis: 1 }, layers: "·gather" },
  { op: "Gather", inputs: (net) => [net.add("Squeeze", [net.whole(1), net.whole(0)])], attrs: { axis: 2 } },
  {
    op: "Gather",
    inputs: (net) => [net.add("Reshape", [net.whole(2, 0, -1, 3, 1, 1), net.whole(2, 3)])],
    attrs: { axis: 3 },
    layers: "·gather Reshape Permute",
  },
  {
    op: "GatherElements",
    attrs: { axis: 1 },
    inputs: (net) => [net.add("ArgMax", ["x"], { axis: 1 })],
    layers: "·argument ·gatherElements",
  },
  {
    op: "OneHot",
    first: (net) => net.add("ArgMax", ["x"], { axis: 1, keepdims: 0 }),
    inputs: (net) => [net.whole(4), net.real([2], [-1, 3])],
    attrs: { axis: 1 },
  },
  {
    op: "ScatterND",
    inputs: (net) => [
      net.add("Reshape", [net.whole(0, 1, 0, 3, 0, 3, 1, 1, 1, 3, 1, 3), net.whole(2, 3, 2)]),
      net.add("Slice", [net.add("Neg", ["x"]), net.whole(0), net.whole(3), net.whole(1)]),
    ],
    batch: 2,
  },
  {
    op: "Expand",
    first: (net) => net.add("GlobalMaxPool", ["x"]),
    inputs: (net) => [net.whole(1, 4, 3, 2)],
    layers: "GlobalMaxPooling2D Reshape ·tile",
  },
  { op: "Tile", inputs: (net) => [net.whole(1, 2, 1, 3)], layers: "·tile" },
  ...[0, 1].map((upper) => ({ op: "Trilu", attrs: { upper }, inputs: (net: NetWriter) => [net.whole(2 * upper - 1)] })),
  { op: "Pad", inputs: (net) => [net.whole(0, 0, 1, 2, 0, 0, 3, 0)], attrs: { mode: "reflect" }, layers: "·pad" },
  { op: "Pad", inputs: (net) => [net.whole(0, 1, 1, 2, 0, 0, 3, 0)], attrs: { mode: "edge" }, layers: "·pad" },
  { op: "Pad", inputs: (net) => [net.whole(0, 1, 0, 0, 0, 0, 0, 2), net.real([], [0.5])], layers: "·pad" },
  { op: "Pad", inputs: (net) => [net.whole(0, 0, -1, 2, 0, -1, 3, -2)], layers: "·slice ZeroPadding2D" },
  {
    op: "Pad",
    inputs: (net) => [net.whole(0, 0, 1, 2, 0, 0, 3, 0)],
    attrs: { mode: "wrap" },
    opset: 19,
    layers: "·gather ·gather",
  },
  { op: "DepthToSpace", attrs: { blocksize: 2 } },
  { op: "DepthToSpace", attrs: { blocksize: 2, mode: "CRD" } },
  { op: "SpaceToDepth", attrs: { blocksize: 2 }, shape: [3, 8, 6] },
];

const scales = (...values: readonly number[]) => (net: NetWriter) => ["", net.real([values.length], values)];
const sizes = (...values: readonly number[]) => (net: NetWriter) => ["", "", net.whole(...values)];

const RESIZED: readonly OperatorCase[] = [
  { op: "Resize", inputs: scales(1, 1, 2, 3), attrs: { mode: "nearest" }, layers: "UpSampling2D" },
  { op: "Resize", inputs: scales(1, 1, 2, 2), attrs: { mode: "linear" }, layers: "·resize" },
  {
    op: "Resize",
    inputs: scales(1, 1, 2),
    attrs: { mode: "nearest" },
    shape: ROW,
    layers: "Permute Reshape UpSampling2D Reshape Permute",
  },
  { op: "Resize", inputs: scales(1, 2, 1.5), attrs: { mode: "linear" }, shape: ROW, layers: "·blend ·blend" },
  ...["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric", "tf_half_pixel_for_nn"]
    .flatMap((coordinate_transformation_mode) =>
      ["nearest", "linear", "cubic"].flatMap((mode) => [
        {
          op: "Resize",
          attrs: { mode, coordinate_transformation_mode },
          inputs: sizes(2, 4, 17, 7),
          batch: 2,
          opset: 19,
        },
        { op: "Resize", attrs: { mode, coordinate_transformation_mode }, inputs: scales(1, 1, 0.6, 2.3), opset: 19 },
      ])
    ),
  ...["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"].map((nearest_mode) => ({
    op: "Resize",
    attrs: { mode: "nearest", nearest_mode, coordinate_transformation_mode: "half_pixel" },
    inputs: scales(1, 1, 0.5, 1.5),
  })),
  { op: "Resize", attrs: { mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 }, inputs: scales(1, 1, 2, 0.5) },
  {
    op: "Resize",
    attrs: { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" },
    inputs: sizes(2, 4, 1, 5),
    batch: 2,
  },
  {
    op: "Resize",
    attrs: { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" },
    inputs: (net) => [net.real([8], [0, 0, 0.25, 0.1, 1, 1, 0.75, 0.9]), "", net.whole(2, 4, 6, 7)],
    batch: 2,
  },
  {
    op: "Resize",
    attrs: { mode: "linear", keep_aspect_ratio_policy: "not_larger", axes: [2, 3] },
    inputs: sizes(20, 20),
    opset: 18,
  },
  { op: "Resize", attrs: { mode: "nearest" }, inputs: (net) => [net.real([4], [1, 1, 1.5, 0.75])], opset: 10 },
];

/** All of them. */
export const MOVEMENT_CASES: readonly OperatorCase[] = [...MOVED, ...RESIZED];
