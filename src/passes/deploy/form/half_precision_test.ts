import assert from "node:assert/strict";
import { fromHalf, toHalf } from "../../../numbers/half.ts";
import { codeOf } from "../../../numbers/dtype.ts";
import type { Graph } from "../../../onnx/graph.ts";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import { runPasses } from "../../pass.ts";
import { applied, countOps, feedsFor, graphOf, opsOf, realConstant, reals, run } from "../../_test_support.ts";
import { assertNear, bytesOfConstants, dense } from "./_test_support.ts";
import { halfPrecision } from "./half_precision.ts";

const pass = halfPrecision("float32");

/** Precisions of the nodes' first outputs, by operator. */
function precisions({ nodes, types }: Graph): readonly string[] {
  return nodes.map(({ op, outputs }) => `${op} ${types.get(outputs[0])?.dtype}`);
}

/** Mean, variance, division and shift, written out as TF.js does. */
function layerNorm(b: GraphBuilder, x: Value, epsilon: number): Value {
  const axes = { axes: [1], keepdims: 1 };
  const centred = b.node("Sub", [x, b.node("ReduceMean", [x], axes)]);
  const variance = b.node("ReduceMean", [b.node("Mul", [centred, centred])], axes);
  const deviation = b.node("Sqrt", [b.node("Add", [variance, b.constant("float32", [], [epsilon])])]);
  const scaled = b.node("Mul", [b.node("Div", [centred, deviation]), realConstant(b, [x.shape[1]], 7)]);
  return b.node("Add", [scaled, realConstant(b, [x.shape[1]], 8)]);
}

Deno.test("halfPrecision() computes dense layers in half precision, between one cast in and one out", () => {
  const graph = graphOf([2, 64], (b, x) => dense(b, b.node("Relu", [dense(b, x, 32, 1)]), 8, 2));
  const after = applied(pass, graph);
  assert.deepEqual(precisions(after), ["Cast float16", "Gemm float16", "Relu float16", "Gemm float16", "Cast float32"]);
  assert.equal(bytesOfConstants(after), bytesOfConstants(graph) / 2);
  const feeds = feedsFor(graph, { real: true });
  const [expected, actual] = [graph, after].map((g) => run(g, feeds)[0].data as Float32Array);
  assertNear(actual, expected, 3e-3);
  assert.notDeepEqual(actual, expected);
});

Deno.test("halfPrecision() gives the ports half precision too where that is asked for", () => {
  const graph = graphOf([2, 16], (b, x) => dense(b, x, 4, 1));
  const after = applied(halfPrecision("float16"), graph);
  assert.deepEqual(precisions(after), ["Gemm float16"]);
  assert.deepEqual([after.types.get("x")?.dtype, after.types.get(after.outputs[0])?.dtype], ["float16", "float16"]);
  const x = Float32Array.from(reals(32, 5));
  const [expected] = run(graph, { x });
  const [{ dtype, data }] = run(after, { x: toHalf(x) });
  assert.equal(dtype, "float16");
  assertNear(fromHalf(data as Uint16Array), expected.data as Float32Array, 3e-3);
});

Deno.test("halfPrecision() keeps a norm that is written out in one stretch of float32", () => {
  const graph = graphOf([3, 16], (b, x) => dense(b, layerNorm(b, dense(b, x, 8, 1), 1e-12), 4, 2));
  const after = applied(pass, graph);
  const inHalf = precisions(after).filter((text) => text.endsWith("float16"));
  // The casts of the input, and of the norm's result; what comes of the first layer is cast to float32 once.
  assert.deepEqual(inHalf.toSorted(), ["Cast float16", "Cast float16", "Gemm float16", "Gemm float16"]);
  assert.equal(countOps(after).Cast, 4);
  const feeds = feedsFor(graph, { real: true });
  const [expected, actual] = [graph, after].map((g) => run(g, feeds)[0].data as Float32Array);
  assertNear(actual, expected, 1e-2);
});

Deno.test("halfPrecision() stays finite where squares leave half precision and variances are next to nothing", () => {
  for (const factor of [1000, 1e-4, 0]) {
    const graph = graphOf(
      [2, 8],
      (b, x) => layerNorm(b, b.node("Mul", [x, b.constant("float32", [1], [factor])]), 1e-12),
    );
    const feeds = feedsFor(graph, { real: true });
    const [expected, actual] = [graph, applied(pass, graph)].map((g) => run(g, feeds)[0].data as Float32Array);
    assertNear(actual, expected, 2e-2);
  }
});

Deno.test("halfPrecision() keeps softmax, sums and exponentials in float32", () => {
  const kept = {
    Softmax: {},
    LogSoftmax: {},
    ReduceMean: {},
    ReduceL2: {},
    Exp: {},
    Softplus: {},
  };
  for (const [op, attrs] of Object.entries(kept)) {
    const graph = graphOf([3, 16], (b, x) => b.node(op, [dense(b, x, 8, 1)], attrs));
    assert.deepEqual(precisions(applied(pass, graph)), [
      "Cast float16",
      "Gemm float16",
      "Cast float32",
      `${op} float32`,
    ]);
  }
});

Deno.test("halfPrecision() keeps the squares under a sum in float32, and what divides by their root", () => {
  const graph = graphOf([3, 16], (b, x) => {
    const h = dense(b, x, 8, 1);
    const norm = b.node("Sqrt", [b.node("ReduceSum", [b.node("Mul", [h, h]), b.constant("int64", [1], [1])])]);
    return b.node("Div", [h, norm]);
  });
  assert.deepEqual(precisions(applied(pass, graph)), [
    "Cast float16",
    "Gemm float16",
    "Cast float32",
    "Mul float32",
    "ReduceSum float32",
    "Sqrt float32",
    "Div float32",
  ]);
});

Deno.test("halfPrecision() casts a value once for all that read it, and shares constants", () => {
  const graph = graphOf([2, 8], (b, x) => {
    const w = realConstant(b, [8, 8], 1);
    const h = b.node("MatMul", [x, w]);
    return [b.node("Softmax", [h]), b.node("Exp", [h]), b.node("MatMul", [h, w])];
  });
  const after = applied(pass, graph);
  assert.equal(countOps(after).Cast, 3);
  assert.equal(after.initializers.size, 1);
});

Deno.test("halfPrecision() keeps what works with constants beyond half precision, and says so", () => {
  const graph = graphOf(
    [2, 8],
    (b, x) => b.node("Softmax", [b.node("Add", [dense(b, x, 8, 1), b.constant("float32", [1], [-1e9])])]),
  );
  const { graph: after, declined } = runPasses([pass], graph, { debug: true });
  assert.deepEqual(precisions(after), [
    "Cast float16",
    "Gemm float16",
    "Cast float32",
    "Add float32",
    "Softmax float32",
  ]);
  assert.deepEqual(declined.map(({ op, because }) => [op, because]), [[
    "Add",
    "its constant reaches 1000000000, beyond 65504",
  ]]);
});

Deno.test("halfPrecision() tells of weights that lose bits, and refuses those that are no numbers", () => {
  const graph = (values: readonly number[]) =>
    graphOf([2, 4], (b, x) => b.node("MatMul", [x, b.constant("float32", [4, 1], values, "dense/kernel")]));
  assert.deepEqual(runPasses([pass], graph([1, 1e-5, 1e-9, 0])).declined.map(({ because }) => because), [
    "of its 4 weights 2 are below 2⁻¹⁴ and keep fewer bits, 1 of them become 0",
  ]);
  assert.throws(
    () => pass.run(graph([1, NaN, 0, 0])),
    /^RangeError: Cannot round constant "dense\/kernel": element 1 is NaN/,
  );
  assert.deepEqual(opsOf(runPasses([pass], graph([1, 70000, 0, 0])).graph), ["MatMul"]);
});

Deno.test("halfPrecision() leaves integers and truth values what they are", () => {
  const graph = graphOf([2, 8], (b, x) => {
    const positive = b.node("Greater", [x, b.constant("float32", [], [0])]);
    const count = b.node("Cast", [positive], { to: codeOf("int32") });
    const real = b.node("Cast", [count], { to: codeOf("float32") });
    return [b.node("Where", [positive, b.node("Mul", [x, real]), b.constant("float32", [], [0.5])]), count];
  });
  const after = applied(pass, graph);
  const feeds = feedsFor(graph);
  assert.deepEqual(run(after, feeds).map(({ dtype }) => dtype), ["float32", "int32"]);
  assert.deepEqual(run(after, feeds)[0].data, run(graph, feeds)[0].data);
});

Deno.test("halfPrecision() resizes with factors of float32", () => {
  const graph = graphOf([1, 2, 4, 4], (b, x) => {
    const conv = b.node("Conv", [x, realConstant(b, [2, 2, 3, 3], 1)], { pads: [1, 1, 1, 1] });
    return b.node("Resize", [conv, null, b.constant("float32", [4], [1, 1, 2, 2])], { mode: "nearest" });
  });
  const after = applied(pass, graph);
  const feeds = feedsFor(graph, { real: true });
  const [expected, actual] = [graph, after].map((g) => run(g, feeds)[0].data as Float32Array);
  assertNear(actual, expected, 3e-3);
});
