import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, wholeNumbers } from "../_test_support.ts";
import { centerConvolutions } from "./center_convolutions.ts";

const X = [4, 3, 6, 5];

function whole(b: GraphBuilder, shape: readonly number[], seed: number): Value {
  return b.constant("float32", shape, wholeNumbers(shape.reduce((a, b) => a * b), { seed, span: 2 }));
}

function convolved(b: GraphBuilder, x: Value, { group = 1, hasBias = false } = {}): Value {
  const filter = whole(b, [6, 3 / group, 3, 3], 5);
  const inputs = hasBias ? [x, filter, whole(b, [6], 6)] : [x, filter];
  return b.node("Conv", inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], group });
}

/** y less the greatest number of each channel of its samples from `start` to `end`. */
function centered(b: GraphBuilder, y: Value, { start = 0, end = 1, axis = 0 } = {}): Value {
  const first = b.node("Slice", [y, ...[start, end, axis].map((bound) => ints(b, [bound]))]);
  // Whole numbers stay whole.
  return b.node("Sub", [y, b.node("ReduceMax", [first], { axes: [0, 2, 3], keepdims: 1 })]);
}

for (const options of [{}, { group: 3 }, { hasBias: true }, { group: 3, hasBias: true }]) {
  Deno.test(`centerConvolutions() makes a bias of what is subtracted when a convolution is ${JSON.stringify(options)}`, () => {
    const graph = graphOf(X, (b, x) => centered(b, convolved(b, x, options)));
    const result = applied(centerConvolutions, graph);
    assertSameNumbers(graph, result);
    const ops = opsOf(result);
    assert.deepEqual(ops.slice(0, 3), ["Slice", "Conv", "ReduceMax"]);
    assert.equal(ops.at(-1), "Conv");
    assert.ok(!ops.includes("Sub"));
  });
}

Deno.test("centerConvolutions() leaves a convolution alone when anything else is done with its result", () => {
  const graphs = [
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      return [centered(b, y), b.node("Relu", [y])];
    }),
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      return [centered(b, y), y];
    }),
    graphOf(X, (b, x) => centered(b, convolved(b, x), { end: 2 })),
    graphOf(X, (b, x) => centered(b, convolved(b, x), { start: 1, end: 2 })),
    graphOf(X, (b, x) => b.node("Neg", [centered(b, b.node("Relu", [convolved(b, x)]))])),
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      const first = b.node("Slice", [y, ...[0, 1, 0].map((bound) => ints(b, [bound]))]);
      return b.node("Sub", [b.node("ReduceMax", [first], { axes: [0, 2, 3], keepdims: 1 }), y]);
    }),
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      const first = b.node("Slice", [y, ...[0, 1, 0].map((bound) => ints(b, [bound]))]);
      return b.node("Sub", [y, b.node("ReduceMax", [first], { axes: [0, 1], keepdims: 1 })]);
    }),
  ];
  for (const graph of graphs) {
    const result = applied(centerConvolutions, graph);
    assertSameNumbers(graph, result);
    assert.deepEqual(opsOf(result), opsOf(graph));
  }
});
