import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, ints, quantizedWeights } from "../_test_support.ts";
import { explicitProducts } from "./explicit_products.ts";

const GRID = { scale: 0.011, zeroPoint: 120 };

function between(make: (b: GraphBuilder, x: Value) => Value) {
  return graphOf([2, 4, 6, 6], (b, x) => fakeQuantized(b, make(b, fakeQuantized(b, x, GRID)), { scale: 0.03 }));
}

const flat = (b: GraphBuilder, x: Value) => fakeQuantized(b, b.node("Reshape", [x, ints(b, [2, 144])]), GRID);

for (const axis of [undefined, 1]) {
  Deno.test(`explicitProducts() transposes weights of Gemm with scales along ${axis ?? "nothing"}, and adds a bias of zeros`, () => {
    const graph = between((b, x) =>
      b.node("Gemm", [flat(b, x), quantizedWeights(b, [144, 3], axis === undefined ? {} : { axis })])
    );
    const after = applied(explicitProducts, graph);
    // The sums are in another order.
    assertSameNumbers(graph, after, { real: true, tolerance: 0.01 });
    const gemm = after.nodes.find(({ op }) => op === "Gemm")!;
    assert.deepEqual([gemm.attrs.transB, gemm.inputs.length], [1, 3]);
    const [weights, bias] = [1, 2].map((i) => after.nodes.find(({ outputs }) => outputs[0] === gemm.inputs[i])!);
    assert.deepEqual(weights.attrs, axis === undefined ? {} : { axis: 0 });
    assert.deepEqual(after.initializers.get(weights.inputs[0])?.shape, [3, 144]);
    assert.deepEqual([...after.initializers.get(bias.inputs[0])!.data], [0, 0, 0]);
  });
}

Deno.test("explicitProducts() gives a convolution a bias of zeros on the grid of its products", () => {
  const graph = between((b, x) => b.node("Conv", [x, quantizedWeights(b, [3, 4, 1, 1], { axis: 0 })]));
  const after = applied(explicitProducts, graph);
  assertSameNumbers(graph, after, { real: true });
  const conv = after.nodes.find(({ op }) => op === "Conv")!;
  const bias = after.nodes.find(({ outputs }) => outputs[0] === conv.inputs[2])!;
  const weights = after.nodes.find(({ outputs }) => outputs[0] === conv.inputs[1])!;
  const scales = after.initializers.get(weights.inputs[1])!.data as Float32Array;
  const expected = Array.from(scales, (s) => Math.fround(Math.fround(GRID.scale) * s));
  assert.deepEqual([...after.initializers.get(bias.inputs[1])!.data], expected);
});

Deno.test("explicitProducts() leaves what has both already, and what is in float", () => {
  const graphs = [
    between((b, x) =>
      b.node("Gemm", [flat(b, x), quantizedWeights(b, [3, 144], { axis: 0 }), b.constant("float32", [3], [1, 2, 3])], {
        transB: 1,
      })
    ),
    graphOf([2, 4, 6, 6], (b, x) => b.node("Conv", [x, quantizedWeights(b, [3, 4, 1, 1])])),
    between((b, x) => b.node("Add", [x, x])),
  ];
  for (const graph of graphs) assert.deepEqual(applied(explicitProducts, graph).nodes, graph.nodes);
});
