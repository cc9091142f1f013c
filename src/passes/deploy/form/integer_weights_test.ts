import assert from "node:assert/strict";
import fc from "fast-check";
import { INT8_SYMMETRIC_PER_CHANNEL } from "../../../numbers/scheme.ts";
import type { Graph } from "../../../onnx/graph.ts";
import { runPasses } from "../../pass.ts";
import { applied, feedsFor, graphOf, opsOf, realConstant, reals, run } from "../../_test_support.ts";
import { assertNear, bytesOfConstants, dense, fused, rne, runFused } from "./_test_support.ts";
import { integerWeights } from "./integer_weights.ts";

const pass = integerWeights(INT8_SYMMETRIC_PER_CHANNEL);

/** The graph with its constant `name` rounded by the definition: each slice's largest magnitude over 127. */
function rounded(graph: Graph, name: string, axis: number): Graph {
  const tensor = graph.initializers.get(name)!;
  const data = tensor.data as Float32Array;
  const inner = tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channelOf = (i: number) => Math.floor(i / inner) % tensor.shape[axis];
  const scales = Array.from({ length: tensor.shape[axis] }, (_, c) => {
    const most = Math.max(...Array.from(data).map((x, i) => channelOf(i) === c ? Math.abs(x) : 0));
    return most === 0 ? 1 : Math.fround(most / 127);
  });
  const real = data.map((x, i) => Math.fround(rne(Math.fround(x / scales[channelOf(i)])) * scales[channelOf(i)]));
  return { ...graph, initializers: new Map(graph.initializers).set(name, { ...tensor, data: real }) };
}

function assertRounded(graph: Graph, name: string, axis: number): void {
  const after = applied(pass, graph);
  assert.equal(after.initializers.has(name), false);
  const feeds = feedsFor(graph, { real: true });
  const [actual, expected] = [after, rounded(graph, name, axis)].map((g) => run(g, feeds)[0].data as Float32Array);
  // Sums of constant weights are added up in another order than those of computed ones.
  assertNear(actual, expected, 1e-6);
}

const CONV = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1] };

Deno.test("integerWeights() computes with weights that a scale an output channel has rounded", () => {
  const kernel = (shape: readonly number[], attrs: Record<string, number> = {}) =>
    graphOf(
      [1, 4, 5, 5],
      (b, x) =>
        b.node("Conv", [x, b.constant("float32", shape, reals(shape.reduce((a, c) => a * c), 3), "w")], {
          ...CONV,
          ...attrs,
        }),
    );
  assertRounded(kernel([6, 4, 3, 3]), "w", 0);
  assertRounded(kernel([4, 1, 3, 3], { group: 4 }), "w", 0);
  assertRounded(kernel([1, 4, 3, 3]), "w", 0);
  const transposed = graphOf(
    [1, 4, 5, 5],
    (b, x) =>
      b.node("ConvTranspose", [x, b.constant("float32", [4, 3, 3, 3], reals(108, 3), "w")], { ...CONV, group: 1 }),
  );
  assertRounded(transposed, "w", 1);
});

Deno.test("integerWeights() rounds matrices of products, whatever the sizes and the side they are on", () => {
  const sizes = fc.record({ k: fc.integer({ min: 3, max: 40 }), n: fc.integer({ min: 1, max: 9 }), seed: fc.nat(99) });
  fc.assert(
    fc.property(sizes, ({ k, n, seed }) => {
      const w = reals(k * n, seed);
      assertRounded(graphOf([2, k], (b, x) => b.node("Gemm", [x, b.constant("float32", [k, n], w, "w")])), "w", 1);
      const transB = { transB: 1 };
      assertRounded(
        graphOf([2, k], (b, x) => b.node("Gemm", [x, b.constant("float32", [n, k], w, "w")], transB)),
        "w",
        0,
      );
      assertRounded(graphOf([2, k, 3], (b, x) => b.node("MatMul", [b.constant("float32", [n, k], w, "w"), x])), "w", 0);
    }),
    { numRuns: 20, seed: 8 },
  );
});

Deno.test("integerWeights() keeps biases float, and zero points 0", () => {
  const after = applied(pass, graphOf([2, 16], (b, x) => dense(b, x, 4, 1)));
  const dtypes = [...after.initializers.values()].map(({ dtype }) => dtype).toSorted();
  assert.deepEqual(dtypes, ["float32", "float32", "int8", "int8"]);
  assert.deepEqual(after.initializers.get(after.nodes[0].inputs[2])?.data, new Int8Array(4));
});

Deno.test("integerWeights() keeps weights that two layers share once, in a form that ONNX Runtime loads", () => {
  const graph = graphOf([3, 16], (b, x) => {
    const w = realConstant(b, [16, 16], 1);
    return b.node("Gemm", [b.node("Gemm", [x, w]), w]);
  });
  const after = applied(pass, graph);
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Gemm", "Gemm"]);
  assert.ok(bytesOfConstants(after) < bytesOfConstants(graph) / 2.5);
  const feeds = feedsFor(graph, { real: true });
  assertNear(runFused(after, feeds)[0], run(graph, feeds)[0].data as Float32Array, 0.02);
});

Deno.test("integerWeights() writes dense layers that ONNX Runtime's CPU provider computes in float", () => {
  const graph = graphOf([3, 40], (b, x) => [dense(b, x, 1, 1), dense(b, x, 1, 2), dense(b, x, 5, 3)]);
  const after = applied(pass, graph);
  assert.deepEqual(
    opsOf(fused(after)).toSorted(),
    [..."DDD"].map(() => "DequantizeLinear").concat([..."GGG"].map(() => "Gemm")),
  );
  const feeds = feedsFor(graph, { real: true });
  const expected = run(graph, feeds).map(({ data }) => data as Float32Array);
  runFused(after, feeds).forEach((values, i) => assertNear(values, expected[i], 0.02));
});

Deno.test("integerWeights() leaves weights alone that codes and scales make no smaller, and says so", () => {
  const graph = graphOf([2, 1], (b, x) => b.node("MatMul", [x, realConstant(b, [1, 7], 1)]));
  const { graph: after, declined } = runPasses([pass], graph, { debug: true });
  assert.deepEqual(after.nodes, graph.nodes);
  assert.deepEqual(declined.map(({ because }) => because), [
    "its weights are so few that codes and scales take as many bytes",
  ]);
});

Deno.test("integerWeights() answers close to the float graph", () => {
  const graph = graphOf([8, 100], (b, x) => dense(b, b.node("Relu", [dense(b, x, 50, 1)]), 10, 2));
  const feeds = feedsFor(graph, { real: true });
  const [expected, actual] = [graph, applied(pass, graph)].map((g) => run(g, feeds)[0].data as Float32Array);
  assertNear(actual, expected, 0.02);
});
