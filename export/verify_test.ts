import assert from "node:assert/strict";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerBackend } from "../src/backend/mod.ts";
import type { Value } from "../src/onnx/writer.ts";
import { encodeModel } from "../src/onnx/file/mod.ts";
import { foldBatchNorm } from "../src/passes/deploy/fold_batch_norm.ts";
import { globalAveragePool } from "../src/passes/deploy/global_average_pool.ts";
import { mergePad } from "../src/passes/deploy/merge_pad.ts";
import { tanhBySigmoid } from "../src/passes/deploy/tanh_by_sigmoid.ts";
import type { Pass } from "../src/passes/pass.ts";
import { islandModel, sequentialModel } from "../tests/_support/small_models.ts";
import { prepareCalibrated } from "./_test_support.ts";
import { type Sketch, sketch } from "./_test_qdq.ts";
import { toOnnx } from "./to_onnx.ts";
import { type Fusion, verifyFusion, type VerifyOptions } from "./verify.ts";

function verify(draw: (s: Sketch) => Value | readonly Value[], options: VerifyOptions = {}): Fusion {
  const graph = sketch(draw);
  return verifyFusion(encodeModel(graph, { opset: 17 }), graph, options);
}

/** One graph and what ONNX Runtime makes of it: the reasons of its float operators by name. */
interface Case {
  readonly when: string;
  readonly draw: (s: Sketch) => Value | readonly Value[];
  readonly int8?: Fusion["int8"];
  readonly moved?: Fusion["moved"];
  readonly float?: Readonly<Record<string, string>>;
}

const POOL = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
const LEAKY = { alpha: 0.1 };

const CASES: readonly Case[] = [
  {
    when: "a convolution is quantized all around",
    draw: (s) => s.qdq(s.conv(s.qdq(s.x))),
    int8: { QLinearConv: 1 },
  },
  {
    when: "a ReLU's grid starts at 0",
    draw: (s) => s.qdq(s.node("relu", "Relu", { inputs: [s.conv(s.qdq(s.x))] })),
    int8: { QLinearConv: 1 },
  },
  {
    when: "a LeakyReLU has its own grid behind the convolution's",
    draw: (s) =>
      s.qdq(s.node("leaky", "LeakyRelu", { inputs: [s.qdq(s.conv(s.qdq(s.x)), { zeroPoint: 99 })], attrs: LEAKY })),
    int8: { QLinearConv: 1, QLinearLeakyRelu: 1 },
  },
  {
    when: "codes are split, and both parts go on",
    draw: (s) => {
      const attrs = { axis: 1 };
      const parts = s.builder.nodes("Split", [s.qdq(s.x), s.ints(2, 2)], attrs, 2);
      return parts.map((part, i) =>
        s.qdq(s.node(`turn${i}`, "Transpose", { inputs: [s.qdq(part)], attrs: { perm: [0, 2, 3, 1] } }))
      );
    },
    moved: { Split: 1, Transpose: 2 },
  },
  {
    when: "a matrix product gives real numbers, which are reshaped",
    draw: (s) => {
      const rows = s.qdq(s.node("flat", "Reshape", { inputs: [s.qdq(s.x), s.ints(1, 64)] }));
      const product = s.node("dense", "Gemm", { inputs: [rows, s.weights([64, 2], 1), s.bias(2)] });
      return s.node("turned", "Reshape", { inputs: [product, s.ints(2, 1)] });
    },
    int8: { QGemm: 1 },
    moved: { Reshape: 1 },
    float: { turned: `its input comes in float from "dense" (Gemm)` },
  },
  {
    when: "the strongest of the codes is found",
    draw: (s) => s.node("best", "ArgMax", { inputs: [s.qdq(s.x)], attrs: { axis: 1, keepdims: 0 } }),
    int8: { ArgMax: 1 },
  },
  {
    when: "a convolution's output is not quantized",
    draw: (s) => s.conv(s.qdq(s.x)),
    float: { conv: "its output is the model's answer, and is not quantized" },
  },
  {
    when: "the model's input is not quantized",
    draw: (s) => s.qdq(s.conv(s.x)),
    float: { conv: `the model's input "x" is not quantized before it` },
  },
  {
    when: "weights are not quantized",
    draw: (s) => s.qdq(s.conv(s.qdq(s.x), s.builder.constant("float32", [4, 4, 1, 1], new Float32Array(16), "w"))),
    float: { conv: `its constant "w" is not quantized` },
  },
  {
    when: "a LeakyReLU stands before the grid",
    draw: (s) => s.qdq(s.node("leaky", "LeakyRelu", { inputs: [s.conv(s.qdq(s.x))], attrs: LEAKY })),
    float: { conv: `"leaky" (LeakyRelu) stands between it and a QuantizeLinear` },
  },
  {
    when: "batch normalization was not folded",
    draw: (s) => {
      const [scale, shift, mean, variance] = [1.5, 0.1, 0.2, 0.9].map((value) => s.float([4], value));
      return s.qdq(s.node("bn", "BatchNormalization", { inputs: [s.conv(s.qdq(s.x)), scale, shift, mean, variance] }));
    },
    float: {
      conv: `"bn" (BatchNormalization) stands between it and a QuantizeLinear`,
      bn: "ONNX Runtime has no int8 kernel for BatchNormalization",
    },
  },
  {
    when: "a ReLU's grid reaches below 0",
    draw: (s) => s.qdq(s.node("relu", "Relu", { inputs: [s.conv(s.qdq(s.x))] }), { scale: 0.02, zeroPoint: 100 }),
    float: {
      conv: `"relu" (Relu) cannot be absorbed: the grid behind it reaches from -2 to 3.1, beyond 0 to Infinity`,
    },
  },
  {
    when: "a clip's grid reaches beyond it",
    draw: (s) => {
      const inputs = [
        s.conv(s.qdq(s.x)),
        s.builder.constant("float32", [], [0]),
        s.builder.constant("float32", [], [6]),
      ];
      return s.qdq(s.node("clip", "Clip", { inputs }), { scale: 0.04 });
    },
    float: { conv: `"clip" (Clip) cannot be absorbed: the grid behind it reaches from 0 to 10.2, beyond 0 to 6` },
  },
  {
    when: "an output goes to two grids",
    draw: (s) => {
      const y = s.conv(s.qdq(s.x));
      return [s.qdq(y), s.qdq(y, { scale: 0.05 })];
    },
    float: { conv: "its output goes to 2 operators, needed is one QuantizeLinear" },
  },
  {
    when: "an output is the model's before it is quantized",
    draw: (s) => {
      const y = s.conv(s.qdq(s.x));
      return [s.qdq(y), y];
    },
    float: { conv: "its output is also the model's answer, before it is quantized" },
  },
  {
    when: "one summand is in float",
    draw: (s) =>
      s.qdq(s.node("sum", "Add", { inputs: [s.qdq(s.x), s.node("tanh", "Tanh", { inputs: [s.qdq(s.x)] })] })),
    float: {
      tanh: "ONNX Runtime has no int8 kernel for Tanh",
      sum: `its input comes in float from "tanh" (Tanh)`,
    },
  },
  {
    when: "padding is not with the grid's zero",
    draw: (s) => {
      const inputs = [s.qdq(s.x), s.ints(0, 0, 1, 1, 0, 0, 1, 1), s.builder.constant("float32", [], [1])];
      return s.qdq(s.conv(s.node("pad", "Pad", { inputs })));
    },
    float: {
      pad: "Pad has no int8 kernel, and it could not be merged into the operator after it",
      conv: `its input comes in float from "pad" (Pad)`,
    },
  },
  {
    when: "a pool's grids differ",
    draw: (s) => s.qdq(s.node("pool", "MaxPool", { inputs: [s.qdq(s.x)], attrs: POOL }), { scale: 0.03 }),
    float: { pool: "the grids before and behind it differ, needed is one" },
  },
  {
    when: "resizing interpolates",
    draw: (s) => {
      const inputs = [s.qdq(s.x), null, s.builder.constant("float32", [4], [1, 1, 2, 2])];
      return s.qdq(s.node("up", "Resize", { inputs, attrs: { mode: "linear" } }));
    },
    float: { up: "int8 Resize takes the nearest neighbour only" },
  },
  {
    when: "a ReLU stands alone and its grids reach below 0",
    draw: (s) => s.qdq(s.node("relu", "Relu", { inputs: [s.qdq(s.x, { zeroPoint: 99 })] }), { zeroPoint: 99 }),
    float: { relu: "ONNX Runtime runs Relu on codes only as a part of the operator before it" },
  },
  {
    when: "a matrix product has a float bias and a float output",
    draw: (s) => {
      const rows = s.qdq(s.node("flat", "Reshape", { inputs: [s.qdq(s.x), s.ints(1, 64)] }));
      return s.node("dense", "Gemm", { inputs: [rows, s.weights([64, 2], 1), s.float([2], 0.5)] });
    },
    moved: { Reshape: 1 },
    float: { dense: "its output is not quantized, and its bias is not int32" },
  },
  {
    when: "a float matrix product takes its activation in",
    draw: (s) => {
      const rows = s.node("flat", "Reshape", { inputs: [s.x, s.ints(1, 64)] });
      const product = s.node("dense", "Gemm", { inputs: [rows, s.float([64, 2], 0.1), s.float([2], 0.5)] });
      return s.node("relu", "Relu", { inputs: [product] });
    },
    float: {
      flat: `the model's input "x" is not quantized before it`,
      dense: `its input comes in float from "flat" (Reshape)`,
    },
  },
  {
    when: "the model begins in float",
    draw: (s) => {
      const turned = s.node("turn", "Transpose", { inputs: [s.x], attrs: { perm: [0, 1, 3, 2] } });
      return s.qdq(s.conv(s.qdq(s.node("elu", "Elu", { inputs: [turned] }))));
    },
    int8: { QLinearConv: 1 },
    float: {
      turn: `the model's input "x" is not quantized before it`,
      elu: "ONNX Runtime has no int8 kernel for Elu",
    },
  },
  {
    when: "the answer's softmax is not quantized",
    draw: (s) => s.node("softmax", "Softmax", { inputs: [s.qdq(s.x)], attrs: { axis: 1 } }),
    float: { softmax: "its output is the model's answer, and is not quantized" },
  },
];

for (const { when, draw, int8 = {}, moved = {}, float = {} } of CASES) {
  Deno.test(`verifyFusion() tells what is int8 and why the rest is not when ${when}`, () => {
    const fusion = verify(draw);
    assert.deepEqual([fusion.int8, fusion.moved], [int8, moved]);
    assert.deepEqual(Object.fromEntries(fusion.float.map(({ layer, because }) => [layer, because])), float);
  });
}

Deno.test("verifyFusion() gives the reason of the one who left a layer in float", () => {
  const because = "it was asked to stay in float";
  const { float } = verify((s) => s.qdq(s.conv(s.x)), { islands: [{ layer: "conv", because }] });
  assert.deepEqual(float, [{ op: "Conv", node: "conv", layer: "conv", because }]);
});

/** What passes said of operators that they could not bring to integers, and what is made of it. */
const DECLINED: readonly (readonly [string, Pass, (s: Sketch) => Value, string])[] = [
  ["Pad", mergePad, (s) => {
    const inputs = [s.qdq(s.x), s.ints(0, 0, 1, 1, 0, 0, 1, 1), s.float([], 1)];
    return s.qdq(s.conv(s.node("Pad", "Pad", { inputs })));
  }, "Pad has no int8 kernel, and it could not be merged into the operator after it: it pads with 1, needed is 0"],
  [
    "Tanh",
    tanhBySigmoid,
    (s) => s.qdq(s.node("Tanh", "Tanh", { inputs: [s.qdq(s.x)] })),
    "ONNX Runtime has no int8 kernel for Tanh: its results are on no grid that a sigmoid has as well",
  ],
  [
    "ReduceMean",
    globalAveragePool,
    (s) => s.qdq(s.node("ReduceMean", "ReduceMean", { inputs: [s.qdq(s.x)], attrs: { axes: [1] } })),
    "ONNX Runtime has no int8 kernel for ReduceMean: it takes means over axes [1], needed are all but the batch's and " +
    "the channels'",
  ],
  [
    "BatchNormalization",
    foldBatchNorm,
    (s) => {
      const parameters = [1.5, 0.1, 0.2, 0.9].map((value) => s.float([4], value));
      return s.node("BatchNormalization", "BatchNormalization", { inputs: [s.x, ...parameters] });
    },
    "ONNX Runtime has no int8 kernel for BatchNormalization: no convolution or product stands right before it",
  ],
];

for (const [op, pass, draw, because] of DECLINED) {
  Deno.test(`verifyFusion() gives the reason for which ${pass.name} left ${op} as it is`, () => {
    const { declined } = pass.run(sketch(draw));
    const { float } = verify(draw, { declined });
    assert.equal(float.find((found) => found.op === op)?.because, because);
  });
}

Deno.test("toOnnx() tells by the names of the file what its passes declined", async () => {
  await registerBackend();
  const { layers } = tfl;
  const model = tfl.sequential({
    layers: [
      layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], name: "conv" }),
      layers.activation({ activation: "tanh", name: "curve" }),
    ],
  });
  const { graph, declined } = await toOnnx(model);
  assert.deepEqual(declined.map(({ pass, node, op, layer }) => ({ pass, node, op, layer })), [
    { pass: "tanhBySigmoid", node: "curve", op: "Tanh", layer: "curve" },
  ]);
  assert.ok(graph.nodes.some(({ name, op }) => name === "curve" && op === "Tanh"));
});

Deno.test("verifyFusion() lists the nodes that run, in order, with whom they read", async () => {
  await registerBackend();
  const { model } = await prepareCalibrated(sequentialModel());
  const { bytes, graph } = await toOnnx(model);
  const { nodes, float } = verifyFusion(bytes, graph);
  assert.deepEqual(float, []);
  assert.deepEqual(nodes.map(({ op, layer }) => `${layer}: ${op}`), [
    "conv1_input_quant: QuantizeLinear",
    "conv1: Transpose",
    "conv1: QLinearConv",
    "pool1: MaxPool",
    "dw: QLinearConv",
    "fc_linear: Transpose",
    "fc_linear: Reshape",
    "fc_linear: QGemm",
    "fc: QLinearSoftmax",
    "fc_quant: DequantizeLinear",
  ]);
  assert.deepEqual(nodes[0].inputs, ["conv1_input"]);
  nodes.slice(1).forEach(({ inputs }, i) => assert.deepEqual(inputs, [nodes[i].name]));
  assert.equal(new Set(nodes.map(({ name }) => name)).size, nodes.length);
});

Deno.test("verifyFusion() names every layer of a model's float islands", async () => {
  await registerBackend();
  const { model, islands } = await prepareCalibrated(islandModel());
  const { bytes, graph } = await toOnnx(model);
  const { float, int8 } = verifyFusion(bytes, graph, { islands });
  assert.ok(int8.QLinearConv >= 2);
  const reasons = new Map(islands.map(({ layer, because }) => [layer, because]));
  assert.ok(reasons.has("elu") && reasons.has("flat"));
  assert.deepEqual(new Set(float.map(({ layer }) => layer)), new Set(reasons.keys()));
  for (const { layer, because } of float) assert.equal(because, reasons.get(layer));
});

Deno.test("verifyFusion() leaves no file behind", () => {
  const folder = Deno.makeTempDirSync();
  const makeTempFileSync = Deno.makeTempFileSync;
  Deno.makeTempFileSync = (options) => makeTempFileSync({ ...options, dir: folder });
  try {
    verify((s) => s.qdq(s.conv(s.qdq(s.x))));
    assert.throws(() => verifyFusion(new Uint8Array([1, 2, 3]), sketch((s) => s.qdq(s.x))));
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    Deno.makeTempFileSync = makeTempFileSync;
    Deno.removeSync(folder, { recursive: true });
  }
});
