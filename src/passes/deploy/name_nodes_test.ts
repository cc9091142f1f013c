import assert from "node:assert/strict";
import { GraphBuilder } from "../../onnx/writer.ts";
import { assertLegal } from "../../onnx/check/check.ts";
import type { Graph } from "../../onnx/graph.ts";
import { fakeQuantized, feedsFor, quantizedWeights, realConstant, run } from "../_test_support.ts";
import { nameNodes } from "./name_nodes.ts";

const CONV = { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };

/** Quantized Conv and ReLU of layer "conv1", a Gemm of "dense", an Add of no layer. */
function graph(): Graph {
  const b = new GraphBuilder();
  const x = b.input("float32", [2, 3, 4, 4], "image");
  b.layer = "input_quant";
  const quantized = fakeQuantized(b, x, { scale: 0.1 });
  b.layer = "conv1";
  const kernel = quantizedWeights(b, [5, 3, 1, 1], { axis: 0 });
  const y = b.node("Relu", [b.node("Conv", [quantized, kernel, realConstant(b, [5], 1)], CONV)]);
  b.layer = "dense";
  const flat = b.node("Flatten", [y], { axis: 1 });
  const logits = b.node("Gemm", [flat, realConstant(b, [80, 2], 2), realConstant(b, [2], 3)]);
  b.layer = undefined;
  return b.build("test", [b.node("Add", [logits, realConstant(b, [2], 4)]).name]);
}

/** Asserts that renaming left all numbers as they are and nothing illegal. */
function assertRenamed(before: Graph, ports: ReadonlyMap<string, string> = new Map()): Graph {
  const after = nameNodes(before, ports);
  assertLegal(after, { opset: 17 });
  const feeds = Object.values(feedsFor(before));
  const run1 = run(before, Object.fromEntries(before.inputs.map((name, i) => [name, feeds[i]])));
  const run2 = run(after, Object.fromEntries(after.inputs.map((name, i) => [name, feeds[i]])));
  assert.deepEqual(run2, run1);
  return after;
}

Deno.test("nameNodes() gives the node that does a layer's work the layer's name", () => {
  const names = assertRenamed(graph()).nodes.map(({ op, name }) => `${op} ${name}`);
  assert.deepEqual(names, [
    "QuantizeLinear input_quant/QuantizeLinear",
    "DequantizeLinear input_quant/DequantizeLinear",
    "DequantizeLinear conv1/DequantizeLinear",
    "Conv conv1",
    "Relu conv1/Relu",
    "Flatten dense",
    "Gemm dense/Gemm",
    "Add Add",
  ]);
});

Deno.test("nameNodes() names weights after their layer and part", () => {
  const names = [...assertRenamed(graph()).initializers.keys()];
  for (const name of ["conv1/kernel", "conv1/kernel_scale", "conv1/kernel_zero_point", "conv1/bias", "dense/kernel"]) {
    assert.ok(names.includes(name), `${name} in ${names}`);
  }
});

Deno.test("nameNodes() names ports as asked, and keeps the others", () => {
  const before = graph();
  const after = assertRenamed(before, new Map([["image", "picture"], [before.outputs[0], "scores"]]));
  assert.deepEqual([after.inputs, after.outputs], [["picture"], ["scores"]]);
  assert.deepEqual(after.nodes[0].inputs[0], "picture");
  assert.deepEqual(after.types.get("scores"), before.types.get(before.outputs[0]));
  assert.deepEqual(assertRenamed(before).inputs, ["image"]);
});

Deno.test("nameNodes() keeps names unique where layers, ports, weights and values clash", () => {
  const b = new GraphBuilder();
  const x = b.input("float32", [2, 2], "a:0");
  b.layer = "a";
  const y = b.node("Neg", [b.node("Relu", [x])]);
  const z = b.node("Add", [b.node("Neg", [y]), b.constant("float32", [2], [1, 2], "a/Neg:0")]);
  b.layer = "a/Neg";
  const w = b.node("MatMul", [b.node("Neg", [z]), b.constant("float32", [2, 2], [1, 2, 3, 4], "a")]);
  const before = b.build("test", [w.name]);
  for (const port of ["a", "a/Neg", "a:0_1", "a/Neg/kernel", "a/Neg:0"]) {
    const after = assertRenamed(before, new Map([[w.name, port]]));
    const nodes = after.nodes.map(({ name }) => name);
    assert.equal(new Set(nodes).size, nodes.length);
  }
});

Deno.test("nameNodes() gives each of two nodes of one layer a name", () => {
  const b = new GraphBuilder();
  b.layer = "shared";
  const x = b.input("float32", [2], "x");
  const after = assertRenamed(b.build("test", [b.node("Neg", [b.node("Neg", [x])]).name]));
  assert.deepEqual(after.nodes.map(({ name }) => name), ["shared", "shared/Neg"]);
});
