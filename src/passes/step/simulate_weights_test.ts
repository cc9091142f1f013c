import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { Graph } from "../../onnx/graph.ts";
import { applied, assertSameNumbers, countOps, graphOf, ints, reals } from "../_test_support.ts";
import { shareEqual } from "./share_equal.ts";
import { simulateWeights } from "./simulate_weights.ts";

/** Weights as src/ops lowers them: [-127, 127] is int8 with real values cut off below -127·s. */
function quantized(
  b: GraphBuilder,
  x: Value,
  { axis, scale, zero }: { axis: number; scale: Value; zero: Value },
): Value {
  const after = x.shape.length - 1 - axis;
  const lowest = b.node("Mul", [b.node("Sub", [b.constant("float32", [], [-127]), zero]), scale]);
  const spread = after === 0 ? lowest : b.node("Reshape", [lowest, ints(b, [scale.shape[0], ...Array(after).fill(1)])]);
  const grid = [scale, b.node("Cast", [zero], { to: 3 })];
  const codes = b.node("QuantizeLinear", [b.node("Max", [x, spread]), ...grid], { axis });
  return b.node("DequantizeLinear", [codes, ...grid], { axis });
}

/** The straight-through gradient's codes, clipped and not. */
function clippedCodes(b: GraphBuilder, x: Value, scale: Value, zero: Value): readonly Value[] {
  const rounded = b.node("Round", [b.node("Div", [x, scale])]);
  const bound = (q: number) => b.node("Sub", [b.constant("float32", [], [q]), zero]);
  return [rounded, b.node("Min", [b.node("Max", [rounded, bound(-127)]), bound(127)])];
}

function feedsWithTies(graph: Graph): Readonly<Record<string, Float32Array>> {
  const x = Float32Array.from(reals(3 * 4 * 20, 1), (value) => value * 2);
  // Halfway between codes of scale 0.25 and 0.5, beyond both ends, and zeros of both signs.
  x.set([0.125, 0.375, -0.125, 0.25, -0.75, 100, -100, 0, -0, 31.75, -31.75, 31.875, -31.875, 63.5, -63.75]);
  const scale = Float32Array.from({ length: 20 }, (_, i) => [0.25, 0.5, 0.1, 0.013, 1 / 127][i % 5]);
  return { x, scale: scale.slice(0, Number(graph.types.get("scale")!.shape[0])) };
}

for (const axis of [0, 1, 2]) {
  Deno.test(`simulateWeights() computes the very numbers of QuantizeLinear along axis ${axis} of 3`, () => {
    const channels = [3, 4, 20][axis];
    const graph = graphOf([3, 4, 20], (b, x) => {
      const scale = b.input("float32", [channels], "scale");
      const zero = b.node("Expand", [b.constant("float32", [], [0]), ints(b, [channels])]);
      return quantized(b, x, { axis, scale, zero });
    });
    const simulated = applied(simulateWeights, graph);
    assertSameNumbers(graph, simulated, { feeds: feedsWithTies(graph) });
    assert.deepEqual(countOps(simulated), { ...(axis === 2 ? {} : { Reshape: 1 }), Div: 1, Round: 1, Clip: 1, Mul: 1 });
  });
}

Deno.test("simulateWeights() moves codes around one zero point, and cuts off on both sides as QuantizeLinear does", () => {
  const around128 = graphOf([3, 4, 20], (b, x) => {
    const grid = [b.input("float32", [20], "scale"), b.constant("uint8", [20], new Array(20).fill(128))];
    return b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, ...grid], { axis: 2 }), ...grid], { axis: 2 });
  });
  const within64 = graphOf([3, 4, 20], (b, x) => {
    const scale = b.input("float32", [20], "scale");
    const zero = b.node("Expand", [b.constant("float32", [], [0]), ints(b, [20])]);
    const end = (q: number) => b.node("Mul", [b.node("Sub", [b.constant("float32", [], [q]), zero]), scale]);
    const grid = [scale, b.node("Cast", [zero], { to: 3 })];
    const clipped = b.node("Max", [b.node("Min", [x, end(64)]), end(-64)]);
    return b.node("DequantizeLinear", [b.node("QuantizeLinear", [clipped, ...grid], { axis: 2 }), ...grid], {
      axis: 2,
    });
  });
  for (const graph of [around128, within64]) {
    const simulated = applied(simulateWeights, graph);
    assertSameNumbers(graph, simulated, { feeds: feedsWithTies(graph) });
    assert.deepEqual(countOps(simulated), { Div: 1, Round: 1, Clip: 1, Mul: 1 });
  }
});

Deno.test("simulateWeights() leaves different zero points, and one scale for all, to QuantizeLinear", () => {
  const graph = graphOf([3, 4, 20], (b, x) => {
    const scale = b.input("float32", [20], "scale");
    const some = b.constant("float32", [20], Array.from({ length: 20 }, (_, i) => i % 3));
    const one = [b.constant("float32", [], [0.5]), b.constant("uint8", [], [0])];
    const codes = b.node("QuantizeLinear", [x, ...one]);
    return [quantized(b, x, { axis: 2, scale, zero: some }), b.node("DequantizeLinear", [codes, ...one])];
  });
  assert.equal(countOps(applied(simulateWeights, graph)).QuantizeLinear, 2);
});

Deno.test("simulateWeights() and shareEqual() let the gradient of weights use the forward pass's codes", () => {
  const graph = graphOf([3, 4, 20], (b, x) => {
    const scale = b.input("float32", [20], "scale");
    const zero = b.node("Expand", [b.constant("float32", [], [0]), ints(b, [20])]);
    return [quantized(b, x, { axis: 2, scale, zero }), b.node("Equal", [...clippedCodes(b, x, scale, zero)])];
  });
  const shared = applied(shareEqual, applied(simulateWeights, graph));
  assertSameNumbers(graph, shared, { feeds: feedsWithTies(graph) });
  assert.deepEqual(countOps(shared), { Div: 1, Round: 1, Clip: 1, Mul: 1, Equal: 1 });
});

Deno.test("shareEqual() computes equal nodes once and keeps graph outputs and different attributes apart", () => {
  const graph = graphOf([2, 4], (b, x) => {
    const sum = () => b.node("ReduceMax", [b.node("Abs", [b.node("Neg", [x])])], { keepdims: 0 });
    const other = b.node("ReduceMax", [b.node("Abs", [b.node("Neg", [x])])], { keepdims: 1 });
    const two = () => b.constant("float32", [20], new Array(20).fill(2));
    return [
      sum(),
      sum(),
      other,
      b.node("Mul", [b.node("Exp", [x]), b.node("Exp", [x])]),
      b.node("Add", [two(), two()]),
    ];
  });
  const shared = applied(shareEqual, graph);
  assertSameNumbers(graph, shared);
  assert.deepEqual(countOps(shared), { Neg: 1, Abs: 1, ReduceMax: 3, Exp: 1, Mul: 1, Add: 1 });
});
