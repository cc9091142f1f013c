import assert from "node:assert/strict";
import { indexOf } from "../../onnx/index.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { graphOf, ints } from "../_test_support.ts";
import { uniformOf } from "./_uniform.ts";

/** The number that all elements of what `make` makes are, as far as it is known. */
function found(make: (b: GraphBuilder) => Value): number | undefined {
  const graph = graphOf([2], (b, x) => [make(b), b.node("Neg", [x])]);
  return uniformOf(graph.outputs[0], indexOf(graph));
}

const scalar = (b: GraphBuilder, value: number) => b.constant("float32", [], [value]);

Deno.test("uniformOf() looks through what moves and spreads a number, and through sums and products", () => {
  assert.equal(found((b) => b.node("Expand", [scalar(b, 1.5), ints(b, [2, 3])])), 1.5);
  assert.equal(found((b) => b.node("Tile", [b.constant("float32", [2], [3, 3]), ints(b, [2])])), 3);
  assert.equal(
    found((b) => b.node("Mul", [scalar(b, 0.1), b.node("Sub", [scalar(b, 3), scalar(b, 1)])])),
    Math.fround(0.2),
  );
  assert.equal(found((b) => b.node("Neg", [scalar(b, 1)])), undefined);
  assert.equal(found((b) => b.node("Identity", [b.constant("float32", [2], [3, 4])])), undefined);
});

Deno.test("uniformOf() looks through a Cast where the number stays what it is", () => {
  const cast = (value: number, to: number) =>
    found((b) => b.node("Cast", [b.node("Cast", [scalar(b, value)], { to })], { to: 1 }));
  assert.equal(cast(1.5, 1), 1.5);
  assert.equal(cast(0, 3), 0);
  assert.equal(cast(1.5, 6), undefined);
  assert.equal(cast(300, 2), undefined);
  assert.equal(cast(2, 9), undefined);
});
