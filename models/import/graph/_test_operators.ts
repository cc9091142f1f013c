/** Graphs of one operator each, of all that TensorFlow.js reads and a model may have. */
import {
  binary,
  compared,
  conv,
  flag,
  FLOAT,
  logical,
  type OperatorCase,
  pads,
  pool,
  reduced,
  resized,
  ROW,
  strided,
  text,
  unary,
  whole,
  wholes,
  WINDOWS,
} from "./_test_parts.ts";

/** The operators that are imported. */
export const OPERATOR_CASES: readonly OperatorCase[] = [
  // arithmetic
  ...["Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum", "SquaredDifference"].flatMap((op) =>
    binary(op)
  ),
  ...["Pow", "FloorMod", "Mod", "FloorDiv", "DivNoNan"].flatMap((op) => binary(op)),
  {
    op: "AddN",
    write: (graph, x) =>
      void graph.add("AddN", "y", [x, graph.add("Exp", "a", [x]), graph.add("Abs", "b", [x])], {
        ...FLOAT,
        N: whole(3),
      }),
  },
  { op: "BiasAdd", write: (graph, x) => void graph.add("BiasAdd", "y", [x, graph.real("b", [4])]) },
  // basic_math
  ...["Abs", "Atan", "Asinh", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp", "Expm1", "Floor", "Neg", "Relu"].map((op) =>
    unary(op)
  ),
  ...["Relu6", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Square", "Tan", "Tanh"].map((op) =>
    unary(op, [-4, 4])
  ).filter(({ op }) => op !== "Tan"),
  unary("Tan"),
  ...["Acos", "Asin", "Atanh"].map((op) => unary(op, [-0.9, 0.9])),

  {
    op: "Acosh",
    write: (graph, x) => void graph.add("Acosh", "y", [graph.add("Exp", "e", [graph.add("Abs", "a", [x])])]),
  },
  ...["Log", "Log1p", "Reciprocal", "Rsqrt", "Sqrt"].map((op) => unary(op, [0.1, 3])),
  unary("LeakyRelu", undefined, { alpha: { f: 0.1 } }),
  {
    op: "ClipByValue",
    write: (graph, x) =>
      void graph.add("ClipByValue", "y", [x, graph.real("low", [], [-0.25]), graph.real("high", [], [0.5])]),
  },
  { op: "Prelu", write: (graph, x) => void graph.add("Prelu", "y", [x, graph.real("alpha", [4])]) },
  ...["IsFinite", "IsNan", "IsInf"].map((op): OperatorCase => ({
    op,
    write: (graph, x) =>
      void graph.add("Cast", "y", [graph.add(op, "mask", [graph.add("Log", "log", [x])])], {
        SrcT: { type: "DT_BOOL" },
        DstT: { type: "DT_FLOAT" },
      }),
  })),
  // convolution
  ...["SAME", "VALID"].flatMap((padding) => [
    conv("Conv2D", [3, 3, 4, 5], { strides: wholes(1, 1, 1, 1), padding: text(padding) }, padding),
    conv("Conv2D", [3, 2, 4, 5], { strides: wholes(1, 2, 2, 1), padding: text(padding) }, `${padding}, strides`),
    conv("DepthwiseConv2dNative", [3, 3, 4, 2], { strides: wholes(1, 2, 2, 1), padding: text(padding) }, padding),
    conv("Conv2D", [2, 2, 4, 3], {
      strides: wholes(1, 1, 1, 1),
      dilations: wholes(1, 2, 2, 1),
      padding: text(padding),
    }, `${padding}, dilated`),
    conv("DepthwiseConv2dNative", [2, 2, 4, 1], {
      strides: wholes(1, 1, 1, 1),
      dilations: wholes(1, 2, 2, 1),
      padding: text(padding),
    }, `${padding}, dilated`),
    pool("MaxPool", 2, 2, padding),
    pool("MaxPool", 3, 2, padding),
    pool("MaxPool", 3, 1, padding),
    pool("AvgPool", 2, 2, padding),
    pool("AvgPool", 3, 1, padding),
  ]),
  conv("Conv2D", [3, 3, 4, 2], {
    strides: wholes(1, 2, 2, 1),
    padding: text("EXPLICIT"),
    explicit_paddings: wholes(0, 0, 1, 2, 0, 1, 0, 0),
  }, "explicit"),
  {
    op: "Conv1D",
    shape: [-1, 9, 4],
    write: (graph, x) =>
      void graph.add("Conv1D", "y", [x, graph.real("k", [3, 4, 5])], {
        ...FLOAT,
        stride: whole(1),
        padding: text("SAME"),
        data_format: text("NWC"),
        dilation: whole(1),
      }),
  },
  ...["SAME", "VALID"].map((padding): OperatorCase => ({
    op: "Conv2DBackpropInput",
    what: padding,
    write: (graph, x) => {
      const [high, wide] = padding === "SAME" ? [12, 16] : [13, 17];
      const batch = graph.add("Shape", "shape", [x]);
      const rows = graph.add("StridedSlice", "rows", [
        batch,
        graph.whole("r0", 0),
        graph.whole("r1", 1),
        graph.whole("r2", 1),
      ], { T: { type: "DT_INT32" }, shrink_axis_mask: whole(1), begin_mask: whole(0), end_mask: whole(0) });
      const sides = [high, wide, 3].map((side, i) => graph.scalar(`side${i}`, side));
      const target = graph.add("Pack", "target", [rows, ...sides], {
        T: { type: "DT_INT32" },
        N: whole(4),
        axis: whole(0),
      });
      graph.add("Conv2DBackpropInput", "y", [target, graph.real("k", [3, 3, 3, 4]), x], {
        ...WINDOWS,
        strides: wholes(1, 2, 2, 1),
        padding: text(padding),
      });
    },
  })),
  // creation
  ...["OnesLike", "ZerosLike"].map((op): OperatorCase => ({
    op,
    write: (graph, x) => void graph.add("AddV2", "y", [x, graph.add(op, "like", [x])]),
  })),
  // image
  ...(["ResizeBilinear", "ResizeNearestNeighbor"] as const).flatMap((op) => [
    resized(op, false, false, [12, 16]),
    resized(op, false, true, [12, 16]),
    resized(op, true, false, [11, 15]),
    resized(op, false, false, [9, 5]),
    resized(op, false, true, [9, 5]),
  ]),
  // logical
  ...["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"].map(compared),
  ...["LogicalAnd", "LogicalOr", "LogicalNot"].map(logical),
  // matrices
  {
    op: "MatMul",
    shape: ROW,
    write: (graph, x) =>
      void graph.add("MatMul", "y", [x, graph.real("k", [5, 6])], {
        ...FLOAT,
        transpose_a: flag(false),
        transpose_b: flag(true),
      }),
  },
  ...["BatchMatMul", "BatchMatMulV2"].flatMap((op): readonly OperatorCase[] => [
    {
      op,
      what: "values, one turned",
      shape: [-1, 5, 6],
      write: (graph, x) =>
        void graph.add(op, "y", [x, graph.add("Tanh", "t", [x])], { ...FLOAT, adj_x: flag(false), adj_y: flag(true) }),
    },
    {
      op,
      what: "a constant",
      shape: [-1, 5, 6],
      write: (graph, x) =>
        void graph.add(op, "y", [x, graph.real("k", [6, 3])], { ...FLOAT, adj_x: flag(false), adj_y: flag(false) }),
    },
  ]),
  {
    op: "Einsum",
    shape: [-1, 5, 6],
    write: (graph, x) =>
      void graph.add("Einsum", "y", [x, graph.real("k", [6, 2, 3])], {
        ...FLOAT,
        equation: text("abc,cde->abde"),
        N: whole(2),
      }),
  },
  { op: "Transpose", write: (graph, x) => void graph.add("Transpose", "y", [x, graph.whole("perm", 0, 3, 1, 2)]) },
  // normalization
  ...["FusedBatchNorm", "FusedBatchNormV3"].map((op): OperatorCase => ({
    op,
    write: (graph, x) => {
      const [scale, offset, mean] = ["s", "o", "m"].map((name) => graph.real(name, [4]));
      const variance = graph.real("v", [4], [0.5, 1, 1.5, 2]);
      graph.add(op, "y", [x, scale, offset, mean, variance], {
        ...FLOAT,
        epsilon: { f: 0.001 },
        data_format: text("NHWC"),
        is_training: flag(false),
      });
    },
  })),
  {
    op: "LRN",
    write: (graph, x) =>
      void graph.add("LRN", "y", [x], {
        ...FLOAT,
        depth_radius: whole(1),
        bias: { f: 1 },
        alpha: { f: 0.5 },
        beta: { f: 0.75 },
      }),
  },
  ...["Softmax", "LogSoftmax"].map((op) => unary(op)),
  // reduction
  ...["Mean", "Max", "Min", "Sum", "Prod", "EuclideanNorm"].flatMap((op) => [
    reduced(op, [1, 2], false),
    reduced(op, [1, 2], true),
    reduced(op, [3], false),
    reduced(op, [-1], true),
  ]),
  ...["Cumsum", "Cumprod"].map((op): OperatorCase => ({
    op,
    write: (graph, x) =>
      void graph.add(op, "y", [x, graph.scalar("axis", 2)], { ...FLOAT, exclusive: flag(false), reverse: flag(false) }),
  })),
  // slice_join
  {
    op: "ConcatV2",
    write: (graph, x) =>
      void graph.add("ConcatV2", "y", [x, graph.add("Tanh", "t", [x]), graph.scalar("axis", -1)], {
        ...FLOAT,
        N: whole(2),
      }),
  },
  {
    op: "GatherV2",
    write: (graph, x) =>
      void graph.add("GatherV2", "y", [x, graph.whole("places", 3, 0, 0), graph.scalar("axis", 3)], {
        ...FLOAT,
        batch_dims: whole(0),
      }),
  },
  {
    op: "Pack",
    write: (graph, x) =>
      void graph.add("Pack", "y", [x, graph.add("Tanh", "t", [x])], { ...FLOAT, N: whole(2), axis: whole(3) }),
  },
  {
    op: "Unpack",
    write: (graph, x) => {
      graph.add("Unpack", "parts", [x], { ...FLOAT, num: whole(4), axis: whole(3) });
      graph.add("Sub", "y", ["parts:3", "parts"]);
    },
  },
  { op: "ReverseV2", write: (graph, x) => void graph.add("ReverseV2", "y", [x, graph.whole("axes", 2)]) },
  {
    op: "Slice",
    write: (graph, x) =>
      void graph.add("Slice", "y", [x, graph.whole("begin", 0, 1, 2, 0), graph.whole("size", -1, 3, -1, 2)]),
  },
  {
    op: "Split",
    write: (graph, x) => {
      graph.add("Split", "parts", [graph.scalar("axis", 3), x], { ...FLOAT, num_split: whole(2) });
      graph.add("Mul", "y", ["parts:1", "parts"]);
    },
  },
  {
    op: "SplitV",
    write: (graph, x) => {
      graph.add("SplitV", "parts", [x, graph.whole("sizes", 1, 3), graph.scalar("axis", 3)], {
        ...FLOAT,
        num_split: whole(2),
      });
      graph.add("Mul", "y", ["parts:1", "parts"]);
    },
  },
  strided("a part", { begin: [0, 1, 0, 1], end: [0, 5, 8, 3], strides: [1, 2, 1, 1] }, {
    begin_mask: whole(1),
    end_mask: whole(1),
  }),
  strided("an axis gone", { begin: [0, 0, 0, 2], end: [0, 0, 0, 3], strides: [1, 1, 1, 1] }, {
    begin_mask: whole(7),
    end_mask: whole(7),
    shrink_axis_mask: whole(8),
  }),
  strided("the last behind an ellipsis", { begin: [0, 1], end: [0, 3], strides: [1, 1] }, { ellipsis_mask: whole(1) }),
  strided("backwards", { begin: [0, 5, 0, 0], end: [0, 0, 0, 0], strides: [1, -2, 1, 1] }, {
    begin_mask: whole(13),
    end_mask: whole(13),
  }),
  strided("a new axis", { begin: [0, 0, 0], end: [0, 0, 0], strides: [1, 1, 1] }, {
    begin_mask: whole(5),
    end_mask: whole(5),
    new_axis_mask: whole(2),
  }),
  { op: "Tile", write: (graph, x) => void graph.add("Tile", "y", [x, graph.whole("times", 1, 2, 1, 3)]) },
  // transformation
  {
    op: "BroadcastTo",
    shape: [-1, 1, 8, 4],
    write: (graph, x) => {
      const shape = graph.add("Shape", "shape", [graph.add("Tile", "t", [x, graph.whole("times", 1, 5, 1, 1)])]);
      graph.add("BroadcastTo", "y", [x, shape]);
    },
  },
  {
    op: "Cast",
    write: (graph, x) => void graph.add("Cast", "y", [x], { SrcT: { type: "DT_FLOAT" }, DstT: { type: "DT_HALF" } }),
  },
  ...["NHWC"].map((format): OperatorCase => ({
    op: "DepthToSpace",
    write: (graph, x) =>
      void graph.add("DepthToSpace", "y", [x], { ...FLOAT, block_size: whole(2), data_format: text(format) }),
  })),
  { op: "ExpandDims", write: (graph, x) => void graph.add("ExpandDims", "y", [x, graph.scalar("axis", 2)]) },
  ...["REFLECT", "SYMMETRIC"].map((mode): OperatorCase => ({
    op: "MirrorPad",
    what: mode,
    write: (graph, x) =>
      void graph.add("MirrorPad", "y", [x, pads(graph, [0, 0, 1, 2, 2, 1, 0, 0])], { ...FLOAT, mode: text(mode) }),
  })),
  { op: "Pad", write: (graph, x) => void graph.add("Pad", "y", [x, pads(graph, [0, 0, 1, 0, 0, 2, 0, 0])]) },
  {
    op: "PadV2",
    write: (graph, x) =>
      void graph.add("PadV2", "y", [x, pads(graph, [0, 0, 1, 0, 0, 2, 1, 0]), graph.real("v", [], [0.5])]),
  },
  { op: "Reshape", write: (graph, x) => void graph.add("Reshape", "y", [x, graph.whole("shape", -1, 48, 4)]) },
  {
    op: "Squeeze",
    shape: [-1, 1, 8, 4],
    write: (graph, x) => void graph.add("Squeeze", "y", [x], { ...FLOAT, squeeze_dims: wholes(1) }),
  },
  ...["Identity", "Snapshot", "StopGradient"].map((op): OperatorCase => ({
    op,
    write: (graph, x) => void graph.add("Tanh", "y", [graph.add(op, "same", [x])]),
  })),
  {
    op: "IdentityN",
    write: (graph, x) => {
      graph.add("IdentityN", "same", [x, graph.add("Exp", "e", [x])], {
        T: { list: { type: ["DT_FLOAT", "DT_FLOAT"] } },
      });
      graph.add("Sub", "y", ["same:1", "same"]);
    },
  },
];
