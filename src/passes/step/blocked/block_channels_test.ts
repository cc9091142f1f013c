import assert from "node:assert/strict";
import fc from "fast-check";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import type { Graph } from "../../../onnx/graph.ts";
import { graphOf, ints } from "../../_test_support.ts";
import { assertSame, blockedOps, conv, testBlocks, whole, X } from "./_test_support.ts";

testBlocks("blockChannels() keeps a chain of convolutions in blocks when channels fill them", (block) => {
  const graph = graphOf([2, 3, 6, 5], (b, x) => {
    const y = b.node("Relu", [conv(b, x, whole(b, [16, 3, 3, 3]))]);
    const z = conv(b, y, whole(b, [32, 16, 3, 3], 4), { stride: 2 });
    return b.node("Add", [z, conv(b, z, whole(b, [32, 1, 3, 3], 5), { group: 32 })]);
  });
  assert.deepEqual(blockedOps(assertSame(graph, { block })), ["Conv", "Conv", "Conv", "ReorderOutput"]);
});

testBlocks("blockChannels() brings any number of channels into blocks", (block) => {
  for (const channels of [13, 14, 15, 16, 29, 42]) {
    const graph = graphOf([2, channels, 6, 5], (b, x) => conv(b, x, whole(b, [16, channels, 3, 3])));
    assert.ok(blockedOps(assertSame(graph, { block })).includes("ReorderInput"));
  }
});

testBlocks(
  "blockChannels() fills up the last block when channels do not, and leaves out what does not count",
  (block) => {
    const graph = graphOf([2, 24, 4, 4], (b, x) => {
      const y = conv(b, x, whole(b, [24, 24, 1, 1]), { pad: 0 });
      const one = b.node("Add", [y, b.constant("float32", [], [1])]);
      const sums = b.node("ReduceSum", [one, ints(b, [0, 2, 3])], { keepdims: 0 });
      return [conv(b, one, whole(b, [40, 24, 3, 3], 5)), sums, b.node("ReduceMin", [one], { keepdims: 0 })];
    });
    assertSame(graph, { block });
  },
);

testBlocks(
  "blockChannels() leaves convolutions alone when blocks would be mostly empty or groups share them",
  (block) => {
    const most = block + 1;
    const graph = graphOf(X, (b, x) => [
      conv(b, x, whole(b, [3, 32, 1, 1]), { pad: 0 }),
      conv(b, x, whole(b, [32, 4, 3, 3]), { group: 8 }),
      conv(b, x, whole(b, [8, 16, 3, 3]), { group: 2 }),
      conv(b, b.node("Slice", [x, ints(b, [0]), ints(b, [most]), ints(b, [1])]), whole(b, [32, most, 1, 1]), {
        pad: 0,
      }),
    ]);
    assert.deepEqual(blockedOps(assertSame(graph, { block })), []);
  },
);

/** Filters as TF.js's lowerings hand them over: transposed from [kh, kw, in, out]. */
const FILTERS: Readonly<Record<string, (b: GraphBuilder, x: Value) => Value>> = {
  "of a convolution": (b, x) => conv(b, x, b.node("Transpose", [whole(b, [3, 3, 32, 48])], { perm: [3, 2, 0, 1] })),
  "of a convolution of 24 channels": (b, x) => {
    const y = conv(b, x, whole(b, [24, 32, 1, 1]), { pad: 0 });
    return conv(b, y, b.node("Transpose", [whole(b, [3, 3, 24, 40])], { perm: [3, 2, 0, 1] }));
  },
  "of a convolution's gradient by its input": (b, x) =>
    conv(b, x, b.node("Transpose", [whole(b, [3, 2, 48, 32])], { perm: [2, 3, 0, 1] })),
  "of 3 channels": (b, x) => {
    const y = b.node("Slice", [x, ints(b, [0]), ints(b, [3]), ints(b, [1])]);
    return conv(b, y, b.node("Transpose", [whole(b, [3, 3, 3, 16])], { perm: [3, 2, 0, 1] }));
  },
  "of a depthwise convolution": (b, x) => {
    const moved = b.node("Transpose", [whole(b, [3, 3, 32, 1])], { perm: [2, 3, 0, 1] });
    return conv(b, x, b.node("Reshape", [moved, ints(b, [32, 1, 3, 3])]), { group: 32 });
  },
};

for (const [name, make] of Object.entries(FILTERS)) {
  testBlocks(
    `blockChannels() reorders the filter ${name} right`,
    (block) => assert.ok(blockedOps(assertSame(graphOf(X, make), { block })).includes("Conv")),
  );
}

testBlocks("blockChannels() takes ReLUs and sums into the convolutions that nothing else reads", (block) => {
  const graph = graphOf(X, (b, x) => {
    const [u, v] = [1, 2].map((seed) => conv(b, x, whole(b, [32, 32, 3, 3], seed)));
    const read = conv(b, x, whole(b, [32, 32, 1, 1], 6), { pad: 0 });
    const sum = b.node("Relu", [b.node("Add", [b.node("Add", [u, read]), v])]);
    return [b.node("Add", [sum, read]), b.node("Relu", [conv(b, sum, whole(b, [16, 32, 1, 1]), { pad: 0 })]), read];
  });
  const blocked = assertSame(graph, { block });
  assert.equal(blocked.nodes.filter(({ op }) => op === "Relu").length, 0);
  assert.equal(blocked.nodes.filter(({ op }) => op === "Add").length, 1);
});

testBlocks(
  "blockChannels() quantizes in blocks when there is one scale, and gives codes out in plain form",
  (block) => {
    const graph = graphOf(X, (b, x) => {
      const grid = [b.constant("float32", [], [0.5]), b.constant("uint8", [], [3])];
      const codes = b.node("QuantizeLinear", [conv(b, x, whole(b, [32, 32, 3, 3])), ...grid]);
      return [codes, conv(b, b.node("DequantizeLinear", [codes, ...grid]), whole(b, [16, 32, 1, 1]), { pad: 0 })];
    });
    assertSame(graph, { block });
  },
);

testBlocks("blockChannels() pools in blocks, and in plain form where the places of maxima are asked for", (block) => {
  const graph = graphOf(X, (b, x) => {
    const y = conv(b, x, whole(b, [32, 32, 1, 1]), { pad: 0 });
    const window = { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] };
    const [max, places] = b.nodes("MaxPool", [y], window, 2);
    return [
      b.node("MaxPool", [y], window),
      b.node("AveragePool", [y], { ...window, count_include_pad: 0 }),
      max,
      places,
    ];
  });
  assertSame(graph, { block, tolerance: 1e-6 });
});

/** Whole-number graphs of the operators that the pass has rules for, wired at random; 16 pixels, so that means are exact. */
const step = fc.record({ op: fc.nat(12), a: fc.nat(), b: fc.nat(), c: fc.nat() });

function randomGraph(steps: readonly { op: number; a: number; b: number; c: number }[], channels: number): Graph {
  return graphOf([2, channels, 4, 4], (g, x) => {
    const values = [x];
    const clip = (y: Value) => g.node("Clip", [y, g.constant("float32", [], [-3]), g.constant("float32", [], [3])]);
    for (const { op, a, b, c } of steps) {
      const v = values[a % values.length];
      const same = values.filter(({ shape }) => shape.join() === v.shape.join());
      const w = same[b % same.length];
      const [, ch] = v.shape;
      const wide = [11, 16, 24, 32, 48][c % 5];
      const make = [
        () => clip(conv(g, v, whole(g, [wide, ch, 3, 3], c))),
        () => clip(conv(g, v, whole(g, [wide, ch, 1, 1], c), { pad: 0 })),
        () => clip(conv(g, v, whole(g, [ch, 1, 3, 3], c), { group: ch })),
        () => clip(g.node(["Add", "Sub", "Mul", "Max"][c % 4], [v, w])),
        () => clip(g.node(["Mul", "Add", "Sub"][c % 3], [v, whole(g, [1, ch, 1, 1], b)])),
        () => g.node(["Relu", "Neg", "Abs", "Sign"][c % 4], [v]),
        () => g.node("Where", [g.node("Greater", [v, w]), w, g.constant("float32", [], [1])]),
        () => g.node("Concat", [v, w], { axis: 1 }),
        () => g.node("MaxPool", [v], { kernel_shape: [2, 2], pads: [1, 0, 0, 1], strides: [1, 1] }),
        () =>
          g.node("BatchNormalization", [
            v,
            whole(g, [ch], a),
            whole(g, [ch], b),
            g.constant("float32", [ch], new Array(ch).fill(0)),
            g.constant("float32", [ch], new Array(ch).fill(1)),
          ], { epsilon: 0 }),
        () =>
          g.node("Slice", [
            v,
            ints(g, [c % 2, [0, -2, -9][b % 3]]),
            ints(g, [[4, 99, -1][c % 3], 4]),
            ints(g, [2, 3]),
            ints(g, [1 + b % 2, 2]),
          ]),
        () => g.node("Pad", [v, ints(g, [0, 0, c % 2, 1, 0, 0, 0, b % 3])]),
        () => g.node("DepthToSpace", [g.node("Concat", [v, v, w, v], { axis: 1 })], { blocksize: 2, mode: "DCR" }),
      ];
      values.push(make[v.shape.includes(0) || v.shape[2] < 3 ? 5 : op]());
    }
    const sums = values.map((v) => g.node("ReduceSum", [v, ints(g, [0, 2, 3])], { keepdims: 0 }));
    return [
      ...values.slice(-2),
      ...(values.every((v) => v.shape[2] * v.shape[3] === 16) ? sums.slice(1) : []),
      g.node("ReduceMax", [values.at(-1)!], { keepdims: 0 }),
    ];
  });
}

testBlocks("blockChannels() changes no number when graphs are random", (block) =>
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.constantFrom(3, 16, 24), (steps, channels) => {
      assertSame(randomGraph(steps, channels), { block });
    }),
    { numRuns: 60, seed: 1 },
  ));
