import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, realConstant } from "../_test_support.ts";
import { reluBeforeReshape } from "./relu_before_reshape.ts";

const gemm = (b: GraphBuilder, x: Value) => b.node("Gemm", [x, realConstant(b, [3, 4], 1), realConstant(b, [4], 2)]);
const sequence = (b: GraphBuilder, x: Value) => b.node("Reshape", [x, ints(b, [2, 5, 4])]);

Deno.test("reluBeforeReshape() puts ReLU and Clip behind the product", () => {
  const relu = graphOf([10, 3], (b, x) => b.node("Relu", [sequence(b, gemm(b, x))]));
  const clip = graphOf([10, 3], (b, x) => {
    const bounds = [0, 0.5].map((bound) => b.constant("float32", [], [bound]));
    return b.node("Clip", [sequence(b, gemm(b, x)), ...bounds]);
  });
  for (const [graph, op] of [[relu, "Relu"], [clip, "Clip"]] as const) {
    const after = applied(reluBeforeReshape, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), ["Gemm", op, "Reshape"]);
  }
});

Deno.test("reluBeforeReshape() leaves what others read too, and what follows no product", () => {
  const graphs = [
    graphOf([10, 3], (b, x) => {
      const y = sequence(b, gemm(b, x));
      return [b.node("Relu", [y]), b.node("Neg", [y])];
    }),
    graphOf([10, 3], (b, x) => {
      const y = gemm(b, x);
      return [b.node("Relu", [sequence(b, y)]), b.node("Neg", [y])];
    }),
    graphOf([10, 4], (b, x) => b.node("Relu", [sequence(b, b.node("Neg", [x]))])),
    graphOf([10, 3], (b, x) => b.node("Elu", [sequence(b, gemm(b, x))])),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(reluBeforeReshape, graph)), opsOf(graph));
});
