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

/** y less the greatest number of each channel in the first rows of the first of its pictures. */
function centered(b: GraphBuilder, y: Value, { starts = [0, 0], ends = [1, 1], axes = [0, 2] } = {}): Value {
  const first = b.node("Slice", [y, ...[starts, ends, axes].map((bounds) => ints(b, bounds))]);
  // Whole numbers stay whole.
  return b.node("Sub", [y, b.node("ReduceMax", [first], { axes: [0, 2, 3], keepdims: 1 })]);
}

for (const options of [{}, { group: 3 }, { hasBias: true }, { group: 3, hasBias: true }]) {
  for (const rows of [1, 2, 3]) {
    const what = `${rows} of 3 rows of a convolution, ${JSON.stringify(options)}`;
    Deno.test(`centerConvolutions() makes a bias of what is subtracted when it comes from ${what}`, () => {
      const graph = graphOf(X, (b, x) => centered(b, convolved(b, x, options), { ends: [1, rows] }));
      const result = applied(centerConvolutions, graph);
      assertSameNumbers(graph, result);
      const ops = opsOf(result);
      assert.deepEqual(ops.slice(0, 3), ["Slice", "Conv", "ReduceMax"]);
      assert.equal(ops.at(-1), "Conv");
      assert.ok(!ops.includes("Sub"));
    });
  }
}

Deno.test("centerConvolutions() convolves no more than the rows that are asked for", () => {
  for (const [k, dilation, pad] of [[3, 1, 1], [1, 1, 0], [3, 2, 2], [5, 1, 0]]) {
    const graph = graphOf([2, 3, 9, 5], (b, x) => {
      const filter = whole(b, [6, 3, k, 1], 5);
      const attrs = { kernel_shape: [k, 1], pads: [pad, 0, pad, 0], dilations: [dilation, 1] };
      return centered(b, b.node("Conv", [x, filter], attrs), { ends: [1, 2] });
    });
    const result = applied(centerConvolutions, graph);
    assertSameNumbers(graph, result);
    const [slice] = result.nodes;
    assert.deepEqual(result.types.get(slice.outputs[0])!.shape, [1, 3, 2 + (k - 1) * dilation - pad, 5]);
  }
});

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
    graphOf(X, (b, x) => centered(b, convolved(b, x), { ends: [2, 1] })),
    graphOf(X, (b, x) => centered(b, convolved(b, x), { starts: [1, 0], ends: [2, 1] })),
    graphOf(X, (b, x) => centered(b, convolved(b, x), { starts: [0, 1], ends: [1, 2] })),
    graphOf(X, (b, x) => centered(b, convolved(b, x), { axes: [0, 3] })),
    graphOf(X, (b, x) => b.node("Neg", [centered(b, b.node("Relu", [convolved(b, x)]))])),
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      const first = b.node("Slice", [y, ...[[0, 0], [1, 1], [0, 2]].map((bounds) => ints(b, bounds))]);
      return b.node("Sub", [b.node("ReduceMax", [first], { axes: [0, 2, 3], keepdims: 1 }), y]);
    }),
    graphOf(X, (b, x) => {
      const y = convolved(b, x);
      const first = b.node("Slice", [y, ...[[0, 0], [1, 1], [0, 2]].map((bounds) => ints(b, bounds))]);
      return b.node("Sub", [y, b.node("ReduceMax", [first], { axes: [0, 1], keepdims: 1 })]);
    }),
  ];
  for (const graph of graphs) {
    const result = applied(centerConvolutions, graph);
    assertSameNumbers(graph, result);
    assert.deepEqual(opsOf(result), opsOf(graph));
  }
});
