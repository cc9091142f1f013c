import assert from "node:assert/strict";
import { typeOf } from "../../../onnx/graph.ts";
import { applied, feedsFor, graphOf, ints, run } from "../../_test_support.ts";
import { multiplyFilterGradients } from "../filter_gradient.ts";
import { assertSame, blockedOps, conv, filterGradient, testBlocks, whole, X } from "./_test_support.ts";

for (
  const [n, k, stride, pad, dilation = 1] of [
    [16, 3, 1, 1],
    [16, 3, 2, 1],
    [32, 5, 1, 2],
    [16, 1, 1, 0],
    [12, 3, 1, 1],
    [4, 1, 1, 0],
    [4, 3, 1, 1],
    [16, 3, 1, 2, 2],
    [4, 3, 1, 1, 2],
    [16, 2, 1, 1, 3],
  ]
) {
  const build = () =>
    graphOf([n, 32, 6, 4], (b, x) => {
      const own = conv(b, x, whole(b, [32, 32, 1, 1]), { pad: 0 });
      const dy = conv(b, x, whole(b, [48, 32, k, k], 4), { stride, pad, dilation });
      return filterGradient(b, { x: own, dy, k, stride, pad, dilation });
    });
  const how = `${k}×${k} filter with stride ${stride}, dilation ${dilation} of ${n} images`;
  // Whole numbers of these sizes: sums stay below 2^24 and exact.
  testBlocks(`blockChannels() computes the gradient of a ${how}`, (block) => void assertSame(build(), { block }));
  Deno.test(`multiplyFilterGradients() computes the gradient of a ${how}`, () => {
    const graph = build();
    const products = applied(multiplyFilterGradients, graph);
    assert.ok(products.nodes.some(({ op }) => op === "FusedMatMul"));
    const feeds = feedsFor(graph);
    assert.deepEqual(run(products, feeds), run(graph, feeds));
  });
}

for (
  const [n, groups, inside, own, stride, dilation = 1] of [[16, 2, 16, 16, 1], [8, 2, 4, 32, 2], [4, 3, 16, 16, 1], [
    6,
    2,
    16,
    16,
    1,
    2,
  ]]
) {
  testBlocks(
    `blockChannels() computes the gradient of ${groups} groups of ${inside} channels and ${own} filters, ${n} images`,
    (block) => {
      const graph = graphOf([n, 32, 8, 7], (b, x) => {
        const picture = conv(b, x, whole(b, [groups * inside, 32, 1, 1]), { pad: 0 });
        const dy = conv(b, x, whole(b, [groups * own, 32, 3, 3], 4), { stride, pad: 1, dilation });
        return filterGradient(b, { x: picture, dy, k: 3, stride, pad: 1, dilation, groups });
      });
      const ofPictures = assertSame(graph, { block }).nodes.filter(({ op, attrs }) =>
        op === "Conv" && attrs.group === groups
      );
      const isBlocked = own % block === 0 && 3 * n >= 2 * Math.ceil(n / block) * block;
      assert.deepEqual(ofPictures.map(({ domain }) => domain !== undefined), [isBlocked]);
      const products = applied(multiplyFilterGradients, graph);
      const feeds = feedsFor(graph);
      assert.deepEqual(run(products, feeds), run(graph, feeds));
    },
  );
}

for (const [ins, outs] of [[32, 48], [48, 32], [40, 16], [48, 29], [29, 48], [32, 32]]) {
  testBlocks(
    `blockChannels() computes the gradient of a 1×1 filter of ${ins} channels and ${outs} as a product of pixels`,
    (block) => {
      const graph = graphOf([4, 32, 6, 4], (b, x) => {
        const own = conv(b, x, whole(b, [ins, 32, 1, 1]), { pad: 0 });
        return filterGradient(b, {
          x: own,
          dy: conv(b, x, whole(b, [outs, 32, 1, 1], 4), { pad: 0 }),
          k: 1,
          stride: 1,
          pad: 0,
        });
      });
      const blocked = assertSame(graph, { block });
      const product = blocked.nodes.findLast(({ op }) => op === "Conv")!;
      // The picture with more channels gives the filters, a channel of them a pixel.
      const [filters, pixels] = typeOf(blocked, product.inputs[1]).shape;
      assert.equal(pixels, 4 * 6 * 4);
      assert.ok(Number(filters) >= Math.max(ins, outs));
    },
  );
}

testBlocks("blockChannels() moves the blocks of large values by Gather, which has threads", (block) => {
  const graph = graphOf([16, 32, 16, 16], (b, x) => {
    const own = conv(b, x, whole(b, [32, 32, 1, 1]), { pad: 0 });
    return filterGradient(b, {
      x: own,
      dy: conv(b, x, whole(b, [48, 32, 1, 1], 4), { pad: 0 }),
      k: 1,
      stride: 1,
      pad: 0,
    });
  });
  assert.ok(assertSame(graph, { block }).nodes.some(({ op }) => op === "Gather"));
});

testBlocks("blockChannels() computes the gradient of a depthwise filter in blocks", (block) => {
  const graph = graphOf(X, (b, x) => {
    const y = conv(b, x, whole(b, [32, 1, 1, 1]), { pad: 0, group: 32 });
    const [n, c, h, w] = y.shape;
    const planes = b.node("Reshape", [y, ints(b, [1, n * c, h, w])]);
    const filters = b.node("Reshape", [b.node("Relu", [y]), ints(b, [n * c, 1, h, w])]);
    return b.node("Conv", [planes, filters], { kernel_shape: [h, w], pads: [1, 1, 1, 1], group: n * c });
  });
  assert.deepEqual(blockedOps(assertSame(graph, { block })), ["ReorderInput", "Conv", "Conv", "ReorderOutput"]);
});

for (
  const [k, stride, pads, extra] of [[3, 2, [0, 0, 1, 1], 0], [3, 2, [1, 0, 1, 1], 1], [5, 3, [2, 1, 0, 0], 2], [2, 2, [
    0,
    0,
    0,
    0,
  ], 0]] as const
) {
  testBlocks(
    `blockChannels() computes a depthwise ConvTranspose of ${k}×${k} with stride ${stride}, pads ${pads}, ${extra} more`,
    (block) => {
      const graph = graphOf(X, (b, x) => {
        const y = conv(b, x, whole(b, [32, 1, 1, 1]), { pad: 0, group: 32 });
        const attrs = {
          kernel_shape: [k, k],
          strides: [stride, stride],
          pads,
          output_padding: [extra, extra],
          group: 32,
        };
        return b.node("ConvTranspose", [y, whole(b, [32, 1, k, k], 5)], attrs);
      });
      assert.deepEqual(blockedOps(assertSame(graph, { block })), ["ReorderInput", "Conv", "Conv", "ReorderOutput"]);
    },
  );
}
