import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf, ints, opsOf } from "./_test_support.ts";
import { mergeReshapes } from "./merge_reshapes.ts";

Deno.test("mergeReshapes() makes a chain one Reshape", () => {
  const graph = graphOf([2, 3, 4], (b, x) => {
    const flat = b.node("Reshape", [x, ints(b, [24])]);
    return b.node("Relu", [b.node("Reshape", [b.node("Reshape", [flat, ints(b, [4, 6])]), ints(b, [6, 4])])]);
  });
  const after = applied(mergeReshapes, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Reshape", "Relu"]);
  assert.equal(after.nodes[0].inputs[0], "x");
});

Deno.test("mergeReshapes() leaves out a chain that ends in the shape that it began with", () => {
  const graph = graphOf([2, 3, 4], (b, x) => {
    const back = b.node("Reshape", [b.node("Reshape", [x, ints(b, [24])]), ints(b, [2, 3, 4])]);
    return b.node("Add", [back, b.node("Relu", [back])]);
  });
  const after = applied(mergeReshapes, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Relu", "Add"]);
});

Deno.test("mergeReshapes() keeps what is read in between, and outputs' names", () => {
  const graph = graphOf([2, 3, 4], (b, x) => {
    const flat = b.node("Reshape", [x, ints(b, [24])]);
    const back = b.node("Reshape", [flat, ints(b, [2, 3, 4])]);
    const again = b.node("Reshape", [back, ints(b, [6, 4])]);
    return [b.node("Relu", [flat]), back, b.node("Neg", [again]), again];
  });
  const after = applied(mergeReshapes, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), ["Reshape", "Reshape", "Reshape", "Relu", "Neg"]);
});
