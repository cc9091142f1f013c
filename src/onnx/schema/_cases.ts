/** One or more applications of every operator, for the comparison with ONNX Runtime. */
import type { DType } from "../../numbers/dtype.ts";
import type { Attrs } from "../graph.ts";

/** An input: absent, fed at run time (elements 1), or constant (elements given). */
export type CaseInput = null | readonly [dtype: DType, shape: readonly number[], data?: readonly number[]];

/** One application of an operator. */
export interface Case {
  readonly op: string;
  readonly inputs: readonly CaseInput[];
  readonly attrs?: Attrs;
  readonly outputs?: number;
  readonly domain?: "com.microsoft";
  /** In `refused`: the output's dtype if the application were legal, float32 when absent. */
  readonly result?: DType;
}

const f = (...shape: number[]): CaseInput => ["float32", shape];
const ints = (...data: number[]): CaseInput => ["int64", [data.length], data];
const int = (value: number): CaseInput => ["int64", [], [value]];
const floats = (...data: number[]): CaseInput => ["float32", [data.length], data];
const u8 = (...shape: number[]): CaseInput => ["uint8", shape];
const s8 = (...shape: number[]): CaseInput => ["int8", shape];
const bool = (...shape: number[]): CaseInput => ["bool", shape];
const scale: CaseInput = ["float32", [], [0.5]];
const zero: CaseInput = ["uint8", [], [3]];
const zeroS8: CaseInput = ["int8", [], [0]];

const of = (op: string, inputs: readonly CaseInput[], attrs: Attrs = {}, outputs = 1): Case => ({
  op,
  inputs,
  attrs,
  outputs,
});

const unary =
  "Neg Abs Sign Erf Exp Log Sqrt Reciprocal Floor Ceil Round Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh " +
  "Atanh IsNaN IsInf Identity Relu LeakyRelu Elu Celu ThresholdedRelu Selu HardSigmoid HardSwish Sigmoid Tanh Softplus " +
  "Softsign Gelu Softmax LogSoftmax Hardmax Shape Size GlobalAveragePool:4 GlobalMaxPool:4 Dropout";

const elementwise: readonly Case[] = [
  ...unary.split(" ").map((word) => of(word.split(":")[0], [word.endsWith("4") ? f(2, 3, 5, 4) : f(2, 3)])),
  ...["Add", "Sub", "Mul", "Div", "Pow", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"].map((op) =>
    of(op, [f(4, 1, 3), f(2, 1)])
  ),
  ...["And", "Or", "Xor"].map((op) => of(op, [bool(2, 1), bool(3)])),
  ...["Max", "Min", "Sum", "Mean"].map((op) => of(op, [f(2, 1), f(3), f(1, 1, 1)])),
  of("Add", [f(), f()]),
  of("Add", [f(0, 3), f(1)]),
  of("Mod", [f(2, 3), f(3)], { fmod: 1 }),
  of("Mod", [["int32", [2, 3]], ["int32", [3]]]),
  of("BitShift", [u8(2, 3), u8(3)], { direction: "LEFT" }),
  of("PRelu", [f(2, 3, 4), f(3, 1)]),
  of("Clip", [f(2, 3), ["float32", [], [0]], ["float32", [], [6]]]),
  of("Clip", [f(2, 3), null, ["float32", [], [6]]]),
  of("Not", [bool(2)]),
  of("Where", [bool(3, 1), f(2), f(4, 1, 1)]),
  of("Cast", [f(2, 3)], { to: 3 }),
  of("Cast", [f(2, 3)], { to: 9 }),
  of("CastLike", [f(2, 3), ["int64", [1]]]),
];

const windows: readonly Case[] = [
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 2)]),
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 3), f(6)], { strides: [2, 3], pads: [0, 1, 2, 1], dilations: [1, 2] }),
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 3)], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 3)], { auto_pad: "SAME_LOWER", strides: [1, 3], kernel_shape: [3, 3] }),
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 3)], { auto_pad: "VALID", strides: [2, 2] }),
  of("Conv", [f(1, 4, 9, 8), f(8, 1, 3, 3)], { group: 4, pads: [1, 1, 1, 1] }),
  of("Conv", [f(1, 4, 9), f(8, 2, 3)], { group: 2 }),
  of("Conv", [f(0, 4, 9, 8), f(6, 4, 3, 2)]),
  of("ConvTranspose", [f(2, 4, 5, 6), f(4, 3, 3, 2)], { strides: [2, 3], pads: [1, 0, 1, 1], output_padding: [1, 0] }),
  of("ConvTranspose", [f(2, 4, 5, 6), f(4, 3, 3, 3), f(6)], { strides: [2, 2], auto_pad: "SAME_UPPER", group: 2 }),
  of("ConvTranspose", [f(2, 4, 5, 6), f(4, 3, 3, 3)], { strides: [2, 2], output_shape: [10, 12] }),
  of("ConvTranspose", [f(2, 4, 5, 6), f(4, 3, 3, 3)], { dilations: [2, 1] }),
  of("ConvInteger", [u8(2, 4, 9, 8), s8(6, 4, 3, 2), zero], { pads: [1, 1, 1, 1] }),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [3, 2], strides: [2, 2] }, 2),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [2, 2], strides: [3, 3], ceil_mode: 1, pads: [0, 0, 1, 1] }),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [2, 2], auto_pad: "SAME_UPPER", strides: [2, 2] }),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [2, 2], dilations: [2, 3] }),
  of("MaxPool", [u8(2, 3, 9, 8)], { kernel_shape: [2, 2] }),
  of("AveragePool", [f(2, 3, 9, 8)], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  of("AveragePool", [f(2, 3, 9, 8)], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  of("AveragePool", [f(2, 3, 7, 7)], { kernel_shape: [1, 1], strides: [2, 2], ceil_mode: 1, pads: [0, 0, 0, 0] }),
  of("LpPool", [f(2, 3, 9, 8)], { kernel_shape: [3, 3], p: 2 }),
];

const products: readonly Case[] = [
  of("MatMul", [f(2, 3), f(3, 4)]),
  of("MatMul", [f(3), f(3)]),
  of("MatMul", [f(3), f(5, 3, 4)]),
  of("MatMul", [f(5, 1, 2, 3), f(7, 3, 4)]),
  of("MatMul", [f(2, 3), f(3)]),
  of("Gemm", [f(3, 2), f(4, 3), f(4)], { transA: 1, transB: 1, alpha: 0.5 }),
  of("Gemm", [f(2, 3), f(3, 4)]),
  of("Gemm", [f(2, 3), f(3, 4), f(2, 1)]),
  of("MatMulInteger", [u8(2, 3), s8(3, 4)]),
  of("Einsum", [f(2, 3), f(3, 4)], { equation: "ij,jk->ki" }),
  of("Einsum", [f(2, 3), f(3, 4)], { equation: "zj,ja" }),
  of("FusedMatMul", [f(3, 2), f(4, 3)], { transA: 1, transB: 1, alpha: 0.5 }),
  of("FusedMatMul", [f(5, 7, 3, 2), f(4, 3)], { transA: 1, transB: 1 }),
  of("FusedMatMul", [f(2, 5, 6, 3), f(5, 6, 3, 4)], { transBatchA: 1 }),
  of("FusedMatMul", [f(3, 5, 2), f(5, 3, 4)], { transBatchA: 1, transA: 1 }),
  of("FusedGemm", [f(2, 3), f(3, 4), f(4)], { activation: "Relu" }),
  of("FusedConv", [f(2, 4, 9, 8), f(6, 4, 3, 2), f(6)], { activation: "Relu" }),
];

const reductions: readonly Case[] = [
  ...["Mean", "Max", "Min", "Prod", "SumSquare", "L1", "L2", "LogSum", "LogSumExp"].map((name) =>
    of(`Reduce${name}`, [f(2, 3, 4)], { axes: [-1, 0], keepdims: 0 })
  ),
  of("ReduceMean", [f(2, 3, 4)]),
  of("ReduceMax", [f(2, 3, 4)], { axes: [1] }),
  of("ReduceSum", [f(2, 3, 4), ints(1, -1)]),
  of("ReduceSum", [f(2, 3, 4)], { keepdims: 0 }),
  of("ReduceSum", [f(2, 3, 4)], { noop_with_empty_axes: 1 }),
  of("ArgMax", [f(2, 3, 4)], { axis: -1, keepdims: 0 }),
  of("ArgMin", [f(2, 3, 4)], { axis: 1 }),
  of("TopK", [f(2, 3, 4), ints(2)], { axis: 1 }, 2),
  of("CumSum", [f(2, 3), ["int32", [], [1]]]),
];

const movement: readonly Case[] = [
  of("Reshape", [f(2, 3, 4), ints(0, -1)]),
  of("Reshape", [f(2, 3, 4), ints(4, 1, 6)]),
  of("Reshape", [f(0, 3), ints(3, 0)], { allowzero: 1 }),
  of("Reshape", [f(1), ["int64", [0], []]]),
  ...[0, 1, -1, 3].map((axis) => of("Flatten", [f(2, 3, 4)], { axis })),
  of("Transpose", [f(2, 3, 4)]),
  of("Transpose", [f(2, 3, 4)], { perm: [1, 2, 0] }),
  of("Squeeze", [f(1, 2, 1)]),
  of("Squeeze", [f(1, 2, 1), ints(-1)]),
  of("Unsqueeze", [f(2, 3), ints(0, -1)]),
  of("Concat", [f(2, 3), f(2, 1), f(2, 2)], { axis: -1 }),
  of("Split", [f(6, 2)], {}, 3),
  of("Split", [f(2, 6), ints(1, 0, 5)], { axis: -1 }, 3),
  of("Slice", [f(9, 8, 7), ints(1, -3), ints(9007199254740991, 8)]),
  of("Slice", [f(9, 8, 7), ints(-1, 1), ints(-100, 6), ints(2, 0), ints(-2, 3)]),
  of("Slice", [f(9, 8, 7), ints(5), ints(2), ints(0)]),
  of("Slice", [f(9, 8), ints(100), ints(0), ints(-1), ints(-3)]),
  of("Pad", [f(2, 3), ints(1, 0, -1, 2)]),
  of("Pad", [f(3, 3), ints(1, 1, 0, 2), ["float32", [], [1]]], { mode: "constant" }),
  of("Pad", [f(3, 3), ints(1, 1, 0, 2)], { mode: "reflect" }),
  of("Tile", [f(2, 3), ints(2, 1)]),
  of("Expand", [f(3, 1), ints(2, 1, 6)]),
  of("Expand", [f(3, 4), ints(1)]),
  of("DepthToSpace", [f(1, 8, 2, 3)], { blocksize: 2 }),
  of("SpaceToDepth", [f(1, 2, 4, 6)], { blocksize: 2 }),
  of("Shape", [f(2, 3, 4)], { start: 1 }),
  of("Shape", [f(2, 3, 4)], { start: -2, end: -1 }),
];

const indexing: readonly Case[] = [
  of("Gather", [f(2, 3, 4), ["int64", [5, 1]]], { axis: 1 }),
  of("Gather", [f(2, 3, 4), int(1)], { axis: -1 }),
  of("GatherElements", [f(2, 3), ["int64", [1, 3]]], { axis: 0 }),
  of("GatherND", [f(2, 3, 4), ["int64", [5, 2]]]),
  // Boxes without area overlap nothing.
  of("NonMaxSuppression", [f(2, 4, 4), f(2, 3, 4), int(5), ["float32", [], [0.5]], ["float32", [], [0.5]]]),
  of("NonMaxSuppression", [f(1, 4, 4), f(1, 3, 4), ints(2), ["float32", [], [1]]], { center_point_box: 1 }),
  of("NonMaxSuppression", [f(1, 4, 4), f(1, 3, 4)]),
  of("GatherND", [f(2, 3, 4), ["int64", [2, 1]]], { batch_dims: 1 }),
  of("GatherND", [f(2, 3), ["int64", [4, 2]]]),
  of("ScatterElements", [f(2, 3), ["int64", [1, 3]], f(1, 3)], { axis: 0, reduction: "add" }),
  of("ScatterND", [f(2, 3, 4), ["int64", [5, 2]], f(5, 4)]),
  of("OneHot", [["int64", [2, 3]], int(7), floats(0, 1)]),
  of("OneHot", [["int64", [2, 3]], ints(7), floats(0, 1)], { axis: 0 }),
  of("Constant", [], { value: { dtype: "int8", shape: [2], data: Int8Array.of(1, 2) } }),
  of("Constant", [], { value_floats: [0.5, 1] }),
  of("Constant", [], { value_int: 3 }),
  of("ConstantOfShape", [ints(2, 3)]),
  of("ConstantOfShape", [ints(4)], { value: { dtype: "int32", shape: [1], data: Int32Array.of(7) } }),
  of("Range", [int(2), int(11), int(4)]),
  of("Range", [int(5), int(1), int(-2)]),
  of("Compress", [f(2, 3), ["bool", [3], [1, 0, 1]]], { axis: 1 }),
  of("Compress", [f(2, 3), ["bool", [3], [1, 0, 0]]]),
  of("EyeLike", [f(2, 3)], { dtype: 6 }),
  of("Trilu", [f(2, 3, 3)], { upper: 0 }),
  of("ReverseSequence", [f(4, 2), ["int64", [2], [4, 1]]]),
];

const images: readonly Case[] = [
  of("Resize", [f(1, 2, 3, 5), null, floats(1, 1, 2, 1.5)], { mode: "linear" }),
  of("Resize", [f(1, 2, 3, 5), null, floats(1, 1, 0.6, 0.7)], { mode: "nearest", nearest_mode: "floor" }),
  of("Resize", [f(1, 1, 10, 10), null, floats(1, 1, 1.1, 0.7)], { mode: "nearest" }),
  of("Resize", [f(1, 2, 3, 5), null, null, ints(1, 2, 7, 4)], {
    mode: "linear",
    coordinate_transformation_mode: "align_corners",
  }),
  of("GridSample", [f(2, 3, 5, 6), f(2, 4, 7, 2)]),
];

const normalization: readonly Case[] = [
  of("BatchNormalization", [f(2, 3, 4, 5), f(3), f(3), f(3), f(3)], { epsilon: 0.001 }),
  of("BatchNormalization", [f(2, 3, 4, 5), f(3), f(3), f(3), f(3)], { training_mode: 1 }, 3),
  of("InstanceNormalization", [f(2, 3, 4, 5), f(3), f(3)]),
  of("LayerNormalization", [f(2, 3, 4), f(3, 4), f(3, 4)], { axis: 1 }, 3),
  of("LRN", [f(2, 3, 4, 5)], { size: 3 }),
  of("Softmax", [f(2, 3, 4)], { axis: 1 }),
  of("Dropout", [f(2, 3), ["float32", [], [0.5]], ["bool", [], [1]]], { seed: 1 }, 2),
  of("RandomUniform", [], { shape: [2, 3], seed: 1, low: -1 }),
  of("RandomNormal", [], { shape: [2, 3], dtype: 11, scale: 2 }),
  of("RandomUniformLike", [f(2, 3)], { high: 2 }),
  of("RandomNormalLike", [["int32", [2, 3]]], { dtype: 1 }),
];

const lengths: CaseInput = ["int32", [3], [4, 1, 0]];

const recurrence: readonly Case[] = [
  of("RNN", [f(4, 3, 2), f(1, 5, 2), f(1, 5, 5)], { hidden_size: 5 }, 2),
  of("RNN", [f(4, 3, 2), f(2, 5, 2), f(2, 5, 5)], { hidden_size: 5, direction: "bidirectional" }),
  of("GRU", [f(4, 3, 2), f(1, 15, 2), f(1, 15, 5), f(1, 30), lengths], { hidden_size: 5, direction: "reverse" }, 2),
  of("GRU", [f(4, 3, 2), f(1, 15, 2), f(1, 15, 5), null, null, f(1, 3, 5)], { hidden_size: 5 }, 2),
  of("LSTM", [f(4, 3, 2), f(1, 20, 2), f(1, 20, 5), f(1, 40), lengths, f(1, 3, 5), f(1, 3, 5), f(1, 15)], {
    hidden_size: 5,
    activations: ["HardSigmoid", "Affine", "Tanh"],
    activation_alpha: [0.2, 1],
    activation_beta: [0.5, 0],
  }, 3),
  of("LSTM", [f(4, 3, 2), f(2, 20, 2), f(2, 20, 5)], { hidden_size: 5, direction: "bidirectional" }, 3),
];

const qLinearConv = [scale, zero, s8(6, 4, 3, 2), ["float32", [6], [1, 2, 3, 4, 5, 6]], ["int8", [6], [
  0,
  0,
  0,
  0,
  0,
  0,
]]] as const;
const ofMicrosoft = (op: string, inputs: readonly CaseInput[], attrs: Attrs = {}): Case => ({
  ...of(op, inputs, attrs),
  domain: "com.microsoft",
});

const quantization: readonly Case[] = [
  of("QuantizeLinear", [f(2, 3), scale]),
  of("QuantizeLinear", [f(2, 3), floats(1, 2, 3), ["int8", [3], [0, 0, 0]]], { axis: -1 }),
  of("DequantizeLinear", [u8(2, 3), scale, zero]),
  of("DequantizeLinear", [["int32", [3]], floats(1, 2, 3)], { axis: 0 }),
  of("DynamicQuantizeLinear", [f(2, 3)], {}, 3),
  of("QLinearConv", [u8(2, 4, 9, 8), ...qLinearConv, scale, zero], { pads: [1, 1, 1, 1] }),
  of("QLinearConv", [u8(2, 4, 9, 8), ...qLinearConv, scale, zero, ["int32", [6], [1, 2, 3, 4, 5, 6]]]),
  of("QLinearMatMul", [u8(2, 3), scale, zero, s8(3, 4), scale, zeroS8, scale, zero]),
  ofMicrosoft("QuantizeLinear", [f(2, 3), scale, ["uint16", [], [3]]]),
  ofMicrosoft("DequantizeLinear", [["int16", [2, 3]], scale, ["int16", [], [3]]]),
  of("QLinearAdd", [u8(2, 3), scale, zero, u8(3), scale, zero, scale, zero]),
  of("QLinearMul", [s8(2, 3), scale, zeroS8, s8(3), scale, zeroS8, scale, zeroS8]),
  of("QLinearConcat", [scale, zero, u8(2, 3), scale, zero, u8(2, 1), scale, zero], { axis: 1 }),
  of("QLinearWhere", [bool(2, 1), u8(3), scale, zero, u8(2, 3), scale, zero, scale, zero]),
  of("QLinearLeakyRelu", [u8(2, 3), scale, zero, scale, zero], { alpha: 0.1 }),
  of("QLinearSigmoid", [u8(2, 3), scale, zero, scale, zero]),
  of("QLinearSoftmax", [u8(2, 3), scale, zero, scale, zero], { axis: -1, opset: 17 }),
  of("QLinearAveragePool", [u8(1, 2, 6, 5), scale, zero, scale, zero], { kernel_shape: [3, 2], strides: [2, 2] }),
  of("QLinearAveragePool", [u8(1, 6, 5, 2), scale, zero, scale, zero], { kernel_shape: [3, 2], channels_last: 1 }),
  of("QLinearGlobalAveragePool", [u8(1, 2, 6, 5), scale, zero, scale, zero]),
  of("QLinearGlobalAveragePool", [u8(1, 6, 5, 2), scale, zero, scale, zero], { channels_last: 1 }),
  of("QGemm", [u8(2, 3), scale, zero, s8(4, 3), scale, zeroS8, ["int32", [4], [1, 2, 3, 4]], scale, zero], {
    transB: 1,
  }),
  of("QGemm", [u8(2, 3), scale, zero, s8(3, 4), scale, zeroS8]),
  of("MatMulIntegerToFloat", [u8(2, 3), s8(3, 4), scale, scale]),
  of("DynamicQuantizeMatMul", [f(2, 3), s8(3, 4), scale]),
  ...["forward", "bidirectional"].map((direction, i) =>
    of("DynamicQuantizeLSTM", lstm(i + 1, [5, 2, 3, 4]), { hidden_size: 4, direction }, 3)
  ),
  of("DynamicQuantizeLSTM", lstm(1, [5, 2, 3, 4], true), { hidden_size: 4 }),
  of("MatMulNBits", [f(2, 5, 40), blocks(3, 2, 16), f(3, 2)], nBits([40, 3], { bits: 4, size: 32 })),
  of("MatMulNBits", [f(2, 40), blocks(3, 3, 8), f(9), blocks(3, 2)], nBits([40, 3], { bits: 4, size: 16 })),
  of("MatMulNBits", [f(2, 40), blocks(1, 3, 16), f(1, 3), blocks(1, 3)], nBits([40, 1], { bits: 8, size: 16 })),
];

/** Applications that ONNX Runtime accepts. */
export const cases: readonly Case[] = [
  ...elementwise,
  ...windows,
  ...products,
  ...reductions,
  ...movement,
  ...indexing,
  ...images,
  ...normalization,
  ...recurrence,
  ...quantization,
];

/** Constant bytes, each 136: of 4 bits the middle code twice. */
function blocks(...shape: readonly number[]): CaseInput {
  return ["uint8", shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(136)];
}

/** Attributes of MatMulNBits. */
function nBits([K, N]: readonly number[], { bits, size }: { readonly bits: number; readonly size: number }): Attrs {
  return { K, N, bits, block_size: size };
}

/** Inputs of DynamicQuantizeLSTM, with scales a direction, or a column too. */
function lstm(directions: number, [steps, batch, width, units]: readonly number[], perColumn = false): CaseInput[] {
  const columns = 4 * units;
  const grid = perColumn ? [directions, columns] : [directions];
  const scales: CaseInput = [
    "float32",
    grid,
    new Array<number>(perColumn ? directions * columns : directions).fill(0.5),
  ];
  const zeros: CaseInput = ["int8", grid, new Array<number>(perColumn ? directions * columns : directions).fill(0)];
  const weights = (rows: number): CaseInput => ["int8", [directions, rows, columns]];
  const states = [f(directions, 2 * columns), ["int32", [batch]] as const, f(directions, batch, units), null, null];
  return [f(steps, batch, width), weights(width), weights(units), ...states, scales, zeros, scales, zeros];
}

/** Applications that ONNX Runtime refuses, when it loads or when it runs them. */
export const refused: readonly Case[] = [
  of("Add", [f(2, 3), f(2)]),
  of("Add", [f(2), ["int32", [2]]]),
  of("Relu", [bool(2)]),
  of("BitShift", [["int32", [2]], ["int32", [2]]], { direction: "LEFT" }),
  of("Conv", [f(2, 4, 9, 8), f(6, 3, 3, 2)]),
  of("Conv", [f(2, 4, 2, 2), f(6, 4, 3, 3)]),
  of("Conv", [f(2, 4, 9, 8), f(6, 4, 3, 3)], { pads: [1, 1] }),
  of("MaxPool", [f(2, 3, 9, 8)], { kernel_shape: [3] }),
  of("MatMul", [f(2, 3), f(2, 3)]),
  of("Gemm", [f(2, 3), f(3, 4), f(3)]),
  of("ReduceMean", [f(2, 3)], { axes: [2] }),
  of("Reshape", [f(2, 3), ints(4, -1)]),
  of("Reshape", [f(2, 3), ints(-1, -1)]),
  of("Transpose", [f(2, 3)], { perm: [0, 0] }),
  of("Squeeze", [f(2, 3), ints(0)]),
  of("Concat", [f(2, 3), f(3, 3)], { axis: 1 }),
  of("Split", [f(6), ints(1, 2)]),
  of("Pad", [f(2, 3), ints(1, 0)]),
  of("Expand", [f(3, 4), ints(2)]),
  of("Gather", [f(2, 3), ["float32", [1]]]),
  { ...of("NonMaxSuppression", [f(2, 4, 4), f(2, 3, 5), int(5)]), result: "int64" },
  { ...of("NonMaxSuppression", [f(2, 4, 4), f(1, 3, 4), int(5)]), result: "int64" },
  { ...of("NonMaxSuppression", [f(4, 4), f(3, 4), int(5)]), result: "int64" },
  of("TopK", [f(2, 3), ints(4)], {}, 2),
  of("Where", [f(1), f(1), f(1)]),
  of("BatchNormalization", [f(2, 3, 4), f(3), f(3), f(2), f(3)]),
  of("RNN", [f(4, 3), f(1, 5, 3), f(1, 5, 5)], { hidden_size: 5 }),
  of("GRU", [f(4, 3, 2), f(1, 10, 2), f(1, 15, 5)], { hidden_size: 5 }),
  of("LSTM", [f(4, 3, 2), f(1, 20, 2), f(1, 20, 5), f(1, 20)], { hidden_size: 5 }),
  of("LSTM", [f(4, 3, 2), f(1, 20, 2), f(1, 20, 5), null, ["int32", [2], [1, 1]]], { hidden_size: 5 }),
  { ...of("QuantizeLinear", [f(2, 3), floats(1, 2)], { axis: 1 }), result: "uint8" },
  of("DequantizeLinear", [u8(2), scale, zeroS8]),
  of("Clip", [f(2), ["int32", [], [0]]]),
  of("MatMulNBits", [f(2, 40), blocks(3, 1, 16), f(3, 2)], nBits([40, 3], { bits: 4, size: 32 })),
  of("MatMulNBits", [f(2, 33), blocks(3, 2, 16), f(3, 2)], nBits([40, 3], { bits: 4, size: 32 })),
  of("DynamicQuantizeLSTM", lstm(1, [5, 2, 3, 4]), { hidden_size: 5 }),
  of("DynamicQuantizeLSTM", lstm(2, [5, 2, 3, 4]), { hidden_size: 4 }),
];
