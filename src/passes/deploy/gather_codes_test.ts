import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf, ints, opsOf, quantizedWeights } from "../_test_support.ts";
import { gatherCodes } from "./gather_codes.ts";

const INDICES = [[0, 4, 2], [1, 1, 3]];

for (const axis of [1, undefined]) {
  for (const shape of [[6], [2, 3], [1, 2, 3]]) {
    Deno.test(`gatherCodes() picks codes by indices [${shape}], of ${axis === undefined ? "one scale" : "a scale a column"}`, () => {
      const graph = graphOf([4], (b, x) => {
        const table = quantizedWeights(b, [5, 4], axis === undefined ? {} : { axis });
        const picked = b.node("Gather", [table, b.constant("int64", shape, INDICES.flat())], { axis: 0 });
        return b.node("Add", [picked, x]);
      });
      const after = applied(gatherCodes, graph);
      assert.deepEqual(opsOf(after), ["Gather", "DequantizeLinear", "Add"]);
      assertSameNumbers(graph, after);
    });
  }
}

Deno.test("gatherCodes() leaves other axes, real tables and scales along the first axis alone", () => {
  const graphs = [
    graphOf(
      [5, 3],
      (b, x) => b.node("Add", [x, b.node("Gather", [quantizedWeights(b, [5, 4]), ints(b, [0, 2, 1])], { axis: 1 })]),
    ),
    graphOf(
      [3, 4],
      (b, x) =>
        b.node("Add", [
          x,
          b.node("Gather", [quantizedWeights(b, [5, 4], { axis: 0 }), ints(b, [0, 2, 1])], { axis: 0 }),
        ]),
    ),
    graphOf([5, 4], (b, x) => b.node("Gather", [x, ints(b, [0, 2, 1])], { axis: 0 })),
  ];
  for (const graph of graphs) {
    assert.deepEqual(opsOf(applied(gatherCodes, graph)), opsOf(graph));
  }
});
