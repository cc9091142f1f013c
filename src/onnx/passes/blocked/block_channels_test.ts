import assert from "node:assert/strict";
import fc from "fast-check";
import { channelBlock } from "../../../backend/_channel_block.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../emit.ts";
import { type Graph, sizeOf } from "../../graph.ts";
import { BLOCKED_DOMAIN } from "../../schema/mod.ts";
import { type Feeds, feedsFor, graphOf, ints, reals, run, wholeNumbers } from "../_test_support.ts";
import { multiplyFilterGradients } from "../filter_gradient.ts";
import { blockChannels } from "./block_channels.ts";

const BLOCK = channelBlock();
/** Nothing to test where ONNX Runtime has no operators on blocked channels. */
const ignore = BLOCK === 1;

function blockedOps(graph: Graph): readonly string[] {
  return graph.nodes.filter(({ domain }) => domain === BLOCKED_DOMAIN).map(({ op }) => op);
}

/** Asserts that `graph` on blocked channels gives what it gives in plain form, to `tolerance` of the largest number. */
function assertSame(
  graph: Graph,
  { tolerance = 0, feeds = feedsFor(graph) }: { tolerance?: number; feeds?: Feeds } = {},
) {
  const blocked = blockChannels(graph, BLOCK);
  const [expected, actual] = [run(graph, feeds), run(blocked, feeds)];
  expected.forEach(({ dtype, shape, data }, i) => {
    assert.equal(actual[i].dtype, dtype);
    assert.deepEqual(actual[i].shape, shape);
    const [a, e] = [actual[i].data, data].map((values) => Array.from(values as Float32Array, Number));
    const largest = e.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = e.reduce((most, x, k) => Math.max(most, Math.abs(x - a[k])), 0);
    assert.ok(worst <= tolerance * largest, `output ${i} is off by ${worst} of ${largest}`);
  });
  return blocked;
}

/** Small whole numbers: their sums and products are exact in any order. */
function whole(b: GraphBuilder, shape: readonly number[], seed = 3): Value {
  return b.constant("float32", shape, wholeNumbers(sizeOf(shape), { seed, span: 2 }));
}

function conv(
  b: GraphBuilder,
  x: Value,
  w: Value,
  options: { stride?: number; pad?: number; group?: number } = {},
): Value {
  const { stride = 1, pad = 1, group = 1 } = options;
  const k = w.shape.slice(2);
  return b.node("Conv", [x, w], { kernel_shape: k, strides: [stride, stride], pads: [pad, pad, pad, pad], group });
}

const X = [2, 32, 6, 5];

Deno.test({
  name: "blockChannels() keeps a chain of convolutions in blocks when channels fill them",
  ignore,
  fn: () => {
    const graph = graphOf([2, 3, 6, 5], (b, x) => {
      const y = b.node("Relu", [conv(b, x, whole(b, [16, 3, 3, 3]))]);
      const z = conv(b, y, whole(b, [32, 16, 3, 3], 4), { stride: 2 });
      return b.node("Add", [z, conv(b, z, whole(b, [32, 1, 3, 3], 5), { group: 32 })]);
    });
    assert.deepEqual(blockedOps(assertSame(graph)), ["Conv", "Conv", "Conv", "ReorderOutput"]);
  },
});

Deno.test({
  name: "blockChannels() brings any number of channels into blocks",
  ignore,
  fn: () => {
    for (const channels of [13, 14, 15, 16, 29, 42]) {
      const graph = graphOf([2, channels, 6, 5], (b, x) => conv(b, x, whole(b, [16, channels, 3, 3])));
      assert.ok(blockedOps(assertSame(graph)).includes("ReorderInput"));
    }
  },
});

Deno.test({
  name: "blockChannels() fills up the last block when channels do not, and leaves out what does not count",
  ignore,
  fn: () => {
    const graph = graphOf([2, 24, 4, 4], (b, x) => {
      const y = conv(b, x, whole(b, [24, 24, 1, 1]), { pad: 0 });
      const one = b.node("Add", [y, b.constant("float32", [], [1])]);
      const sums = b.node("ReduceSum", [one, ints(b, [0, 2, 3])], { keepdims: 0 });
      return [conv(b, one, whole(b, [40, 24, 3, 3], 5)), sums, b.node("ReduceMin", [one], { keepdims: 0 })];
    });
    assertSame(graph);
  },
});

Deno.test({
  name: "blockChannels() leaves convolutions alone when blocks would be mostly empty or groups are neither 1 nor all",
  ignore,
  fn: () => {
    const graph = graphOf(X, (b, x) => [
      conv(b, x, whole(b, [3, 32, 1, 1]), { pad: 0 }),
      conv(b, x, whole(b, [32, 16, 3, 3]), { group: 2 }),
      conv(b, b.node("Slice", [x, ints(b, [0]), ints(b, [17]), ints(b, [1])]), whole(b, [32, 17, 1, 1]), { pad: 0 }),
    ]);
    assert.deepEqual(blockedOps(assertSame(graph)), []);
  },
});

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
  Deno.test({
    name: `blockChannels() reorders the filter ${name} right`,
    ignore,
    fn: () => assert.ok(blockedOps(assertSame(graphOf(X, make))).includes("Conv")),
  });
}

/** The gradient of a convolution [kh, kw, in, out] by its filter, of pictures that are in blocks. */
function filterGradient(b: GraphBuilder, { x, dy, k, stride, pad }: {
  readonly x: Value;
  readonly dy: Value;
  readonly k: number;
  readonly stride: number;
  readonly pad: number;
}): Value {
  const swap = (value: Value) => b.node("Transpose", [value], { perm: [1, 0, 2, 3] });
  const end = (i: number) => (dy.shape[i] - 1) * stride + k - pad - x.shape[i];
  const gradient = b.node("Conv", [swap(x), swap(dy)], {
    kernel_shape: dy.shape.slice(2),
    dilations: [stride, stride],
    strides: [1, 1],
    pads: [pad, pad, end(2), end(3)],
    group: 1,
  });
  assert.deepEqual(gradient.shape.slice(2), [k, k]);
  return b.node("Transpose", [gradient], { perm: [2, 3, 0, 1] });
}

for (
  const [n, k, stride, pad] of [
    [16, 3, 1, 1],
    [16, 3, 2, 1],
    [32, 5, 1, 2],
    [16, 1, 1, 0],
    [12, 3, 1, 1],
    [4, 1, 1, 0],
    [4, 3, 1, 1],
  ]
) {
  const build = () =>
    graphOf([n, 32, 6, 4], (b, x) => {
      const own = conv(b, x, whole(b, [32, 32, 1, 1]), { pad: 0 });
      const dy = conv(b, x, whole(b, [48, 32, k, k], 4), { stride, pad });
      return filterGradient(b, { x: own, dy, k, stride, pad });
    });
  const how = `${k}×${k} filter with stride ${stride} of ${n} images`;
  // Whole numbers of these sizes: sums stay below 2^24 and exact.
  Deno.test({ name: `blockChannels() computes the gradient of a ${how}`, ignore, fn: () => void assertSame(build()) });
  Deno.test(`multiplyFilterGradients() computes the gradient of a ${how}`, () => {
    const graph = build();
    const products = multiplyFilterGradients(graph);
    assert.ok(products.nodes.some(({ op }) => op === "FusedMatMul"));
    const feeds = feedsFor(graph);
    assert.deepEqual(run(products, feeds), run(graph, feeds));
  });
}

Deno.test({
  name: "blockChannels() moves the blocks of large values by Gather, which has threads",
  ignore,
  fn: () => {
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
    assert.ok(assertSame(graph).nodes.some(({ op }) => op === "Gather"));
  },
});

Deno.test({
  name: "blockChannels() computes the gradient of a depthwise filter in blocks",
  ignore,
  fn: () => {
    const graph = graphOf(X, (b, x) => {
      const y = conv(b, x, whole(b, [32, 1, 1, 1]), { pad: 0, group: 32 });
      const [n, c, h, w] = y.shape;
      const planes = b.node("Reshape", [y, ints(b, [1, n * c, h, w])]);
      const filters = b.node("Reshape", [b.node("Relu", [y]), ints(b, [n * c, 1, h, w])]);
      return b.node("Conv", [planes, filters], { kernel_shape: [h, w], pads: [1, 1, 1, 1], group: n * c });
    });
    assert.deepEqual(blockedOps(assertSame(graph)), ["ReorderInput", "Conv", "Conv", "ReorderOutput"]);
  },
});

for (
  const [k, stride, pads, extra] of [[3, 2, [0, 0, 1, 1], 0], [3, 2, [1, 0, 1, 1], 1], [5, 3, [2, 1, 0, 0], 2], [2, 2, [
    0,
    0,
    0,
    0,
  ], 0]] as const
) {
  Deno.test({
    name:
      `blockChannels() computes a depthwise ConvTranspose of ${k}×${k} with stride ${stride}, pads ${pads}, ${extra} more`,
    ignore,
    fn: () => {
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
      assert.deepEqual(blockedOps(assertSame(graph)), ["ReorderInput", "Conv", "Conv", "ReorderOutput"]);
    },
  });
}

Deno.test({
  name: "blockChannels() takes ReLUs and sums into the convolutions that nothing else reads",
  ignore,
  fn: () => {
    const graph = graphOf(X, (b, x) => {
      const [u, v] = [1, 2].map((seed) => conv(b, x, whole(b, [32, 32, 3, 3], seed)));
      const read = conv(b, x, whole(b, [32, 32, 1, 1], 6), { pad: 0 });
      const sum = b.node("Relu", [b.node("Add", [b.node("Add", [u, read]), v])]);
      return [b.node("Add", [sum, read]), b.node("Relu", [conv(b, sum, whole(b, [16, 32, 1, 1]), { pad: 0 })]), read];
    });
    const blocked = assertSame(graph);
    assert.equal(blocked.nodes.filter(({ op }) => op === "Relu").length, 0);
    assert.equal(blocked.nodes.filter(({ op }) => op === "Add").length, 1);
  },
});

Deno.test({
  name: "blockChannels() normalizes and sums over channels in blocks, as training does",
  ignore,
  fn: () => {
    for (const channels of [32, 24]) {
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
      const ops = blockedOps(assertSame(graph, { tolerance: 1e-5 }));
      assert.equal(ops.filter((op) => op === "ReorderOutput").length, channels === 32 ? 1 : 1);
    }
  },
});

Deno.test({
  name: "blockChannels() finds extremes of all elements and NaN without leaving blocks",
  ignore,
  fn: () => {
    for (const channels of [32, 24]) {
      // All below 0, where zeros in channels that do not count would be the greatest.
      const filter = (b: GraphBuilder) =>
        b.constant("float32", [channels, 32, 1, 1], new Array(channels * 32).fill(-1));
      const graph = graphOf(X, (b, x) => {
        const y = conv(b, b.node("Abs", [x]), filter(b), { pad: 0 });
        return [y, b.node("Relu", [b.node("Neg", [y])])].flatMap((value) => {
          const sum = b.node("ReduceSumSquare", [value], { keepdims: 0 });
          const greatest = b.node("ReduceMax", [value], { keepdims: 0 });
          return [b.node("Where", [b.node("IsNaN", [sum]), b.constant("float32", [], [NaN]), greatest])];
        });
      });
      const blocked = assertSame(graph);
      // Where a block is not full, numbers below 0 are asked for NaN in plain form.
      assert.equal(blocked.nodes.filter(({ op }) => op === "ReorderOutput").length, channels === 32 ? 0 : 1);
      const feeds = feedsFor(graph);
      const [name] = graph.inputs;
      for (const value of [NaN, Infinity]) {
        feeds[name][777] = value;
        assert.deepEqual(run(blocked, feeds), run(graph, feeds));
      }
    }
  },
});

Deno.test({
  name: "blockChannels() quantizes in blocks when there is one scale, and gives codes out in plain form",
  ignore,
  fn: () => {
    const graph = graphOf(X, (b, x) => {
      const grid = [b.constant("float32", [], [0.5]), b.constant("uint8", [], [3])];
      const codes = b.node("QuantizeLinear", [conv(b, x, whole(b, [32, 32, 3, 3])), ...grid]);
      return [codes, conv(b, b.node("DequantizeLinear", [codes, ...grid]), whole(b, [16, 32, 1, 1]), { pad: 0 })];
    });
    assertSame(graph);
  },
});

Deno.test({
  name: "blockChannels() pools in blocks, and in plain form where the places of maxima are asked for",
  ignore,
  fn: () => {
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
    assertSame(graph, { tolerance: 1e-6 });
  },
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

Deno.test({
  name: "blockChannels() changes no number when graphs are random",
  ignore,
  fn: () =>
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.constantFrom(3, 16, 24), (steps, channels) => {
        assertSame(randomGraph(steps, channels));
      }),
      { numRuns: 60, seed: 1 },
    ),
});
