/** Nets of one operator of ONNX each, in all the ways in which it works differently. */
import type { Attrs } from "../../../src/onnx/graph.ts";
import type { NetWriter } from "./_test_net.ts";

/** A net of one node. */
export interface OperatorCase {
  readonly op: string;
  readonly attrs?: Attrs;
  /** Its inputs behind the first. */
  readonly inputs?: (net: NetWriter) => readonly string[];
  /** Of the input "x", behind the batch. Default: a picture of sides of different lengths. */
  readonly shape?: readonly number[];
  /** What it reads first. Default: the input. */
  readonly first?: (net: NetWriter) => string;
  /** How many outputs it has, all of which are the net's. Default: 1. */
  readonly outputs?: number;
  /** Default: 17. */
  readonly opset?: number;
  /** The batch as the file has it. Default: any. */
  readonly batch?: number;
  /** Classes of the layers that are made, besides inputs and constants; "·" and its name for one operation. */
  readonly layers?: string;
}

/** No two of its sides are alike, nor are those of what it becomes here: layouts are told by them. */
export const PICTURE = [4, 13, 10] as const;

/** A row of several channels. */
export const ROW = [4, 11] as const;
const kernel = (...shape: readonly number[]) => (net: NetWriter) => [net.random(shape), net.random([shape[0]])];
const positive = (net: NetWriter) => net.add("Exp", ["x"]);
const small = (net: NetWriter) => net.add("Mul", ["x", net.real([], [0.45])]);
const mask = (net: NetWriter, bound: number) => net.add("Greater", ["x", net.real([], [bound])]);

const CONVOLUTIONS: readonly OperatorCase[] = [
  { op: "Conv", attrs: { pads: [1, 1, 1, 1] }, inputs: kernel(6, 4, 3, 3), layers: "Conv2D" },
  { op: "Conv", attrs: { group: 2, pads: [1, 1, 1, 1] }, inputs: kernel(6, 2, 3, 3), layers: "GroupConv2D" },
  {
    op: "Conv",
    attrs: { group: 4, pads: [2, 0, 0, 1] },
    inputs: kernel(8, 1, 3, 2),
    layers: "ZeroPadding2D DepthwiseConv2D",
  },
  { op: "Conv", attrs: { group: 4, dilations: [2, 3] }, inputs: kernel(8, 1, 3, 2), layers: "GroupConv2D" },
  {
    op: "Conv",
    attrs: { dilations: [2, 2], strides: [2, 3], pads: [1, 2, 3, 0] },
    inputs: kernel(6, 4, 3, 3),
    layers: "ZeroPadding2D GroupConv2D",
  },
  { op: "Conv", attrs: { pads: [1, 1] }, inputs: kernel(6, 4, 3), shape: ROW, layers: "Permute Conv1D Permute" },
  {
    op: "Conv",
    attrs: { pads: [5, 0], strides: [2], dilations: [2] },
    inputs: kernel(6, 4, 3),
    shape: ROW,
    layers: "Permute Reshape ZeroPadding2D GroupConv2D Reshape Permute",
  },
  { op: "Conv", attrs: { group: 4, pads: [1, 1] }, inputs: kernel(8, 1, 3), shape: ROW },
  {
    op: "ConvTranspose",
    attrs: { strides: [2, 2] },
    inputs: (net) => [net.random([4, 6, 2, 2]), net.random([6])],
    layers: "Conv2DTranspose",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [3, 2], pads: [1, 0, 2, 1], output_padding: [2, 1] },
    inputs: (net) => [net.random([4, 6, 2, 3])],
    layers: "Conv2DTranspose Cropping2D",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [3, 3], output_padding: [2, 0] },
    inputs: (net) => [net.random([4, 6, 2, 3])],
    layers: "ZeroPadding2D Conv2DTranspose Cropping2D",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [3, 1], dilations: [2, 3], pads: [1, 2, 0, 1], output_padding: [1, 0] },
    inputs: (net) => [net.random([4, 6, 3, 2]), net.random([6])],
    layers: "UpSampling2D Multiply ZeroPadding2D Conv2D",
  },
  {
    op: "ConvTranspose",
    attrs: { dilations: [1, 2], pads: [3, 0, 2, 0] },
    inputs: (net) => [net.random([4, 6, 3, 2])],
    layers: "ZeroPadding2D Cropping2D Conv2D",
  },
  {
    op: "ConvTranspose",
    attrs: { group: 2, strides: [2, 2] },
    inputs: (net) => [net.random([4, 3, 2, 2]), net.random([6])],
    layers: "ChannelSplit ChannelSplit Conv2DTranspose Conv2DTranspose Concatenate",
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [2, 2], output_shape: [24, 22], auto_pad: "SAME_LOWER" },
    inputs: (net) => [net.random([4, 6, 3, 3])],
  },
  {
    op: "ConvTranspose",
    attrs: { strides: [2], auto_pad: "SAME_UPPER" },
    inputs: (net) => [net.random([4, 6, 3])],
    shape: ROW,
  },
  {
    op: "ConvTranspose",
    attrs: { auto_pad: "SAME_UPPER" },
    inputs: (net) => [net.random([4, 6, 3])],
    shape: ROW,
  },
  {
    op: "ConvTranspose",
    attrs: { auto_pad: "SAME_LOWER" },
    inputs: (net) => [net.random([4, 6, 4])],
    shape: ROW,
  },
  {
    op: "Gemm",
    attrs: { alpha: 0.5, beta: 2, transB: 1 },
    inputs: (net) => [net.random([5, 6]), net.random([1, 5])],
    shape: [6],
    layers: "Dense",
  },
  { op: "MatMul", inputs: (net) => [net.random([10, 5])], layers: "Permute Dense" },
  { op: "MatMul", inputs: (net) => [net.random([6])], shape: [5, 6], layers: "Dense Reshape" },
  { op: "MatMul", inputs: (net) => [net.random([5, 6, 3])], shape: [5, 4, 6], layers: "Permute ·matMul" },
  {
    op: "MatMul",
    first: (net) => net.random([7, 5]),
    inputs: () => ["x"],
    shape: [5, 6],
    layers: "Permute Dense Permute",
  },
  {
    op: "MatMul",
    first: (net) => net.random([3, 2, 4]),
    inputs: () => ["x"],
    shape: [3, 4, 6],
    layers: "Permute ·matMul",
  },
  { op: "MatMul", inputs: (net) => [net.add("Transpose", ["x"], { perm: [0, 2, 1] })], shape: [5, 6] },
  { op: "MatMul", inputs: (net) => [net.add("Relu", ["x"])], shape: [6, 6] },
  ...[
    { equation: "nchw->nwch", layers: "Permute" },
    { equation: "nchw->nh", layers: "·reduce" },
  ].map(({ equation, layers }) => ({ op: "Einsum", attrs: { equation }, layers })),
  ...([
    ["nchw,cd->ndhw", [4, 5], "Dense"],
    ["nchw,hwd->ndc", [13, 10, 5], "Reshape Permute Dense Permute"],
    ["nchw,cwd->nhcd", [4, 10, 3], "Permute ·matMul Permute"],
    ["nchw,k->nhk", [3], "·reduce Reshape Dense"],
  ] as const).map(([equation, shape, layers]) => ({
    op: "Einsum",
    attrs: { equation },
    inputs: (net: NetWriter) => [net.random(shape)],
    layers,
  })),
  ...["nchw,ncvw->nhv", "nchw,nchw->nc", "nchw,nchw->nhw", "nchw,nkhw->nkc"].map((equation) => ({
    op: "Einsum",
    attrs: { equation },
    inputs: (net: NetWriter) => [net.add("Relu", ["x"])],
  })),
];

const POOLS: readonly OperatorCase[] = [
  { op: "MaxPool", attrs: { kernel_shape: [2], strides: [2] }, shape: ROW, layers: "Permute MaxPooling1D Permute" },
  { op: "MaxPool", attrs: { kernel_shape: [3], strides: [2], pads: [1, 0] }, shape: ROW },
  { op: "MaxPool", attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 } },
  { op: "MaxPool", attrs: { kernel_shape: [4, 4], strides: [3, 3], pads: [2, 2, 2, 2] }, layers: "·pad MaxPooling2D" },
  { op: "MaxPool", attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0] } },
  {
    op: "MaxPool",
    attrs: { kernel_shape: [3, 2], dilations: [2, 3], strides: [2, 1], pads: [1, 1, 1, 0] },
    layers: "·pad ·maxDilated MaxPooling2D",
  },
  {
    op: "MaxPool",
    attrs: { kernel_shape: [1, 3, 2], strides: [1, 2, 1] },
    shape: [2, 3, 7, 5],
    layers: "Permute Reshape MaxPooling2D Reshape Permute",
  },
  { op: "AveragePool", attrs: { kernel_shape: [3], pads: [1, 1], strides: [2], count_include_pad: 1 }, shape: ROW },
  { op: "AveragePool", attrs: { kernel_shape: [3], pads: [1, 1], strides: [2] }, shape: ROW },
  {
    op: "AveragePool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 },
  },
  { op: "AveragePool", attrs: { kernel_shape: [3, 1, 1], pads: [1, 0, 0, 1, 0, 0] }, shape: [1, 5, 4, 3] },
  { op: "LpPool", attrs: { kernel_shape: [2, 3], strides: [2, 1], pads: [1, 1, 0, 1], p: 2 } },
  { op: "LpPool", attrs: { kernel_shape: [3], p: 1 }, shape: ROW },
  { op: "GlobalAveragePool", layers: "GlobalAveragePooling2D Reshape" },
  { op: "GlobalAveragePool", shape: [2, 3, 4, 5], layers: "·reduce" },
  { op: "GlobalMaxPool", shape: ROW, layers: "Permute GlobalMaxPooling1D Reshape" },
  { op: "ReduceMean", attrs: { axes: [2, 3], keepdims: 0 }, layers: "GlobalAveragePooling2D" },
  { op: "ReduceMax", attrs: { axes: [1, 3], keepdims: 0 } },
];

const NUMBER_BY_NUMBER: readonly OperatorCase[] = [
  ...[
    "Abs",
    "Asinh",
    "Atan",
    "Ceil",
    "Cos",
    "Cosh",
    "Erf",
    "Exp",
    "Floor",
    "Neg",
    "Round",
    "Sign",
    "Sin",
    "Sinh",
    "Tan",
  ]
    .map((op) => ({ op })),
  ...["Acos", "Asin", "Atanh"].map((op) => ({ op, first: small })),
  ...["Log", "Reciprocal", "Sqrt"].map((op) => ({ op, first: positive })),
  { op: "Acosh", first: (net) => net.add("Add", [positive(net), net.real([], [1])]) },
  ...["Relu", "Sigmoid", "Softplus", "Softsign", "Tanh", "HardSwish", "Identity", "Dropout"].map((op) => ({ op })),
  { op: "Mish", opset: 18 },
  ...["none", "tanh"].map((approximate) => ({ op: "Gelu", attrs: { approximate }, opset: 20, layers: "Activation" })),
  { op: "LeakyRelu", attrs: { alpha: 0.3 }, layers: "LeakyReLU" },
  { op: "PRelu", inputs: (net) => [net.random([4, 1, 1])], layers: "PReLU" },
  { op: "Elu", attrs: { alpha: 0.5 } },
  { op: "Celu", attrs: { alpha: 1.5 } },
  { op: "Selu", layers: "Activation" },
  { op: "Selu", attrs: { alpha: 1.5, gamma: 0.75 }, layers: "·elu Multiply" },
  { op: "ThresholdedRelu", attrs: { alpha: 0.25 }, layers: "ThresholdedReLU" },
  { op: "Shrink", attrs: { bias: 0.25, lambd: 0.75 } },
  { op: "HardSigmoid", layers: "Activation" },
  { op: "HardSigmoid", attrs: { alpha: 0.5, beta: 0.25 } },
  { op: "Clip", inputs: (net) => [net.real([], [-0.5]), net.real([], [0.25])], layers: "·clip" },
  { op: "Clip", inputs: (net) => ["", net.real([], [0.25])], layers: "·clip" },
  { op: "Clip", attrs: { min: -0.5, max: 1.5 }, opset: 9, layers: "·clip" },
  { op: "Add", inputs: (net) => [net.random([13, 1])] },
  { op: "Add", first: (net) => net.add("GlobalMaxPool", ["x"]), inputs: (net) => [net.random([1, 4, 3, 2])] },
  { op: "Sub", first: (net) => net.random([4, 1, 1]), inputs: () => ["x"] },
  { op: "Sub", inputs: (net) => [net.add("Sigmoid", ["x"])], layers: "Activation ·subtract" },
  { op: "Mul", inputs: (net) => [net.random([4, 13, 1])], layers: "Multiply" },
  { op: "Div", inputs: (net) => [positive(net)], layers: "·exp ·divide" },
  { op: "Div", inputs: (net) => [net.real([], [3])], layers: "Multiply" },
  { op: "Div", first: (net) => net.real([], [3]), inputs: (net) => [positive(net)], layers: "·exp ·divide" },
  {
    op: "Div",
    first: (net) => net.add("Cast", [net.add("Mul", ["x", net.real([], [9])])], { to: 7 }),
    inputs: (net) => [net.whole(4)],
    layers: "Multiply ·trunc ·divide ·trunc",
  },
  { op: "Pow", inputs: (net) => [net.real([], [2])], layers: "·power" },
  ...[0, 1].map((fmod) => ({
    op: "Mod",
    attrs: { fmod },
    ...(fmod === 1 ? { inputs: (net: NetWriter) => [net.real([], [0.75])] } : {
      first: (net: NetWriter) => net.add("Cast", [net.add("Mul", ["x", net.real([], [9])])], { to: 7 }),
      inputs: (net: NetWriter) => [net.whole(4)],
    }),
  })),
  ...["Max", "Min", "Mean", "Sum"].map((op) => ({
    op,
    inputs: (net: NetWriter) => [net.random([10]), net.add("Neg", ["x"])],
  })),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map((op) => ({
    op,
    inputs: (net: NetWriter) => [net.real([], [0.25])],
  })),
  ...["And", "Or", "Xor"].map((op) => ({
    op,
    first: (net: NetWriter) => mask(net, -0.25),
    inputs: (net: NetWriter) => [net.add("Not", [mask(net, 0.5)])],
  })),
  { op: "Not", first: (net) => mask(net, 0.25) },
  ...["IsNaN", "IsInf"].map((op) => ({ op, first: (net: NetWriter) => net.add("Log", ["x"]) })),
  { op: "CastLike", first: (net) => net.add("Mul", ["x", net.real([], [9])]), inputs: (net) => [net.whole(1)] },
  ...[7, 9].map((to) => ({
    op: "Cast",
    attrs: { to },
    first: (net: NetWriter) => net.add("Mul", ["x", net.real([], [9])]),
  })),
  {
    op: "Where",
    first: (net) => mask(net, 0.25),
    inputs: (net) => ["x", net.random([13, 1])],
    layers: "·greater ·where",
  },
];

const NORMALIZATIONS: readonly OperatorCase[] = [
  {
    op: "BatchNormalization",
    inputs: (net) => [[4, -1], [4, -1], [4, -1], [4, 0.5]].map(([n, low]) => net.random([n], low)),
    layers: "BatchNormalization",
  },
  {
    op: "BatchNormalization",
    shape: [4, 2, 3, 5],
    inputs: (net) => [[4, -1], [4, -1], [4, -1], [4, 0.5]].map(([n, low]) => net.random([n], low)),
    layers: "Reshape Permute BatchNormalization Reshape Permute",
  },
  { op: "InstanceNormalization", inputs: (net) => [net.random([4]), net.random([4])] },
  {
    op: "GroupNormalization",
    attrs: { num_groups: 2 },
    inputs: (net) => [net.random([2]), net.random([2])],
    opset: 18,
  },
  {
    op: "GroupNormalization",
    attrs: { num_groups: 2 },
    inputs: (net) => [net.random([4]), net.random([4])],
    opset: 21,
  },
  { op: "LRN", attrs: { size: 3, alpha: 0.5, beta: 0.6, bias: 1.5 }, layers: "·responseNorm" },
  ...[1, 2].map((p) => ({ op: "LpNormalization", attrs: { p, axis: 1 } })),
  { op: "LayerNormalization", inputs: (net) => [net.random([10])], layers: "Permute LayerNormalization" },
  { op: "LayerNormalization", shape: [2, 4, 3, 5], attrs: { axis: 3 }, inputs: (net) => [net.random([3, 5])] },
  { op: "LayerNormalization", shape: [2, 3, 2, 2], attrs: { axis: 1 }, inputs: (net) => [net.random([2, 3, 2, 2])] },
  { op: "LayerNormalization", shape: [2, 3, 2, 5], inputs: (net) => [net.random([5])] },
  {
    op: "BatchNormalization",
    shape: [3, 2, 1, 2, 2],
    inputs: (net) => [[3, -1], [3, -1], [3, -1], [3, 0.5]].map(([n, low]) => net.random([n], low)),
  },
  { op: "MeanVarianceNormalization", attrs: { axes: [2, 3] } },
  { op: "Softmax", attrs: { axis: 1 }, layers: "Softmax" },
  { op: "Softmax", attrs: { axis: 3 }, layers: "Permute Softmax Permute" },
  { op: "Softmax", attrs: { axis: 2 }, opset: 11, layers: "Reshape Permute Softmax Reshape" },
  { op: "LogSoftmax", attrs: { axis: 1 }, layers: "·logSoftmax" },
  { op: "LogSoftmax", opset: 11, shape: [3, 5], layers: "Reshape ·logSoftmax Reshape" },
  { op: "Hardmax", attrs: { axis: 1 }, layers: "·argument ·oneHot" },
];

const REDUCTIONS: readonly OperatorCase[] = [
  { op: "ReduceMean", attrs: { axes: [1], keepdims: 1 } },
  { op: "ReduceMin", attrs: { axes: [-1], keepdims: 0 } },
  { op: "ReduceSum", inputs: (net) => [net.whole(2)], attrs: { keepdims: 0 } },
  ...["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"].map((op) => ({
    op,
    attrs: { axes: [1, 3], keepdims: 0 },
  })),
  { op: "ReduceLogSum", attrs: { axes: [1], keepdims: 1 }, first: positive },
  { op: "ReduceL2", inputs: (net) => [net.whole(1)], opset: 18 },
  { op: "ArgMax", attrs: { axis: 1 }, layers: "·argument" },
  { op: "ArgMin", attrs: { axis: -1, keepdims: 0 }, layers: "·argument Permute" },
  { op: "CumSum", inputs: (net) => [net.whole(1)], layers: "·cumulate" },
  { op: "CumSum", attrs: { exclusive: 1, reverse: 1 }, inputs: (net) => [net.whole(-1)], layers: "·cumulate" },
  { op: "TopK", inputs: (net) => [net.whole(3)], attrs: { axis: 2, largest: 0 }, outputs: 2 },
  { op: "TopK", inputs: (net) => [net.whole(2)], attrs: { axis: 1 }, outputs: 2, layers: "·topK ·topK" },
];

/** All of them. */
export const OPERATOR_CASES: readonly OperatorCase[] = [
  ...CONVOLUTIONS,
  ...POOLS,
  ...NUMBER_BY_NUMBER,
  ...NORMALIZATIONS,
  ...REDUCTIONS,
];
