/**
 * The operators of TensorFlow that TensorFlow.js 4.22 reads: those that become layers, and why the others do not.
 *
 * What becomes of each depends on its attributes too; see the operators of ONNX that they are recorded as.
 */

/** Operators that are imported, in the groups of tfjs-converter's list. */
export const GRAPH_OPERATORS: Readonly<Record<string, readonly string[]>> = {
  arithmetic: list(
    "Add AddN AddV2 BiasAdd Div DivNoNan FloorDiv FloorMod Maximum Minimum Mod Mul Pow RealDiv SquaredDifference Sub",
  ),
  "basic math": list(
    "Abs Acos Acosh Asin Asinh Atan Atanh Ceil ClipByValue Cos Cosh Elu Erf Exp Expm1 Floor IsFinite IsInf IsNan LeakyRelu " +
      "Log Log1p Neg Prelu Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square Tan Tanh",
  ),
  convolution: list(
    "AvgPool Conv1D Conv2D Conv2DBackpropInput DepthwiseConv2d DepthwiseConv2dNative FusedDepthwiseConv2dNative MaxPool " +
      "_FusedConv2D",
  ),
  creation: list("Fill OnesLike Range ZerosLike"),
  graph: list(
    "Const Identity IdentityN NoOp Placeholder PlaceholderWithDefault Rank Shape ShapeN Size Snapshot StopGradient",
  ),
  image: list("ResizeBilinear ResizeNearestNeighbor"),
  logical: list(
    "Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalNot LogicalOr NotEqual Select SelectV2",
  ),
  matrices: list("BatchMatMul BatchMatMulV2 Einsum MatMul Transpose _FusedMatMul"),
  normalization: list(
    "EuclideanNorm FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN LogSoftmax Softmax",
  ),
  reduction: list("Cumprod Cumsum Max Mean Min Prod Sum"),
  "slice and join": list(
    "Concat ConcatV2 Gather GatherV2 Pack Reverse ReverseV2 Slice Split SplitV StridedSlice Tile Unpack",
  ),
  transformation: list(
    "BroadcastTo Cast DepthToSpace EnsureShape ExpandDims MirrorPad Pad PadV2 Reshape Squeeze",
  ),
};

const DYNAMIC = "how much it gives depends on what it reads";
const FLOW = "it is part of a loop or a branch";
const TEXT = "it works on texts, layers work on numbers";
const COMPLEX = "its numbers are complex, layers have real ones";
const SPACE = "it works on pictures of three dimensions";
const RANDOM = "it gives random numbers";
const SPARSE = "it works on lists of places, layers on all numbers";
const TREES = "it asks decision trees";

/** Why operators are not imported, by the groups of tfjs-converter's list and others of their kind. */
const REASONS: readonly (readonly [because: string, operators: readonly string[]])[] = [
  [
    FLOW,
    list(
      "EmptyTensorList Enter Exit If LoopCond Merge NextIteration StatelessIf StatelessWhile Switch TensorArrayCloseV3 " +
        "TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 " +
        "TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2 TensorListFromTensor TensorListGather " +
        "TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize " +
        "TensorListScatter TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack While",
    ),
  ],
  [
    DYNAMIC,
    list(
      "Bincount DenseBincount ListDiff NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 Unique " +
        "UniqueV2 Where",
    ),
  ],
  [
    TEXT,
    list(
      "HashTable HashTableV2 InitializeTable InitializeTableV2 LookupTableFind LookupTableFindV2 LookupTableImport " +
        "LookupTableImportV2 LookupTableSize LookupTableSizeV2 StaticRegexReplace StringNGrams StringSplit " +
        "StringToHashBucketFast",
    ),
  ],
  [COMPLEX, list("Complex ComplexAbs FFT IFFT IRFFT Imag RFFT Real")],
  [SPACE, list("AvgPool3D Conv3D MaxPool3D")],
  [
    RANDOM,
    list("Multinomial RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal"),
  ],
  [
    SPARSE,
    list(
      "RaggedGather RaggedRange RaggedTensorToTensor SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum",
    ),
  ],
  [TREES, list("SimpleMLCreateModelResource SimpleMLInferenceOpWithHandle SimpleMLLoadModelFromPathWithHandle")],
];

/** Why operators are not imported, whatever their attributes are. */
export const REFUSED_OPERATORS: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([because, operators]) => operators.map((op) => [op, because] as const)),
);

function list(names: string): readonly string[] {
  return names.split(" ");
}
