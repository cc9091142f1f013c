import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { Attrs } from "../../onnx/graph.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, quantizedWeights, realConstant } from "../_test_support.ts";
import { oneDimension } from "./one_dimension.ts";

const CONV = { kernel_shape: [1, 3], strides: [1, 2], dilations: [1, 2], pads: [0, 1, 0, 2], group: 1 };
const POOL = { kernel_shape: [3, 1], strides: [2, 5], pads: [1, 0, 0, 0] };

interface Parts {
  readonly picture: readonly number[];
  readonly target: readonly number[];
  readonly op?: string;
  readonly attrs?: Attrs;
  readonly weights?: (b: GraphBuilder) => Value;
}

/** x → Reshape to a picture → operator → Reshape. */
function within(b: GraphBuilder, x: Value, { picture, target, op = "Conv", attrs = CONV, weights }: Parts): Value {
  const inputs = [b.node("Reshape", [x, ints(b, picture)]), ...(weights === undefined ? [] : [weights(b)])];
  return b.node("Reshape", [b.node(op, inputs, attrs), ints(b, target)]);
}

const kernel = (b: GraphBuilder) => realConstant(b, [4, 3, 1, 3], 1);

Deno.test("oneDimension() convolves a sequence, with float and with quantized weights", () => {
  const quantized = (b: GraphBuilder) => quantizedWeights(b, [4, 3, 1, 3], { axis: 0 });
  for (const weights of [kernel, quantized]) {
    const graph = graphOf([2, 3, 9], (b, x) => within(b, x, { picture: [2, 3, 1, 9], target: [2, 4, 4], weights }));
    const after = applied(oneDimension, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
    const conv = after.nodes.at(-1)!;
    const attrs = { kernel_shape: [3], strides: [2], dilations: [2], pads: [1, 2], group: 1 };
    assert.deepEqual({ op: conv.op, attrs: conv.attrs }, { op: "Conv", attrs });
    assert.equal(opsOf(after).includes("Reshape"), false);
  }
});

Deno.test("oneDimension() pools a sequence, whichever axis of the picture it was laid along", () => {
  for (const op of ["MaxPool", "AveragePool"]) {
    const graph = graphOf(
      [2, 3, 8],
      (b, x) => within(b, x, { picture: [2, 3, 8, 1], target: [2, 3, 4], op, attrs: POOL }),
    );
    const after = applied(oneDimension, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
    assert.deepEqual(after.nodes.map(({ op, attrs }) => ({ op, attrs })), [
      { op, attrs: { kernel_shape: [3], strides: [2], pads: [1, 0] } },
    ]);
  }
});

Deno.test("oneDimension() reshapes to and from what is no sequence", () => {
  for (
    const { shape, target } of [{ shape: [2, 3, 9, 1], target: [2, 16] }, { shape: [3, 18], target: [2, 4, 4, 1] }]
  ) {
    const graph = graphOf(shape, (b, x) => within(b, x, { picture: [2, 3, 1, 9], target, weights: kernel }));
    const after = applied(oneDimension, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
    assert.deepEqual(opsOf(after), ["Reshape", "Conv", "Reshape"]);
    assert.deepEqual(after.nodes[1].attrs.kernel_shape, [3]);
  }
});

Deno.test("oneDimension() takes what one operator gives to the next", () => {
  const graph = graphOf([2, 3, 10], (b, x) => {
    const pool = {
      picture: [2, 3, 10, 1],
      target: [2, 3, 1, 5],
      op: "MaxPool",
      attrs: { ...POOL, pads: [1, 0, 1, 0] },
    };
    const conv = b.node("Conv", [within(b, x, pool), kernel(b)], { ...CONV, pads: [0, 2, 0, 2] });
    return b.node("Reshape", [conv, ints(b, [2, 4, 3])]);
  });
  const after = applied(oneDimension, graph);
  assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
  assert.deepEqual(opsOf(after), ["MaxPool", "Reshape", "Reshape", "Conv"]);
});

Deno.test("oneDimension() keeps windows that reach across the axis of 1, and real pictures", () => {
  const across = { ...CONV, kernel_shape: [3, 3], pads: [1, 1, 1, 2] };
  const padded = { ...CONV, pads: [1, 1, 0, 2] };
  const graphs = [
    graphOf([2, 3, 9], (b, x) =>
      within(b, x, {
        picture: [2, 3, 1, 9],
        target: [2, 4, 4],
        attrs: across,
        weights: (b) => realConstant(b, [4, 3, 3, 3], 1),
      })),
    graphOf(
      [2, 3, 9],
      (b, x) => within(b, x, { picture: [2, 3, 1, 9], target: [2, 4, 8], attrs: padded, weights: kernel }),
    ),
    graphOf([2, 3, 18], (b, x) => within(b, x, { picture: [2, 3, 2, 9], target: [2, 4, 8], weights: kernel })),
  ];
  for (const graph of graphs) {
    const after = applied(oneDimension, graph);
    assertSameNumbers(graph, after);
    assert.deepEqual(opsOf(after), opsOf(graph));
  }
});

Deno.test("oneDimension() keeps a picture that something else reads, and weights that are computed", () => {
  const graphs = [
    graphOf([2, 3, 9], (b, x) => {
      const conv = b.node("Conv", [b.node("Reshape", [x, ints(b, [2, 3, 1, 9])]), kernel(b)], CONV);
      return [b.node("Reshape", [conv, ints(b, [2, 4, 4])]), conv];
    }),
    graphOf(
      [2, 3, 9],
      (b, x) => within(b, x, { picture: [2, 3, 1, 9], target: [2, 4, 4], weights: (b) => b.node("Relu", [kernel(b)]) }),
    ),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(oneDimension, graph)), opsOf(graph));
});
