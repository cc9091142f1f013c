import assert from "node:assert/strict";
import { Session } from "../../runtime/session.ts";
import { GraphBuilder } from "../../onnx/writer.ts";
import type { TypedArray } from "../../numbers/dtype.ts";
import type { Graph } from "../../onnx/graph.ts";
import { encodeModel } from "../../onnx/file/mod.ts";
import { applied, assertSameNumbers, graphOf, opsOf, quantizedWeights, realConstant } from "../_test_support.ts";
import { type Evaluate, foldConstants } from "./fold_constants.ts";

/** Runs a graph in ONNX Runtime, as the exporter does. */
const evaluate: Evaluate = (graph: Graph) => {
  const session = new Session(encodeModel(graph), { optimization: "disabled", keepQdq: true, threads: 1 });
  const outputs = Object.entries(session.run({}));
  session.dispose();
  return new Map(outputs.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data as TypedArray }]));
};

Deno.test("foldConstants() computes chains of constants, and leaves what depends on inputs", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const matrix = b.node("Transpose", [b.node("Neg", [realConstant(b, [4, 3], 1)])], { perm: [1, 0] });
    return b.node("Add", [b.node("MatMul", [x, matrix]), b.node("Exp", [realConstant(b, [4], 2)])]);
  });
  const after = applied(foldConstants(evaluate), graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), ["MatMul", "Add"]);
});

Deno.test("foldConstants() makes a fake-quantized weight integer codes and keeps its DequantizeLinear", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const grid = [b.constant("float32", [4], [0.01, 0.02, 0.005, 0.1]), b.constant("int8", [4], [0, 0, 0, 0])];
    const codes = b.node("QuantizeLinear", [realConstant(b, [3, 4], 1), ...grid], { axis: 1 });
    return b.node("MatMul", [x, b.node("DequantizeLinear", [codes, ...grid], { axis: 1 })]);
  });
  const after = applied(foldConstants(evaluate), graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "MatMul"]);
  assert.equal(after.initializers.get(after.nodes[0].inputs[0])?.dtype, "int8");
});

Deno.test("foldConstants() leaves what is behind a DequantizeLinear alone", () => {
  const graph = graphOf([2, 3], (b, x) => b.node("MatMul", [x, b.node("Neg", [quantizedWeights(b, [3, 4])])]));
  assert.equal(applied(foldConstants(evaluate), graph), graph);
});

Deno.test("foldConstants() folds nodes with several outputs, without inputs, and with optional inputs", () => {
  const graph = graphOf([2, 2], (b, x) => {
    const [left, right] = b.nodes("Split", [realConstant(b, [2, 4], 1)], { axis: 1 }, 2);
    const clipped = b.node("Clip", [right, null, b.constant("float32", [], [0.1])]);
    return b.node("Sum", [x, left, clipped]);
  });
  const after = applied(foldConstants(evaluate), graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), ["Sum"]);
});

Deno.test("foldConstants() keeps random numbers random", () => {
  const graph = graphOf([2], (b, x) => b.node("Add", [x, b.node("RandomUniform", [], { shape: [2] })]));
  assert.equal(applied(foldConstants(evaluate), graph), graph);
});

Deno.test("foldConstants() makes a constant output a constant", () => {
  const b = new GraphBuilder();
  const x = b.input("float32", [2], "x");
  const graph = b.build("test", [b.node("Neg", [realConstant(b, [2], 1)]).name, b.node("Neg", [x]).name]);
  const after = applied(foldConstants(evaluate), graph);
  assert.deepEqual(opsOf(after), ["Neg"]);
  assert.ok(after.initializers.has(graph.outputs[0]));
});
