import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { codeOf } from "../../numbers/dtype.ts";
import { dropNanGuards } from "./drop_nan_guards.ts";
import { dropRedundant } from "./drop_redundant.ts";
import { applied, assertSameNumbers, graphOf, opsOf } from "../_test_support.ts";

const number = (b: GraphBuilder, value: number) => b.constant("float32", [], [value]);

/** `op` of x without its second axis, or NaN where `asked` of the same elements is. */
function guardedReduction(b: GraphBuilder, x: Value, { op = "ReduceMax", asked = "ReduceSumSquare", instead = NaN }) {
  const attrs = { axes: [1], keepdims: 0 };
  const isNan = b.node("IsNaN", [b.node(asked, [x], attrs)]);
  return b.node("Where", [isNan, number(b, instead), b.node(op, [x], attrs)]);
}

/** `op` of x along its second axis, with `instead` in place of NaN. */
function guardedChoice(b: GraphBuilder, x: Value, { op = "ArgMax", instead = -Infinity }) {
  const guarded = b.node("Where", [b.node("IsNaN", [x]), number(b, instead), x]);
  return b.node("Cast", [b.node(op, [guarded], { axis: 1, keepdims: 0 })], { to: codeOf("int32") });
}

for (const op of ["ReduceMax", "ReduceMin"]) {
  Deno.test(`dropNanGuards() leaves a guarded ${op} alone`, () => {
    const graph = graphOf([3, 4], (b, x) => b.node("Neg", [guardedReduction(b, x, { op })]));
    const plain = applied(dropRedundant, applied(dropNanGuards, graph));
    assert.deepEqual(opsOf(plain), [op, "Neg"]);
    assertSameNumbers(graph, plain);
  });
}

for (const [op, instead] of [["ArgMax", -Infinity], ["ArgMin", Infinity]] as const) {
  Deno.test(`dropNanGuards() leaves a guarded ${op} alone`, () => {
    const graph = graphOf([3, 4], (b, x) => guardedChoice(b, x, { op, instead }));
    const plain = applied(dropRedundant, applied(dropNanGuards, graph));
    assert.deepEqual(opsOf(plain), [op, "Cast"]);
    assertSameNumbers(graph, plain);
  });
}

Deno.test("dropNanGuards() keeps the name of a graph output", () => {
  const graph = graphOf([3, 4], (b, x) => guardedReduction(b, x, {}));
  assertSameNumbers(graph, applied(dropNanGuards, graph));
});

Deno.test("dropNanGuards() leaves every other choice by IsNaN as it is", () => {
  const graphs = [
    graphOf([3, 4], (b, x) => b.node("Where", [b.node("IsNaN", [x]), number(b, -Infinity), x])),
    graphOf([3, 4], (b, x) => guardedChoice(b, x, { instead: 0 })),
    graphOf([3, 4], (b, x) => guardedChoice(b, x, { instead: Infinity })),
    graphOf([3, 4], (b, x) => guardedChoice(b, x, { op: "ArgMin" })),
    graphOf([3, 4], (b, x) => guardedReduction(b, x, { instead: 0 })),
    graphOf([3, 4], (b, x) => guardedReduction(b, x, { op: "ReduceMean" })),
    graphOf([3, 4], (b, x) => guardedReduction(b, x, { asked: "ReduceMean" })),
    graphOf([3, 4], (b, x) => {
      const guarded = b.node("Where", [b.node("IsNaN", [x]), number(b, -Infinity), x]);
      return [b.node("ArgMax", [guarded], { axis: 1 }), b.node("Neg", [guarded])];
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(dropNanGuards, graph)), opsOf(graph));
});
