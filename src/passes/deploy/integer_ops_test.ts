/** Holds the table of integer operators to the graphs that ONNX Runtime makes of small quantized ones. */
import assert from "node:assert/strict";
import { cases } from "../../onnx/schema/_cases.ts";
import { decodeModel, encodeModel } from "../../onnx/file/mod.ts";
import { sizeOf } from "../../onnx/graph.ts";
import { traitsOf } from "../../onnx/schema/mod.ts";
import { GraphBuilder, type Value } from "../../onnx/writer.ts";
import { Session } from "../../runtime/session.ts";
import { fakeQuantized, graphOf, quantizedWeights } from "../_test_support.ts";
import { integerFormOf } from "./integer_ops.ts";

const GRID = { scale: 0.05, zeroPoint: 3 };

/** Whether an operator of `graph` called `op` is computed on codes, alone or as a part of another. */
function runsOnIntegers(graph: ReturnType<GraphBuilder["build"]>, op: string): boolean {
  const path = Deno.makeTempFileSync({ suffix: ".onnx" });
  try {
    new Session(encodeModel(graph), { optimizedModelPath: path, optimization: "extended" }).dispose();
    const { nodes } = decodeModel(Deno.readFileSync(path)).graph;
    const node = nodes.find((node) => node.op === op);
    return node === undefined || nodes.find(({ outputs }) => outputs.includes(node.inputs[0]))?.op === "QuantizeLinear";
  } finally {
    Deno.removeSync(path);
  }
}

for (const { op, inputs, attrs = {}, outputs = 1 } of cases) {
  const [first] = inputs;
  const isShown = traitsOf({ op, attrs }).movement && op !== "Identity" && outputs !== 2 && first?.[0] === "float32";
  // Left out altogether: repeating nothing.
  if (!isShown || (op === "Expand" && inputs[1]?.[2]?.length === 1)) continue;
  Deno.test(`integerFormOf() knows whether ONNX Runtime does ${op} ${JSON.stringify([inputs, attrs])} with codes`, () => {
    const b = new GraphBuilder();
    const rest = inputs.slice(1).map((input) =>
      input === null ? null : b.constant(input[0], input[1], input[2] ?? new Array<number>(sizeOf(input[1])).fill(0))
    );
    const x = fakeQuantized(b, b.input("float32", first[1], "x"), GRID);
    const parts = b.nodes(op, [x, ...rest], attrs, outputs).map((part) => fakeQuantized(b, part, GRID).name);
    const { kind } = integerFormOf({ op, attrs, inputs: ["x"] });
    assert.equal(runsOnIntegers(b.build("test", parts), op), kind === "movement");
  });
}

const CONV = { kernel_shape: [1, 1] };

/** Operators on [2, 4, 6, 6], their inputs quantized as they ask. */
const OPERATORS: Readonly<Record<string, (b: GraphBuilder, x: Value) => Value>> = {
  Conv: (b, x) => b.node("Conv", [x, quantizedWeights(b, [4, 4, 1, 1])], CONV),
  Gemm: (b, x) => b.node("Gemm", [flat(b, x), quantizedWeights(b, [144, 3])]),
  MatMul: (b, x) => b.node("MatMul", [x, quantizedWeights(b, [6, 3])]),
  Add: (b, x) => b.node("Add", [x, x]),
  Mul: (b, x) => b.node("Mul", [x, x]),
  Where: (b, x) => b.node("Where", [b.constant("bool", [], [1]), x, x]),
  Concat: (b, x) => b.node("Concat", [x, x], { axis: 1 }),
  AveragePool: (b, x) => b.node("AveragePool", [x], { kernel_shape: [2, 2] }),
  GlobalAveragePool: (b, x) => b.node("GlobalAveragePool", [x]),
  LeakyRelu: (b, x) => b.node("LeakyRelu", [x], { alpha: 0.1 }),
  Sigmoid: (b, x) => b.node("Sigmoid", [x]),
  Softmax: (b, x) => b.node("Softmax", [x], { axis: -1 }),
  Tanh: (b, x) => b.node("Tanh", [x]),
  Sub: (b, x) => b.node("Sub", [x, x]),
  Div: (b, x) => b.node("Div", [x, x]),
  Max: (b, x) => b.node("Max", [x, x]),
  Elu: (b, x) => b.node("Elu", [x]),
  HardSigmoid: (b, x) => b.node("HardSigmoid", [x]),
  ReduceMean: (b, x) => b.node("ReduceMean", [x], { axes: [1] }),
  InstanceNormalization: (b, x) =>
    b.node("InstanceNormalization", [
      x,
      ...[1, 0].map((v) => b.constant("float32", [4], new Array<number>(4).fill(v))),
    ]),
};

function flat(b: GraphBuilder, x: Value): Value {
  return fakeQuantized(b, b.node("Flatten", [x]), GRID);
}

for (const [op, make] of Object.entries(OPERATORS)) {
  Deno.test(`integerFormOf() knows whether ONNX Runtime computes ${op} on codes`, () => {
    const graph = graphOf([2, 4, 6, 6], (b, x) => fakeQuantized(b, make(b, fakeQuantized(b, x, GRID)), { scale: 0.1 }));
    const { kind } = integerFormOf(graph.nodes.find((node) => node.op === op)!);
    assert.equal(runsOnIntegers(graph, op), kind === "kernel");
  });
}

Deno.test("integerFormOf() says what the rest is", () => {
  const form = (op: string, attrs = {}) => integerFormOf({ op, attrs, inputs: ["a"] });
  assert.deepEqual(form("Relu"), { kind: "absorbed" });
  assert.deepEqual(form("Resize", { mode: "linear" }), {
    kind: "none",
    because: "int8 Resize takes the nearest neighbour only",
  });
  assert.deepEqual(form("constructor"), { kind: "none", because: "ONNX Runtime has no int8 kernel for constructor" });
});
