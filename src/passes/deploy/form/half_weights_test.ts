import assert from "node:assert/strict";
import { fromHalf, toHalf } from "../../../numbers/half.ts";
import type { Graph } from "../../../onnx/graph.ts";
import { runPasses } from "../../pass.ts";
import { applied, feedsFor, graphOf, opsOf, realConstant, reals, run } from "../../_test_support.ts";
import { bytesOfConstants, dense, fused } from "./_test_support.ts";
import { halfWeights } from "./half_weights.ts";

/** The graph with its matrices rounded to half precision. */
function rounded(graph: Graph): Graph {
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => {
    const data = tensor.shape.length < 2 ? tensor.data : fromHalf(toHalf(tensor.data as Float32Array));
    return [name, { ...tensor, data }] as const;
  }));
  return { ...graph, initializers };
}

Deno.test("halfWeights() computes in float32 with weights of half precision", () => {
  const graph = graphOf([2, 64], (b, x) => dense(b, b.node("Relu", [dense(b, x, 32, 1)]), 8, 2));
  const after = applied(halfWeights, graph);
  assert.deepEqual(opsOf(after), ["Cast", "Gemm", "Relu", "Cast", "Gemm"]);
  assert.ok(bytesOfConstants(after) < bytesOfConstants(graph) * 0.51);
  const feeds = feedsFor(graph, { real: true });
  // The session folds the casts when it loads the file: from there on it is the float model.
  assert.deepEqual(opsOf(fused(after)), opsOf(fused(graph)));
  assert.deepEqual(run(fused(after), feeds)[0].data, run(fused(rounded(graph)), feeds)[0].data);
});

Deno.test("halfWeights() casts shared weights once, and leaves small ones and those beyond half precision", () => {
  const graph = graphOf([2, 4], (b, x) => {
    const w = realConstant(b, [4, 4], 1);
    const huge = b.constant("float32", [4, 4], reals(16, 2).with(3, 1e5), "huge");
    const small = b.constant("float32", [4, 2], reals(8, 2), "small");
    return [w, w, huge, small].reduce((h, matrix) => b.node("MatMul", [h, matrix]), x);
  });
  const { graph: after, declined } = runPasses([halfWeights], graph, { debug: true });
  assert.deepEqual(opsOf(after), ["Cast", "MatMul", "MatMul", "MatMul", "MatMul"]);
  assert.deepEqual(declined.map(({ because }) => because), ["its weights reach 100000, beyond 65504"]);
});

Deno.test("halfWeights() refuses weights that are no numbers, and names them", () => {
  const graph = graphOf(
    [1, 16],
    (b, x) => b.node("MatMul", [x, b.constant("float32", [16, 1], reals(16, 1).with(9, Infinity), "w")]),
  );
  assert.throws(() => halfWeights.run(graph), /^RangeError: Cannot round constant "w": element 9 is Infinity/);
});
