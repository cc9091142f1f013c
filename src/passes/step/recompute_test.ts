import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, countOps, fakeQuantized, graphOf, ints, opsOf } from "../_test_support.ts";
import { recompute } from "./recompute.ts";

/** 65,536 bytes. */
const SHAPE = [4, 16, 16, 16];

/** A chain of small nodes, as long as what lies between the forward and the backward pass of a layer. */
function between(b: GraphBuilder, x: Value, length = 40): Value {
  let y = b.node("ReduceSum", [x, ints(b, [0, 1, 2, 3])], { keepdims: 0 });
  for (let i = 0; i < length; i++) y = b.node("Neg", [y]);
  return y;
}

Deno.test("recompute() dequantizes again for readers that come late, and keeps the codes in between", () => {
  const graph = graphOf(SHAPE, (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.1, zeroPoint: 3 });
    return b.node("Add", [y, between(b, b.node("Abs", [y]))]);
  });
  const again = applied(recompute, graph);
  assertSameNumbers(graph, again);
  assert.equal(countOps(again).QuantizeLinear, 1);
  assert.equal(countOps(again).DequantizeLinear, 2);
  assert.equal(again.nodes.at(-2)!.op, "DequantizeLinear");
});

Deno.test("recompute() normalizes again when what is normalized is kept all the same", () => {
  const vector = (b: GraphBuilder) => b.constant("float32", [16], Array.from({ length: 16 }, (_, i) => i + 1));
  const normalized = (b: GraphBuilder, x: Value) =>
    b.node("BatchNormalization", [x, vector(b), vector(b), vector(b), vector(b)], { epsilon: 1e-3 });
  const kept = graphOf(SHAPE, (b, x) => {
    const y = b.node("Neg", [x]);
    const z = normalized(b, y);
    const late = between(b, z);
    return [b.node("Mul", [z, late]), b.node("Add", [y, late])];
  });
  const again = applied(recompute, kept);
  assertSameNumbers(kept, again);
  assert.equal(countOps(again).BatchNormalization, 2);
  const dropped = graphOf(SHAPE, (b, x) => {
    const z = normalized(b, b.node("Neg", [x]));
    return b.node("Mul", [z, between(b, z)]);
  });
  assert.equal(countOps(applied(recompute, dropped)).BatchNormalization, 1);
});

Deno.test("recompute() leaves small values, outputs and readers close together alone", () => {
  const small = graphOf([4, 16], (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.1 });
    return b.node("Add", [y, b.node("ReduceMax", [between(b, b.node("Reshape", [y, ints(b, [4, 16, 1, 1])]))])]);
  });
  const output = graphOf(SHAPE, (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.1 });
    return [y, b.node("Add", [y, between(b, y)])];
  });
  const close = graphOf(SHAPE, (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.1 });
    return b.node("Add", [between(b, x, 200), b.node("Mul", [y, b.node("Abs", [y])])]);
  });
  for (const graph of [small, output, close]) assert.equal(countOps(applied(recompute, graph)).DequantizeLinear, 1);
});

Deno.test("recompute() pads again, and views and dequantizes again what it pads, when only codes are kept in between", () => {
  const graph = graphOf(SHAPE, (b, x) => {
    const y = fakeQuantized(b, x, { scale: 0.1, zeroPoint: 3 });
    const view = b.node("Reshape", [y, ints(b, [4, 2, 8, 16, 16])]);
    const wide = b.node("Pad", [view, ints(b, [0, 0, 0, 1, 1, 0, 0, 0, 1, 1])]);
    return b.node("Mul", [wide, between(b, b.node("Reshape", [b.node("Abs", [wide]), ints(b, [4, 16, 18, 18])]))]);
  });
  const again = applied(recompute, graph);
  assertSameNumbers(graph, again);
  const { QuantizeLinear, DequantizeLinear, Pad } = countOps(again);
  assert.deepEqual([QuantizeLinear, DequantizeLinear, Pad], [1, 2, 2]);
  // In the order in which the last Mul needs them.
  assert.deepEqual(opsOf(again).slice(-5), ["Neg", "DequantizeLinear", "Reshape", "Pad", "Mul"]);
});

Deno.test("recompute() keeps what is padded when that cannot be had again", () => {
  const graph = graphOf(SHAPE, (b, x) => {
    const wide = b.node("Pad", [b.node("Exp", [x]), ints(b, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return b.node("Mul", [wide, between(b, b.node("Abs", [wide]))]);
  });
  assert.equal(countOps(applied(recompute, graph)).Pad, 1);
});

Deno.test("recompute() rounds weights again, which are there all the time, and nothing that is computed", () => {
  const rounded = (b: GraphBuilder, x: Value) => {
    const scale = b.constant("float32", [], [0.25]);
    const codes = b.node("Clip", [
      b.node("Round", [b.node("Div", [x, scale])]),
      b.constant("float32", [], [-3]),
      b.constant("float32", [], [3]),
    ]);
    return b.node("Mul", [codes, scale]);
  };
  const twice = (start: (b: GraphBuilder, x: Value) => Value) =>
    graphOf(SHAPE, (b, x) => {
      const y = rounded(b, start(b, x));
      return b.node("Mul", [y, between(b, b.node("Abs", [y]))]);
    });
  const ofWeights = twice((_, x) => x);
  const again = applied(recompute, ofWeights);
  assertSameNumbers(ofWeights, again);
  assert.deepEqual([countOps(again).Round, countOps(again).Div, countOps(again).Clip], [2, 2, 2]);
  assert.equal(countOps(applied(recompute, twice((b, x) => b.node("Exp", [x])))).Round, 1);
});
