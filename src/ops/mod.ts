/** The table of ops: for each TF.js kernel that ONNX can express, the op that says how. */
import { clipByValue, eluGrad, leakyRelu, logSoftmax, prelu, relu6, softmax } from "./activation.ts";
import { batchMatMul } from "./batch_mat_mul.ts";
import { batchNormTraining, batchNormTrainingGrad } from "./batch_norm_training.ts";
import { binary } from "./binary.ts";
import { cast } from "./cast.ts";
import { comparisons } from "./compare.ts";
import { expm1, log1p, rsqrt, sign, square, squaredDifference, step, tan } from "./composed.ts";
import { conv2d } from "./conv2d.ts";
import { conv2dBackpropFilter } from "./conv2d_backprop_filter.ts";
import { conv2dBackpropInput } from "./conv2d_backprop_input.ts";
import { depthToSpace } from "./depth_to_space.ts";
import { depthwiseConv2dNative } from "./depthwise_conv2d_native.ts";
import { depthwiseConv2dNativeBackpropFilter } from "./depthwise_conv2d_native_backprop_filter.ts";
import { depthwiseConv2dNativeBackpropInput } from "./depthwise_conv2d_native_backprop_input.ts";
import { diag } from "./diag.ts";
import { floorDiv, mod } from "./division.ts";
import { einsum } from "./einsum.ts";
import { fakeQuantize } from "./fake_quantize.ts";
import { fakeQuantizeGrad } from "./fake_quantize_grad.ts";
import { fill, onesLike, zerosLike } from "./fill.ts";
import { fusedConv2d, fusedDepthwiseConv2d, fusedMatMul } from "./fused.ts";
import { fusedBatchNorm } from "./fused_batch_norm.ts";
import { groupConv2d, groupConv2dBackpropFilter, groupConv2dBackpropInput } from "./group_conv2d.ts";
import { gru } from "./gru.ts";
import { gruGrad } from "./gru_grad.ts";
import { argMax, argMin, gatherNd, gatherV2, oneHot, topK } from "./indexing.ts";
import { addN, concat, pack, splitV, unpack } from "./join.ts";
import { classify, logical } from "./logical.ts";
import { lrn, lrnGrad } from "./lrn.ts";
import { lstm } from "./lstm.ts";
import { lstmGrad } from "./lstm_grad.ts";
import { maxPoolGrad } from "./max_pool_grad.ts";
import type { Op } from "./op.ts";
import { mirrorPad, padV2 } from "./pad.ts";
import { avgPool, avgPoolGrad, maxPool } from "./pool.ts";
import { linSpace, range } from "./range.ts";
import { reductions } from "./reduce.ts";
import { resizeBilinear, resizeNearestNeighbor } from "./resize.ts";
import { resizeBilinearGrad, resizeNearestNeighborGrad } from "./resize_grad.ts";
import { flipLeftRight, reverse } from "./reverse.ts";
import { cumprod, cumsum } from "./scan.ts";
import { scatterNd, tensorScatterUpdate, unsortedSegmentSum } from "./scatter.ts";
import { select } from "./select.ts";
import { broadcastTo, expandDims, identity, reshape, tile, transpose } from "./shape.ts";
import { simpleRnn } from "./simple_rnn.ts";
import { simpleRnnGrad } from "./simple_rnn_grad.ts";
import { slice } from "./slice.ts";
import { batchToSpaceND, spaceToBatchND } from "./space_to_batch_nd.ts";
import { stridedSlice } from "./strided_slice.ts";
import { unary } from "./unary.ts";

const TABLE = {
  _FusedMatMul: fusedMatMul,
  Abs: unary.Abs,
  Acos: unary.Acos,
  Acosh: unary.Acosh,
  Add: binary.Add,
  AddN: addN,
  All: reductions.All,
  Any: reductions.Any,
  ArgMax: argMax,
  ArgMin: argMin,
  Asin: unary.Asin,
  Asinh: unary.Asinh,
  Atan: unary.Atan,
  Atanh: unary.Atanh,
  AvgPool: avgPool,
  AvgPoolGrad: avgPoolGrad,
  BatchMatMul: batchMatMul,
  BatchNormTraining: batchNormTraining,
  BatchNormTrainingGrad: batchNormTrainingGrad,
  BatchToSpaceND: batchToSpaceND,
  BroadcastTo: broadcastTo,
  Cast: cast,
  Ceil: unary.Ceil,
  ClipByValue: clipByValue,
  Concat: concat,
  Conv2D: conv2d,
  Conv2DBackpropFilter: conv2dBackpropFilter,
  Conv2DBackpropInput: conv2dBackpropInput,
  Cos: unary.Cos,
  Cosh: unary.Cosh,
  Cumprod: cumprod,
  Cumsum: cumsum,
  DepthToSpace: depthToSpace,
  DepthwiseConv2dNative: depthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter: depthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseConv2dNativeBackpropInput,
  Diag: diag,
  Einsum: einsum,
  Elu: unary.Elu,
  EluGrad: eluGrad,
  Equal: comparisons.Equal,
  Erf: unary.Erf,
  Exp: unary.Exp,
  ExpandDims: expandDims,
  Expm1: expm1,
  FakeQuantize: fakeQuantize,
  FakeQuantizeGrad: fakeQuantizeGrad,
  Fill: fill,
  FlipLeftRight: flipLeftRight,
  Floor: unary.Floor,
  FloorDiv: floorDiv,
  FusedBatchNorm: fusedBatchNorm,
  FusedConv2D: fusedConv2d,
  FusedDepthwiseConv2D: fusedDepthwiseConv2d,
  GatherNd: gatherNd,
  GatherV2: gatherV2,
  GroupConv2D: groupConv2d,
  GroupConv2DBackpropFilter: groupConv2dBackpropFilter,
  GroupConv2DBackpropInput: groupConv2dBackpropInput,
  Greater: comparisons.Greater,
  GreaterEqual: comparisons.GreaterEqual,
  Gru: gru,
  GruGrad: gruGrad,
  Identity: identity,
  IsFinite: classify.IsFinite,
  IsInf: classify.IsInf,
  IsNan: classify.IsNan,
  LeakyRelu: leakyRelu,
  Less: comparisons.Less,
  LessEqual: comparisons.LessEqual,
  LinSpace: linSpace,
  Log: unary.Log,
  Log1p: log1p,
  LogicalAnd: logical.LogicalAnd,
  LogicalNot: logical.LogicalNot,
  LogicalOr: logical.LogicalOr,
  LogicalXor: logical.LogicalXor,
  LogSoftmax: logSoftmax,
  LRN: lrn,
  LRNGrad: lrnGrad,
  Lstm: lstm,
  LstmGrad: lstmGrad,
  Max: reductions.Max,
  Maximum: binary.Maximum,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  Mean: reductions.Mean,
  Min: reductions.Min,
  Minimum: binary.Minimum,
  MirrorPad: mirrorPad,
  Mod: mod,
  Multiply: binary.Multiply,
  Neg: unary.Neg,
  NotEqual: comparisons.NotEqual,
  OneHot: oneHot,
  OnesLike: onesLike,
  Pack: pack,
  PadV2: padV2,
  Pow: binary.Pow,
  Prelu: prelu,
  Prod: reductions.Prod,
  Range: range,
  RealDiv: binary.RealDiv,
  Reciprocal: unary.Reciprocal,
  Relu: unary.Relu,
  Relu6: relu6,
  Reshape: reshape,
  ResizeBilinear: resizeBilinear,
  ResizeBilinearGrad: resizeBilinearGrad,
  ResizeNearestNeighbor: resizeNearestNeighbor,
  ResizeNearestNeighborGrad: resizeNearestNeighborGrad,
  Reverse: reverse,
  Round: unary.Round,
  Rsqrt: rsqrt,
  ScatterNd: scatterNd,
  Select: select,
  Selu: unary.Selu,
  Sigmoid: unary.Sigmoid,
  Sign: sign,
  SimpleRnn: simpleRnn,
  SimpleRnnGrad: simpleRnnGrad,
  Sin: unary.Sin,
  Sinh: unary.Sinh,
  Slice: slice,
  Softmax: softmax,
  Softplus: unary.Softplus,
  SpaceToBatchND: spaceToBatchND,
  SplitV: splitV,
  Sqrt: unary.Sqrt,
  Square: square,
  SquaredDifference: squaredDifference,
  Step: step,
  StridedSlice: stridedSlice,
  Sub: binary.Sub,
  Sum: reductions.Sum,
  Tan: tan,
  Tanh: unary.Tanh,
  TensorScatterUpdate: tensorScatterUpdate,
  Tile: tile,
  TopK: topK,
  Transpose: transpose,
  Unpack: unpack,
  UnsortedSegmentSum: unsortedSegmentSum,
  ZerosLike: zerosLike,
} as const satisfies Readonly<Record<string, Op>>;

/** Names of the kernels that ONNX can express. */
export type KernelName = keyof typeof TABLE;

/** Ops by kernel. Kernels that are not here run on TF.js's cpu backend. */
export const OPS: Readonly<Record<KernelName, Op>> = TABLE;
