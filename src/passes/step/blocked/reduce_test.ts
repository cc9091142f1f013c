import assert from "node:assert/strict";
import type { GraphBuilder } from "../../../onnx/writer.ts";
import { feedsFor, graphOf, ints, reals } from "../../_test_support.ts";
import { assertSame, blockedOps, conv, testBlocks, whole, X } from "./_test_support.ts";

testBlocks("blockChannels() normalizes and sums over channels in blocks, as training does", (block) => {
  for (const channels of [2 * block, 3 * block / 2]) {
    const graph = graphOf(X, (b, x) => {
      const y = conv(b, x, whole(b, [channels, 32, 1, 1]), { pad: 0 });
      const axes = [0, 2, 3];
      const mean = b.node("ReduceMean", [y], { axes, keepdims: 0 });
      const square = b.node("ReduceSumSquare", [y], { axes, keepdims: 0 });
      const vector = (seed: number) => b.constant("float32", [channels], reals(channels, seed));
      const normal = b.node("BatchNormalization", [y, vector(1), vector(2), mean, square], { epsilon: 1e-3 });
      const product = b.node("ReduceSum", [b.node("Mul", [normal, y]), ints(b, axes)], { keepdims: 0 });
      const perImage = b.node("ReduceMean", [normal], { axes: [2, 3], keepdims: 1 });
      return [mean, square, normal, product, perImage, b.node("ReduceMax", [normal], { keepdims: 0 })];
    });
    const ops = blockedOps(assertSame(graph, { block, tolerance: 1e-5 }));
    assert.equal(ops.filter((op) => op === "ReorderOutput").length, 1);
  }
});

testBlocks("blockChannels() finds extremes of all elements and NaN without leaving blocks", (block) => {
  for (const channels of [2 * block, 3 * block / 2]) {
    // All below 0, where zeros in channels that do not count would be the greatest.
    const filter = (b: GraphBuilder) => b.constant("float32", [channels, 32, 1, 1], new Array(channels * 32).fill(-1));
    const graph = graphOf(X, (b, x) => {
      const y = conv(b, b.node("Abs", [x]), filter(b), { pad: 0 });
      return [y, b.node("Relu", [b.node("Neg", [y])])].flatMap((value) => {
        const sum = b.node("ReduceSumSquare", [value], { keepdims: 0 });
        const greatest = b.node("ReduceMax", [value], { keepdims: 0 });
        return [b.node("Where", [b.node("IsNaN", [sum]), b.constant("float32", [], [NaN]), greatest])];
      });
    });
    const blocked = assertSame(graph, { block });
    // Where a block is not full, numbers below 0 are asked for NaN in plain form.
    assert.equal(blocked.nodes.filter(({ op }) => op === "ReorderOutput").length, channels === 2 * block ? 0 : 1);
    const feeds = feedsFor(graph);
    const [name] = graph.inputs;
    for (const value of [NaN, Infinity]) {
      feeds[name][777] = value;
      assertSame(graph, { block, feeds });
    }
  }
});
