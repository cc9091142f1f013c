import assert from "node:assert/strict";
import { applied, assertSameNumbers, graphOf, opsOf, realConstant } from "../_test_support.ts";
import { mergeBias } from "./merge_bias.ts";

const CONV = { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };

/** Conv of [2, 3, 4, 4] to 5 channels → Add of a constant. */
function convPlus(shape: readonly number[], options: { readonly first?: boolean } = {}) {
  return graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1)], CONV);
    const bias = realConstant(b, shape, 2);
    return b.node("Add", options.first ? [bias, y] : [y, bias]);
  });
}

for (const first of [false, true]) {
  for (const shape of [[5, 1, 1], [1, 5, 1, 1]]) {
    Deno.test(`mergeBias() merges an Add of [${shape}] as operand ${first ? 1 : 2} into its Conv`, () => {
      const graph = convPlus(shape, { first });
      const after = applied(mergeBias, graph);
      assertSameNumbers(graph, after, { tolerance: 1e-6 });
      assert.deepEqual(opsOf(after), ["Conv"]);
      assert.deepEqual(after.initializers.get(after.nodes[0].inputs[2])?.shape, [5]);
    });
  }
}

// A Conv's bias has one element a channel: a scalar is no bias unless there is one channel.
for (const shape of [[], [1], [1, 1, 1], [1, 1, 1, 1], [4], [4, 4], [5, 4, 4], [2, 5, 1, 1], [1, 1, 5, 1, 1]]) {
  Deno.test(`mergeBias() leaves an Add of [${shape}] behind a Conv of 5 channels alone`, () => {
    const graph = convPlus(shape);
    const after = applied(mergeBias, graph);
    assertSameNumbers(graph, after);
    assert.deepEqual(opsOf(after), ["Conv", "Add"]);
  });
}

for (const shape of [[5], [5, 1]]) {
  Deno.test(`mergeBias() leaves an Add of [${shape}] along a picture as wide as there are channels alone`, () => {
    const graph = graphOf([2, 3, 5, 5], (b, x) => {
      return b.node("Add", [b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1)], CONV), realConstant(b, shape, 2)]);
    });
    assertSameNumbers(graph, applied(mergeBias, graph));
    assert.deepEqual(opsOf(applied(mergeBias, graph)), ["Conv", "Add"]);
  });
}

for (const shape of [[5], [1, 5]]) {
  Deno.test(`mergeBias() makes MatMul and Add of [${shape}] a Gemm`, () => {
    const graph = graphOf([4, 3], (b, x) => {
      return b.node("Add", [b.node("MatMul", [x, realConstant(b, [3, 5], 1)]), realConstant(b, shape, 2)]);
    });
    const after = applied(mergeBias, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6 });
    assert.deepEqual(opsOf(after), ["Gemm"]);
    assert.deepEqual(after.initializers.get(after.nodes[0].inputs[2])?.shape, [5]);
  });
}

for (const shape of [[], [1], [4, 1], [4, 5], [1, 1, 5]]) {
  Deno.test(`mergeBias() leaves an Add of [${shape}] behind a product [4, 5] alone`, () => {
    const graph = graphOf([4, 3], (b, x) => {
      return b.node("Add", [b.node("MatMul", [x, realConstant(b, [3, 5], 1)]), realConstant(b, shape, 2)]);
    });
    const after = applied(mergeBias, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6 });
    assert.deepEqual(opsOf(after), ["Gemm", "Add"]);
  });
}

Deno.test("mergeBias() leaves a product of batches alone", () => {
  const graph = graphOf([2, 4, 3], (b, x) => {
    return b.node("Add", [b.node("MatMul", [x, realConstant(b, [3, 5], 1)]), realConstant(b, [5], 2)]);
  });
  assert.deepEqual(opsOf(applied(mergeBias, graph)), ["MatMul", "Add"]);
  assertSameNumbers(graph, applied(mergeBias, graph));
});

Deno.test("mergeBias() leaves a Conv alone that something else reads, or the caller", () => {
  const read = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1)], CONV);
    return b.node("Mul", [b.node("Add", [y, realConstant(b, [5, 1, 1], 2)]), y]);
  });
  const returned = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1)], CONV);
    return [y, b.node("Add", [y, realConstant(b, [5, 1, 1], 2)])];
  });
  for (const graph of [read, returned]) {
    assertSameNumbers(graph, applied(mergeBias, graph));
    assert.deepEqual(opsOf(applied(mergeBias, graph)), opsOf(graph));
  }
});

Deno.test("mergeBias() leaves a bias that is there, a value doubled, and an Add of two values alone", () => {
  const biased = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1), realConstant(b, [5], 3)], CONV);
    return b.node("Add", [y, realConstant(b, [5, 1, 1], 2)]);
  });
  const doubled = graphOf([2, 3, 4, 4], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [5, 3, 1, 1], 1)], CONV);
    return b.node("Add", [y, y]);
  });
  const skip = graphOf([2, 3, 4, 4], (b, x) => {
    return b.node("Add", [b.node("Conv", [x, realConstant(b, [3, 3, 1, 1], 1)], CONV), x]);
  });
  for (const graph of [biased, doubled, skip]) {
    assertSameNumbers(graph, applied(mergeBias, graph));
    assert.deepEqual(opsOf(applied(mergeBias, graph)), ["Conv", "Add"]);
  }
});
