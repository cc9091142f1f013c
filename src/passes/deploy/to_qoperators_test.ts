/** Operators on codes against what ONNX Runtime makes of the pairs that they replace. */
import assert from "node:assert/strict";
import { assertLegal } from "../../onnx/check/check.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { Session } from "../../runtime/session.ts";
import { fakeQuantized, graphOf, ints, opsOf, quantizedWeights, reals } from "../_test_support.ts";
import { runPasses } from "../pass.ts";
import { nameNodes } from "./name_nodes.ts";
import { gridsOfForm } from "./qoperator_forms.ts";
import { toQOperators } from "./to_qoperators.ts";

const [Q, DQ] = ["QuantizeLinear", "DequantizeLinear"];
const GRID = { scale: 0.011, zeroPoint: 120 };
const SHAPE = [2, 4, 6, 6];
const SIZE = 288;

type Between = (b: GraphBuilder, x: Value) => Value;

/** x on a grid → `between` → another grid. */
function between(make: Between, output = { scale: 0.03, zeroPoint: 100 }): Graph {
  return graphOf(SHAPE, (b, x) => fakeQuantized(b, make(b, fakeQuantized(b, x, GRID)), output));
}

/** Runs a file as users do, with exact products. */
function runFile(graph: Graph): readonly number[] {
  const session = new Session(encodeModel(graph), { precise: true, threads: 1 });
  try {
    const x = { dtype: "float32", shape: SHAPE, data: Float32Array.from(reals(SIZE, 5)) } as const;
    return [...session.run({ x })[graph.outputs[0]].data as Float32Array];
  } finally {
    session.dispose();
  }
}

/** Applies the pass, and asserts that nothing else comes out of its file than ONNX Runtime computes of the pairs. */
function written(unnamed: Graph): { readonly ops: readonly string[]; readonly because: readonly string[] } {
  const graph = nameNodes(unnamed);
  const { graph: after, declined } = runPasses([toQOperators], graph, { debug: true });
  assertLegal(after);
  const answers = runFile(after);
  assert.deepEqual(answers, runFile(graph));
  assert.ok(new Set(answers).size > 1, "all answers are the same");
  const alive = new Set([...after.inputs, ...after.nodes.flatMap(({ outputs }) => outputs)]);
  assert.deepEqual([...after.types.keys()].filter((name) => !alive.has(name)), []);
  return { ops: opsOf(after), because: declined.map(({ because }) => because) };
}

/** Codes on the grid of the products that they are added to: one scale, or the channels' as `quantizedWeights` has them. */
function int32Bias(b: GraphBuilder, codes: readonly number[], { perChannel = false, factor = 1 } = {}): Value {
  const scales = codes.map((_, c) => GRID.scale * 0.01 * factor * (perChannel ? 1 + c / 4 : 1));
  const shape = perChannel ? [codes.length] : [];
  const parameters = [
    b.constant("float32", shape, perChannel ? scales : scales.slice(0, 1)),
    b.constant("int32", shape, perChannel ? codes.map(() => 0) : [0]),
  ];
  return b.node(DQ, [b.constant("int32", [codes.length], codes), ...parameters], perChannel ? { axis: 0 } : {});
}

const flat: Between = (b, x) => fakeQuantized(b, b.node("Reshape", [x, ints(b, [2, 144])]), GRID);
const conv = (b: GraphBuilder, x: Value, ...bias: readonly Value[]) =>
  b.node("Conv", [x, quantizedWeights(b, [3, 4, 3, 3], { axis: 0 }), ...bias], { kernel_shape: [3, 3] });

/** What becomes one operator on codes. */
const KERNELS: Readonly<Record<string, readonly [form: string, make: Between]>> = {
  "Conv with a scale a channel": ["QLinearConv", (b, x) => conv(b, x)],
  "Conv with an int32 bias": ["QLinearConv", (b, x) => conv(b, x, int32Bias(b, [900, -700, 40], { perChannel: true }))],
  "Gemm with an int32 bias": [
    "QGemm",
    (b, x) =>
      b.node("Gemm", [
        flat(b, x),
        quantizedWeights(b, [144, 3], { axis: 1 }),
        int32Bias(b, [99, -700, 40], { perChannel: true }),
      ]),
  ],
  "Gemm transposed": [
    "QGemm",
    (b, x) =>
      b.node("Gemm", [flat(b, x), quantizedWeights(b, [3, 144], { axis: 0 })], { transB: 1, beta: 1, alpha: 1 }),
  ],
  "MatMul": ["QLinearMatMul", (b, x) => b.node("MatMul", [x, quantizedWeights(b, [6, 3], { axis: 1 })])],
  "MatMul of two computed values": [
    "QLinearMatMul",
    (b, x) => b.node("MatMul", [x, fakeQuantized(b, b.node("Transpose", [x], { perm: [0, 1, 3, 2] }), GRID)]),
  ],
  "Add": ["QLinearAdd", (b, x) => b.node("Add", [x, fakeQuantized(b, b.node("Neg", [x]), { scale: 0.007 })])],
  "Mul": ["QLinearMul", (b, x) => b.node("Mul", [x, quantizedConstant(b)])],
  "Where": [
    "QLinearWhere",
    (b, x) => b.node("Where", [b.constant("bool", [6], [1, 0, 1, 1, 0, 0]), x, quantizedConstant(b)]),
  ],
  "Concat": ["QLinearConcat", (b, x) => b.node("Concat", [x, quantizedConstant(b), x], { axis: 2 })],
  "AveragePool": [
    "QLinearAveragePool",
    (b, x) => b.node("AveragePool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ],
  "GlobalAveragePool": ["QLinearGlobalAveragePool", (b, x) => b.node("GlobalAveragePool", [x])],
  "LeakyRelu": ["QLinearLeakyRelu", (b, x) => b.node("LeakyRelu", [x], { alpha: 0.3 })],
  "Sigmoid": ["QLinearSigmoid", (b, x) => b.node("Sigmoid", [x])],
  "Softmax along the last axis": ["QLinearSoftmax", (b, x) => b.node("Softmax", [x])],
  "Softmax along another axis": ["QLinearSoftmax", (b, x) => b.node("Softmax", [x], { axis: 1 })],
};

/** Codes of [2, 4, 6, 6] on the grid of activations. */
function quantizedConstant(b: GraphBuilder): Value {
  const codes = b.constant("uint8", SHAPE, reals(SIZE, 3).map((r) => Math.round(128 + 120 * r)));
  return b.node(DQ, [codes, b.constant("float32", [], [0.013]), b.constant("uint8", [], [77])]);
}

for (const [name, [form, make]] of Object.entries(KERNELS)) {
  Deno.test(`toQOperators() writes ${form} as ONNX Runtime does when it finds: ${name}`, () => {
    const output = form === "QLinearSoftmax" || form === "QLinearSigmoid"
      ? { scale: 1 / 256, zeroPoint: 0 }
      : undefined;
    const { ops, because } = written(between(make, output));
    assert.ok(ops.includes(form), `${ops}`);
    assert.deepEqual(because.filter((reason) => !/Neg/.test(reason)), []);
  });
}

type Grid = Parameters<typeof fakeQuantized>[2];

/** A convolution with a ReLU, or a clip to [0, 1], before a grid. */
function clipped(op: "Relu" | "Clip", output: Grid): Graph {
  const { dtype = "uint8" } = output;
  const input = { ...GRID, zeroPoint: dtype === "int8" ? -8 : GRID.zeroPoint, dtype };
  return graphOf(SHAPE, (b, x) => {
    const ends = op === "Clip" ? [0, 1].map((end) => b.constant("float32", [], [end])) : [];
    return fakeQuantized(b, b.node(op, [conv(b, fakeQuantized(b, x, input)), ...ends]), output);
  });
}

Deno.test("toQOperators() takes a ReLU or a clip along where the grid behind clips as it does", () => {
  for (const [op, scale] of [["Relu", 0.02], ["Relu", 0.001], ["Clip", 1 / 255], ["Clip", 1 / 300]] as const) {
    assert.deepEqual(written(clipped(op, { scale })).ops, [Q, "QLinearConv", DQ]);
  }
  const int8 = { scale: 1 / 255, zeroPoint: -128, dtype: "int8" } as const;
  for (const op of ["Relu", "Clip"] as const) {
    assert.deepEqual(opsOf(runPasses([toQOperators], clipped(op, int8)).graph), [Q, "QLinearConv", DQ]);
  }
});

Deno.test("toQOperators() takes a clip along to the last grid that has its end in the last code", () => {
  // 1 / (1 / 254.6) is rounded to 255. ONNX Runtime 1.30 cannot load the pairs: it takes the clip for redundant, but late.
  const graph = clipped("Clip", { scale: 1 / 254.6 });
  assert.throws(() => runFile(graph), /two nodes with same node name/);
  const { graph: after } = runPasses([toQOperators], graph);
  assert.deepEqual(opsOf(after), [Q, "QLinearConv", DQ]);
  assert.deepEqual(new Set(runFile(after)).has(Math.fround(255 * Math.fround(1 / 254.6))), true);
});

Deno.test("toQOperators() leaves a ReLU or a clip where the grid behind goes on beyond it", () => {
  const grids = [["Relu", { scale: 0.02, zeroPoint: 1 }], ["Clip", { scale: 1 / 254 }], [
    "Clip",
    { scale: 1 / 300, zeroPoint: 1 },
  ]] as const;
  for (const [op, grid] of grids) {
    const { ops, because } = written(clipped(op, grid));
    assert.deepEqual(ops, [Q, DQ, DQ, "Conv", op, Q, DQ]);
    assert.match(because.join(), /the grid behind it does not clip as "\w+" \(\w+\) does/);
  }
});

Deno.test("toQOperators() gives real numbers by QGemm and MatMulIntegerToFloat where nothing is quantized behind", () => {
  const answer = (make: Between) => written(graphOf(SHAPE, (b, x) => make(b, fakeQuantized(b, x, GRID)))).ops;
  assert.deepEqual(
    answer((b, x) => b.node("Gemm", [flat(b, x), quantizedWeights(b, [144, 3]), int32Bias(b, [1, 2, 3])])),
    [Q, "Reshape", "QGemm"],
  );
  assert.deepEqual(answer((b, x) => b.node("MatMul", [x, quantizedWeights(b, [6, 3])])), [Q, "MatMulIntegerToFloat"]);
});

Deno.test("toQOperators() moves codes where the grids are equal, each part of what is split too", () => {
  const graph = graphOf(SHAPE, (b, x) => {
    const parts = b.nodes("Split", [fakeQuantized(b, x, GRID)], { axis: 1 }, 2).map((part) =>
      fakeQuantized(b, part, GRID)
    );
    const pooled = b.node("MaxPool", [fakeQuantized(b, b.node("Concat", parts, { axis: 2 }), GRID)], {
      kernel_shape: [2, 2],
    });
    return fakeQuantized(b, b.node("Transpose", [fakeQuantized(b, pooled, GRID)], { perm: [0, 2, 3, 1] }), GRID);
  });
  assert.deepEqual(written(graph).ops, [Q, "Split", "QLinearConcat", "MaxPool", "Transpose", DQ]);
});

/** What stays between its pairs, and what is said of it. */
const LEFT: Readonly<Record<string, readonly [reason: RegExp, graph: () => Graph]>> = {
  "an operator without a kernel": [
    /has no int8 kernel for Tanh|no int8 kernel for Tanh/,
    () => between((b, x) => b.node("Tanh", [x])),
  ],
  "a movement between two grids": [
    /the grids before and behind it differ/,
    () => between((b, x) => b.node("Transpose", [x], { perm: [0, 2, 3, 1] })),
  ],
  "a convolution that two read": [/read by others beside a QuantizeLinear/, () =>
    between((b, x) => {
      const y = conv(b, x);
      return b.node("Add", [fakeQuantized(b, y, GRID), b.node("Neg", [y])]);
    })],
  "a convolution whose answer is real": [
    /what it gives is not quantized/,
    () => graphOf(SHAPE, (b, x) => b.node("Neg", [conv(b, fakeQuantized(b, x, GRID))])),
  ],
  "a float bias": [
    /its bias is not int32/,
    () => between((b, x) => conv(b, x, b.constant("float32", [3], [0.1, 0.2, 0.3]))),
  ],
  "a bias on another grid": [
    /its bias is not on the grid of its products/,
    () => between((b, x) => conv(b, x, int32Bias(b, [900, -700, 40], { perChannel: true, factor: 2 }))),
  ],
  "a sum with something in float": [
    /not all that it reads is on a grid/,
    () => between((b, x) => b.node("Add", [x, b.constant("float32", [], [0.3])])),
  ],
  "a Gemm with a factor": [
    /it has a factor of its own/,
    () => between((b, x) => b.node("Gemm", [flat(b, x), quantizedWeights(b, [144, 3])], { alpha: 0.5 })),
  ],
  "a product and a bias behind it": [
    /its bias is added behind it/,
    () =>
      between((b, x) =>
        b.node("Add", [b.node("MatMul", [x, quantizedWeights(b, [6, 3])]), b.constant("float32", [3], [1, 2, 3])])
      ),
  ],
  "codes of two types": [
    /codes of different types/,
    () => between((b, x) => b.node("Add", [x, fakeQuantized(b, b.node("Tanh", [x]), { scale: 0.01, dtype: "int8" })])),
  ],
  "a ReLU that real numbers come out of": [
    /"\w+" \(Relu\) stands behind it/,
    () => graphOf(SHAPE, (b, x) => b.node("Neg", [b.node("Relu", [conv(b, fakeQuantized(b, x, GRID))])])),
  ],
};

for (const [name, [reason, graph]] of Object.entries(LEFT)) {
  Deno.test(`toQOperators() leaves pairs, names what is between and says why, when it finds ${name}`, () => {
    const { because } = written(graph());
    assert.ok(because.some((text) => reason.test(text)), because.join("; "));
  });
}

Deno.test("toQOperators() leaves products whose scales lie along their inputs, which ONNX Runtime takes and then fails", () => {
  const graph = between((b, x) => b.node("MatMul", [x, quantizedWeights(b, [6, 6], { axis: 0 })]));
  const { declined } = runPasses([toQOperators], graph);
  assert.deepEqual(declined.map(({ because }) => because), ["its scales do not lie along its output channels"]);
});

Deno.test("gridsOfForm() finds the grids in every operator that the pass writes", () => {
  for (const [form, make] of Object.values(KERNELS)) {
    const { graph } = runPasses([toQOperators], between(make));
    const node = graph.nodes.find(({ op }) => op === form)!;
    const grids = gridsOfForm(node);
    // Everything that it reads, but the condition of Where, belongs to a grid.
    const named = grids.flatMap(({ codes = "", scale = "", zeroPoint = "" }) => [codes, scale, zeroPoint]);
    const other = form === "QLinearWhere" ? node.inputs.slice(0, 1) : [];
    const isName = (name: string) => name !== "";
    assert.deepEqual(new Set([...named, ...other].filter(isName)), new Set(node.inputs.filter(isName)));
    for (const { role, scale, zeroPoint } of grids) {
      if (role === "bias") continue;
      assert.equal(graph.initializers.get(scale!)?.dtype, "float32");
      assert.match(graph.initializers.get(zeroPoint!)!.dtype, /^u?int8$/);
    }
  }
  assert.deepEqual(gridsOfForm({ op: "Conv", inputs: ["x", "w"] }), []);
});
