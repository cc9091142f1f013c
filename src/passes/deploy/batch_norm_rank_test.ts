import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { applied, assertSameNumbers, graphOf, ints, opsOf, realConstant } from "../_test_support.ts";
import { batchNormRank } from "./batch_norm_rank.ts";

interface Shapes {
  readonly picture: readonly number[];
  readonly target: readonly number[];
  readonly axes?: readonly number[];
}

/** x → Reshape to a picture → BatchNormalization as TF.js's kernel lowers it → Reshape. */
function normalized(b: GraphBuilder, x: Value, shapes: Shapes): Value {
  return steps(b, x, shapes).result;
}

function steps(b: GraphBuilder, x: Value, { picture, target, axes = [0, 3, 1, 2] }: Shapes) {
  const channels = picture[axes[1]];
  const parameters = [1, 2, 3].map((seed) => realConstant(b, [channels], seed));
  const variance = b.constant("float32", [channels], new Array<number>(channels).fill(0.5));
  const first = b.node("Transpose", [b.node("Reshape", [x, ints(b, picture)])], { perm: axes });
  const y = b.node("BatchNormalization", [first, ...parameters, variance], { epsilon: 1e-3 });
  const last = b.node("Transpose", [y], { perm: [0, 2, 3, 1] });
  return { normal: y, result: b.node("Reshape", [last, ints(b, target)]) };
}

Deno.test("batchNormRank() normalizes sequences and volumes as such", () => {
  const sequence = graphOf([2, 5, 3], (b, x) => normalized(b, x, { picture: [1, 2, 5, 3], target: [2, 5, 3] }));
  const volume = graphOf(
    [2, 5, 4, 2, 3],
    (b, x) => normalized(b, x, { picture: [10, 4, 2, 3], target: [2, 5, 4, 2, 3] }),
  );
  for (const graph of [sequence, volume]) {
    const after = applied(batchNormRank, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
    assert.deepEqual(opsOf(after), ["Transpose", "BatchNormalization", "Transpose", "Reshape"]);
  }
});

Deno.test("batchNormRank() normalizes the rows of a matrix before they become a sequence", () => {
  const graph = graphOf([10, 3], (b, x) => normalized(b, x, { picture: [1, 2, 5, 3], target: [2, 5, 3] }));
  const after = applied(batchNormRank, graph);
  assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
  assert.deepEqual(opsOf(after), ["BatchNormalization", "Reshape"]);
});

Deno.test("batchNormRank() normalizes the rows of a product before they become a picture", () => {
  const rows = (b: GraphBuilder, x: Value, { bias }: { readonly bias: boolean }) => {
    const product = b.node("MatMul", [x, realConstant(b, [4, 3], 7)]);
    return bias ? b.node("Add", [product, realConstant(b, [3], 8)]) : product;
  };
  const picture = (b: GraphBuilder, value: Value) =>
    b.node("Transpose", [steps(b, value, { picture: [1, 2, 5, 3], target: [1, 2, 5, 3] }).normal], {
      perm: [0, 2, 3, 1],
    });
  for (const bias of [false, true]) {
    const graph = graphOf([10, 4], (b, x) => picture(b, rows(b, x, { bias })));
    const after = applied(batchNormRank, graph);
    assertSameNumbers(graph, after, { tolerance: 1e-6, real: true });
    assert.deepEqual(opsOf(after), ["MatMul", ...bias ? ["Add"] : [], "BatchNormalization", "Reshape"]);
  }
  // Behind anything else it stays a picture's, which a convolution computes.
  const other = graphOf([10, 3], (b, x) => picture(b, b.node("Relu", [x])));
  assert.deepEqual(opsOf(applied(batchNormRank, other)), opsOf(other));
});

Deno.test("batchNormRank() keeps Reshapes that change the channels", () => {
  const graphs = [
    graphOf([2, 5, 6], (b, x) => normalized(b, x, { picture: [1, 4, 5, 3], target: [2, 5, 6] })),
    graphOf([2, 5, 3], (b, x) => normalized(b, x, { picture: [1, 2, 5, 3], target: [5, 6] })),
    graphOf([12], (b, x) => normalized(b, x, { picture: [1, 2, 2, 3], target: [12] })),
  ];
  for (const graph of graphs) {
    const after = applied(batchNormRank, graph);
    assertSameNumbers(graph, after);
    assert.deepEqual(opsOf(after), opsOf(graph));
  }
});

Deno.test("batchNormRank() keeps other Transposes, and values that something else reads", () => {
  const swapped = { picture: [1, 2, 3, 5], target: [2, 5, 3], axes: [0, 2, 1, 3] };
  const graphs = [
    graphOf([2, 5, 3], (b, x) => normalized(b, x, swapped)),
    graphOf([2, 5, 3], (b, x) => {
      const { normal, result } = steps(b, x, { picture: [1, 2, 5, 3], target: [2, 5, 3] });
      return [result, b.node("Relu", [normal])];
    }),
  ];
  for (const graph of graphs) assert.deepEqual(opsOf(applied(batchNormRank, graph)), opsOf(graph));
});
