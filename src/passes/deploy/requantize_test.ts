import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf, quantizedWeights } from "../_test_support.ts";
import { requantize } from "./requantize.ts";

const [Q, DQ] = ["QuantizeLinear", "DequantizeLinear"];
const GRID = { scale: 0.02, zeroPoint: 120 };
const POSITIVE = { scale: 0.007, zeroPoint: 0 };

/** x on a grid → `between` → another grid. */
function moved(between: (b: GraphBuilder, x: Value) => Value, target = POSITIVE) {
  return graphOf([2, 50], (b, x) => fakeQuantized(b, between(b, fakeQuantized(b, x, GRID)), target));
}

Deno.test("requantize() makes ReLU between two grids a table", () => {
  const graph = moved((b, x) => b.node("Relu", [x]));
  const after = applied(requantize, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), [Q, DQ, "LeakyRelu", Q, DQ]);
  assert.deepEqual(after.nodes[2].attrs, { alpha: 0 });
});

Deno.test("requantize() puts the identity between two pairs", () => {
  const graph = moved((_, x) => x, { scale: 0.011, zeroPoint: 30 });
  const after = applied(requantize, graph);
  assertSameNumbers(graph, after, { real: true });
  assert.deepEqual(opsOf(after), [Q, DQ, "LeakyRelu", Q, DQ]);
  assert.deepEqual(after.nodes[2].attrs, { alpha: 1 });
});

Deno.test("requantize() names a clip that quantization does after the layer that it came from", () => {
  const { nodes, ...graph } = moved((_, x) => x);
  const after = applied(requantize, {
    ...graph,
    nodes: nodes.map((node, i) => i < 2 ? node : { ...node, layer: "relu6_quant" }),
  });
  assert.equal(after.nodes[2].layer, "relu6");
});

Deno.test("requantize() leaves alone what is no activation, or not on a grid before", () => {
  const graphs = [
    moved((b, x) => b.node("Sigmoid", [x])),
    moved((b, x) => b.node("Relu", [b.node("Add", [x, x])])),
    graphOf([2, 50], (b, x) => fakeQuantized(b, b.node("Relu", [x]), POSITIVE)),
    graphOf([2, 50], (b, x) => [b.node("Neg", [x]), fakeQuantized(b, quantizedWeights(b, [3, 2]), GRID)]),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(requantize, graph)), opsOf(graph));
});
