import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node } from "./graph.ts";
import { topologicalOrder } from "./order.ts";

const node = (name: string, inputs: readonly string[]): Node => ({
  op: "Sum",
  name,
  inputs,
  outputs: [name],
  attrs: {},
});

Deno.test("topologicalOrder() keeps an order that is legal", () => {
  const nodes = [node("b", ["x"]), node("a", ["x"]), node("c", ["a", "b", ""])];
  assert.deepEqual(topologicalOrder(nodes), nodes);
});

Deno.test("topologicalOrder() puts every node behind what it reads", () => {
  const graphs = fc.array(fc.array(fc.nat(30), { maxLength: 3 }), { minLength: 1, maxLength: 30 }).chain((reads) => {
    // Node i reads only nodes before i, so there is no circle; then they are shuffled.
    const nodes = reads.map((from, i) => node(`n${i}`, from.map((j) => i === 0 ? "x" : `n${j % i}`)));
    return fc.shuffledSubarray(nodes, { minLength: nodes.length });
  });
  fc.assert(
    fc.property(graphs, (nodes) => {
      const ordered = topologicalOrder(nodes);
      assert.deepEqual(new Set(ordered), new Set(nodes));
      const seen = new Set(["x"]);
      for (const { name, inputs } of ordered) {
        for (const input of inputs) assert.ok(seen.has(input), `"${name}" stands before "${input}"`);
        seen.add(name);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("topologicalOrder() orders a long chain given backwards", () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => node(`n${i}`, [i === 0 ? "x" : `n${i - 1}`]));
  assert.deepEqual(topologicalOrder(chain.toReversed()), chain);
});

Deno.test("topologicalOrder() names the nodes of a circle", () => {
  const nodes = [node("in", ["x"]), node("a", ["in", "b"]), node("b", ["a"])];
  assert.throws(() => topologicalOrder(nodes), { name: "RangeError", message: /"a", "b" read each other/ });
  assert.throws(() => topologicalOrder([node("self", ["self"])]), /"self" read each other/);
});
