import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf, opsOf, wholeNumbers } from "../../_test_support.ts";
import { plainProducts } from "./plain_products.ts";

Deno.test("plainProducts() transposes constant matrices that products transpose", () => {
  const matrix = wholeNumbers(5 * 3, { seed: 1 });
  for (const op of ["Gemm", "FusedMatMul"]) {
    const graph = graphOf([2, 3], (b, x) => b.node(op, [x, b.constant("float32", [5, 3], matrix)], { transB: 1 }));
    const after = applied(plainProducts, graph);
    assertSameNumbers(graph, after);
    assert.deepEqual(opsOf(after), [op === "Gemm" ? "Gemm" : "MatMul"]);
    assert.deepEqual([...after.initializers.values()].map(({ shape }) => shape), [[3, 5]]);
  }
});

Deno.test("plainProducts() transposes a matrix that two layers share once", () => {
  const graph = graphOf([2, 3], (b, x) => {
    const w = b.constant("float32", [3, 3], wholeNumbers(9, { seed: 1 }));
    return b.node("Gemm", [b.node("Gemm", [x, w], { transB: 1 }), w], { transB: 1 });
  });
  const after = applied(plainProducts, graph);
  assertSameNumbers(graph, after);
  assert.equal(after.initializers.size, 1);
});

Deno.test("plainProducts() leaves alone what is scaled, transposed on the left, batched or computed", () => {
  const w = wholeNumbers(9, { seed: 1 });
  const graphs = [
    graphOf([3, 3], (b, x) => b.node("FusedMatMul", [x, b.constant("float32", [3, 3], w)], { transB: 1, alpha: 2 })),
    graphOf([3, 3], (b, x) => b.node("FusedMatMul", [x, b.constant("float32", [3, 3], w)], { transB: 1, transA: 1 })),
    graphOf([1, 3, 3], (b, x) => b.node("FusedMatMul", [x, b.constant("float32", [1, 3, 3], w)], { transB: 1 })),
    graphOf([3, 3], (b, x) => b.node("FusedMatMul", [x, x], { transB: 1 })),
    graphOf([3, 3], (b, x) => b.node("Gemm", [x, b.constant("float32", [3, 3], w)], { transB: 0 })),
  ];
  for (const graph of graphs) assert.deepEqual(applied(plainProducts, graph).nodes, graph.nodes);
});
