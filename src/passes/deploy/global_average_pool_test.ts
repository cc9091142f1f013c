import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf, opsOf } from "../_test_support.ts";
import { globalAveragePool } from "./global_average_pool.ts";

for (const axes of [[2, 3], [3, 2], [-2, -1], [2, -1]]) {
  Deno.test(`globalAveragePool() replaces a mean over [${axes}]`, () => {
    for (const keepdims of [0, 1]) {
      const graph = graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { axes, keepdims }));
      const after = applied(globalAveragePool, graph);
      assertSameNumbers(graph, after, { tolerance: 1e-6 });
      assert.deepEqual(opsOf(after), keepdims === 1 ? ["GlobalAveragePool"] : ["GlobalAveragePool", "Reshape"]);
    }
  });
}

Deno.test("globalAveragePool() replaces means over channels-last pictures, sequences and volumes", () => {
  const cases = [
    { shape: [2, 3, 4, 5], axes: [1, 2] },
    { shape: [2, 3, 4], axes: [1] },
    { shape: [2, 3, 4], axes: [-1] },
    { shape: [2, 3, 4, 2, 3], axes: [3, 2, 1] },
  ];
  for (const { shape, axes } of cases) {
    for (const keepdims of [0, 1]) {
      const graph = graphOf(shape, (b, x) => b.node("ReduceMean", [x], { axes, keepdims }));
      const after = applied(globalAveragePool, graph);
      assertSameNumbers(graph, after, { tolerance: 1e-6 });
      assert.ok(opsOf(after).includes("GlobalAveragePool"), `[${shape}] over [${axes}]`);
    }
  }
});

Deno.test("globalAveragePool() keeps dimensions where nothing is said", () => {
  const graph = graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { axes: [2, 3] }));
  assertSameNumbers(graph, applied(globalAveragePool, graph), { tolerance: 1e-6 });
});

Deno.test("globalAveragePool() leaves other means alone", () => {
  const graphs = [
    graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { axes: [1, 3], keepdims: 0 })),
    graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { axes: [0, 1], keepdims: 0 })),
    graphOf([2, 3], (b, x) => b.node("ReduceMean", [x], { axes: [1], keepdims: 0 })),
    graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { axes: [3], keepdims: 0 })),
    graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceMean", [x], { keepdims: 0 })),
    graphOf([2, 3, 4, 5], (b, x) => b.node("ReduceSumSquare", [x], { axes: [2, 3], keepdims: 0 })),
    graphOf([2, 3, 4, 5, 2], (b, x) => b.node("ReduceMean", [x], { axes: [2, 3], keepdims: 0 })),
    graphOf([2, 3, 4, 5], (b, x) => b.node("Add", [x, b.node("RandomUniform", [], { shape: [1], seed: 1 })])),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(globalAveragePool, graph)), opsOf(graph));
});
