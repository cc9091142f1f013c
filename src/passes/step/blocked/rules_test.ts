/** Which nodes stay in blocks and which leave them, one rule at a time; either way no number changes. */
import assert from "node:assert/strict";
import type { Attrs } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import { applied, graphOf, ints, opsOf } from "../../_test_support.ts";
import { assertSame, conv, testBlocks, whole, X } from "./_test_support.ts";
import { fuseBlocked } from "./fuse_blocked.ts";

/** What is built on `y`, 32 channels in blocks, and the operators behind the convolution that makes `y`. */
type Case = readonly [what: string, build: (b: GraphBuilder, y: Value) => Value | readonly Value[], ops: string];

const scalar = (b: GraphBuilder, value: number) => b.constant("float32", [], [value]);
const filled = (b: GraphBuilder, size: number, value: number) =>
  b.constant("float32", [size], new Array(size).fill(value));

function slice(b: GraphBuilder, y: Value, bounds: readonly (readonly number[])[]): Value {
  return b.node("Slice", [y, ...bounds.map((values) => ints(b, values))]);
}

function normal(b: GraphBuilder, y: Value, { mean = 0, variance = 1, epsilon }: {
  mean?: number;
  variance?: number;
  epsilon?: number;
}): Value {
  const statistics = [filled(b, 32, mean), filled(b, 32, variance)];
  const attrs: Attrs = epsilon === undefined ? {} : { epsilon };
  return b.node("BatchNormalization", [y, whole(b, [32], 1), whole(b, [32], 2), ...statistics], attrs);
}

// A "+" stands before operators on blocks.
const REFUSED_CONV = "+ReorderOutput Conv";
const COMPUTED = "Add Sqrt Div Mul Sub Reshape +Conv +ReorderOutput";

const CASES: readonly Case[] = [
  [
    "a depthwise convolution",
    (b, y) => conv(b, y, whole(b, [32, 1, 3, 3]), { group: 32 }),
    "Reshape Transpose Reshape +Conv +ReorderOutput",
  ],
  [
    "a convolution of groups that are whole blocks",
    (b, y) => conv(b, y, whole(b, [64, 16, 3, 3]), { group: 2 }),
    "Reshape Transpose Reshape +Conv +ReorderOutput",
  ],
  ["a convolution of two filters a group", (b, y) => conv(b, y, whole(b, [64, 1, 3, 3]), { group: 32 }), REFUSED_CONV],
  ["a convolution of two channels a group", (b, y) => conv(b, y, whole(b, [16, 2, 3, 3]), { group: 16 }), REFUSED_CONV],
  [
    "a convolution of lines",
    (b, y) => {
      const line = b.node("Reshape", [y, ints(b, [2, 32, 30])]);
      return b.node("Conv", [line, whole(b, [32, 32, 3])], { kernel_shape: [3], pads: [1, 1] });
    },
    "+ReorderOutput Reshape Conv",
  ],
  ["a pool", (b, y) => b.node("MaxPool", [y], { kernel_shape: [2, 2] }), "+MaxPool +ReorderOutput"],
  [
    "a pool that rounds down by its word",
    (b, y) => b.node("MaxPool", [y], { kernel_shape: [2, 2], ceil_mode: 0 }),
    "+MaxPool +ReorderOutput",
  ],
  [
    "a pool that rounds up",
    (b, y) => b.node("MaxPool", [y], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    "+ReorderOutput MaxPool",
  ],
  ["a pool with places", (b, y) => b.nodes("MaxPool", [y], { kernel_shape: [2, 2] }, 2), "+ReorderOutput MaxPool"],
  ["normalization by nothing", (b, y) => normal(b, y, { epsilon: 0 }), "Reshape +Conv +ReorderOutput"],
  [
    "normalization by a mean",
    (b, y) => normal(b, y, { mean: 2, epsilon: 0 }),
    COMPUTED,
  ],
  [
    "normalization by a variance",
    (b, y) => normal(b, y, { variance: 4, epsilon: 0 }),
    COMPUTED,
  ],
  ["normalization by an epsilon", (b, y) => normal(b, y, { epsilon: 3 }), COMPUTED],
  [
    "normalization by ONNX's own epsilon",
    (b, y) => normal(b, y, { variance: 1e-5 }),
    COMPUTED,
  ],
  ["a product with a number", (b, y) => b.node("Mul", [y, scalar(b, 3)]), "Mul +ReorderOutput"],
  [
    "a product with a number a channel",
    (b, y) => b.node("Mul", [y, whole(b, [32, 1, 1])]),
    "Reshape Reshape +Conv +ReorderOutput",
  ],
  [
    "a sum with a number a channel",
    (b, y) => b.node("Add", [whole(b, [1, 32, 1, 1]), y]),
    "Reshape Reshape +Conv +ReorderOutput",
  ],
  [
    "a difference to a number a channel",
    (b, y) => b.node("Sub", [y, whole(b, [32, 1, 1])]),
    "Reshape Neg Reshape +Conv +ReorderOutput",
  ],
  ["a number a channel less a picture", (b, y) => b.node("Sub", [whole(b, [32, 1, 1]), y]), "+ReorderOutput Sub"],
  ["the greater of a number a channel", (b, y) => b.node("Max", [y, whole(b, [32, 1, 1])]), "+ReorderOutput Max"],
  ["a product with a number a column", (b, y) => b.node("Mul", [y, whole(b, [1, 5])]), "+ReorderOutput Mul"],
  ["a product with a number a row", (b, y) => b.node("Mul", [y, whole(b, [6, 1])]), "+ReorderOutput Mul"],
  ["a product with a picture for all", (b, y) => b.node("Mul", [y, whole(b, [1, 32, 6, 5])]), "+ReorderOutput Mul"],
  [
    "a product with a plain picture",
    (b, y) => b.node("Mul", [y, whole(b, [2, 32, 6, 5])]),
    "+ReorderInput Mul +ReorderOutput",
  ],
  [
    "codes of one scale",
    (b, y) => b.node("QuantizeLinear", [y, scalar(b, 0.5)]),
    "QuantizeLinear Cast +ReorderOutput Cast",
  ],
  [
    "codes of a scale a channel",
    (b, y) =>
      b.node("QuantizeLinear", [y, filled(b, 32, 0.5), b.constant("uint8", [32], new Array(32).fill(3))], { axis: 1 }),
    "+ReorderOutput QuantizeLinear",
  ],
  [
    "rows and columns cut out",
    (b, y) => slice(b, y, [[1, -4], [6, -1], [2, 3]]),
    "Reshape Gather Reshape +ReorderOutput",
  ],
  [
    "every second row, past the end",
    (b, y) => slice(b, y, [[1], [99], [2], [2]]),
    "Reshape Gather Reshape +ReorderOutput",
  ],
  [
    "columns from before the beginning",
    (b, y) => slice(b, y, [[-99], [3], [3], [1]]),
    "Reshape Gather Reshape +ReorderOutput",
  ],
  [
    "every third column of every second row",
    (b, y) => slice(b, y, [[0, 1], [5, 6], [3, 2], [3, 2]]),
    "Reshape Gather Reshape +ReorderOutput",
  ],
  ["rows backwards", (b, y) => slice(b, y, [[5], [-99], [2], [-1]]), "+ReorderOutput Slice"],
  ["channels cut out", (b, y) => slice(b, y, [[8], [24], [1]]), "+ReorderOutput Slice"],
  ["images cut out", (b, y) => slice(b, y, [[0, 0], [1, 5], [0, 2]]), "Reshape Slice Reshape +ReorderOutput"],
  ["rows by their number from behind", (b, y) => slice(b, y, [[0], [3], [-2]]), "+ReorderOutput Slice"],
  ["a border", (b, y) => b.node("Pad", [y, ints(b, [0, 0, 1, 2, 0, 0, 3, 0])]), "Reshape Pad Reshape +ReorderOutput"],
  [
    "a border of another number",
    (b, y) => b.node("Pad", [y, ints(b, [0, 0, 0, 1, 0, 0, 2, 0]), scalar(b, 7)]),
    "Reshape Pad Reshape +ReorderOutput",
  ],
  [
    "more images at the beginning",
    (b, y) => b.node("Pad", [y, ints(b, [1, 0, 0, 0, 0, 0, 0, 0])]),
    "+ReorderOutput Pad",
  ],
  ["more images at the end", (b, y) => b.node("Pad", [y, ints(b, [0, 0, 0, 0, 1, 0, 0, 0])]), "+ReorderOutput Pad"],
  [
    "more channels at the beginning",
    (b, y) => b.node("Pad", [y, ints(b, [0, 8, 0, 0, 0, 0, 0, 0])]),
    "+ReorderOutput Pad",
  ],
  ["more channels at the end", (b, y) => b.node("Pad", [y, ints(b, [0, 0, 0, 0, 0, 8, 0, 0])]), "+ReorderOutput Pad"],
  [
    "channels side by side",
    (b, y) => b.node("Concat", [y, b.node("Relu", [y])], { axis: 1 }),
    "Relu Concat +ReorderOutput",
  ],
  ["channels counted from behind", (b, y) => b.node("Concat", [y, y], { axis: -3 }), "+ReorderOutput Concat"],
  ["pictures side by side", (b, y) => b.node("Concat", [y, y], { axis: 3 }), "+ReorderOutput Concat"],
  [
    "channels beside a few",
    (b, y) => b.node("Concat", [y, whole(b, [2, 4, 6, 5])], { axis: 1 }),
    "+ReorderOutput Concat",
  ],
  ["channels that become images", (b, y) => b.node("Reshape", [y, ints(b, [1, 64, 6, 5])]), "Reshape +ReorderOutput"],
  ["channels that become filters", (b, y) => b.node("Reshape", [y, ints(b, [64, 1, 6, 5])]), "+ReorderOutput Reshape"],
  ["rows that become columns", (b, y) => b.node("Reshape", [y, ints(b, [1, 64, 5, 6])]), "+ReorderOutput Reshape"],
  ["pixels that become channels", (b, y) => b.node("Reshape", [y, ints(b, [2, 64, 3, 5])]), "+ReorderOutput Reshape"],
  ["channels last", (b, y) => b.node("Transpose", [y], { perm: [0, 2, 3, 1] }), "+ReorderOutput Transpose"],
  ["pixels first", (b, y) => b.node("Transpose", [y], { perm: [2, 3, 0, 1] }), "Reshape Transpose Reshape Reshape"],
  ["the least", (b, y) => b.node("ReduceMin", [y], { keepdims: 0 }), "ReduceMin"],
  [
    "the greatest, of one element",
    (b, y) => b.node("ReduceMax", [y], { keepdims: 1 }),
    "+GlobalMaxPool Reshape ReduceMax Reshape",
  ],
  [
    "the greatest of each channel",
    (b, y) => b.node("ReduceMax", [y], { axes: [0, 2, 3], keepdims: 0 }),
    "+ReorderOutput ReduceMax",
  ],
  [
    "means of each channel",
    (b, y) => b.node("ReduceMean", [y], { axes: [-1, 0, -2], keepdims: 0 }),
    "+GlobalAveragePool Reshape ReduceMean Reshape",
  ],
  [
    "sums of each image's channels",
    (b, y) => b.node("ReduceSum", [y, ints(b, [3, 2])], { keepdims: 1 }),
    "+GlobalAveragePool Reshape Mul Reshape",
  ],
  [
    "sums of each channel",
    (b, y) => b.node("ReduceSum", [y, ints(b, [0, 2, 3])], { keepdims: 0 }),
    "+GlobalAveragePool Reshape ReduceSum Mul Reshape",
  ],
  ["sums over channels", (b, y) => b.node("ReduceSum", [y, ints(b, [1])], { keepdims: 1 }), "+ReorderOutput ReduceSum"],
  ["sums of columns", (b, y) => b.node("ReduceSum", [y, ints(b, [2])], { keepdims: 0 }), "+ReorderOutput ReduceSum"],
  ["a sum of all", (b, y) => b.node("ReduceSum", [y], { keepdims: 0 }), "+ReorderOutput ReduceSum"],
  [
    "squares summed",
    (b, y) => b.node("ReduceSumSquare", [y], { axes: [2, 3], keepdims: 0 }),
    "Reshape Reshape +Conv Reshape Reshape",
  ],
];

function assertOps([, build, ops]: Case, { block, channels, lift }: { block: number; channels: number; lift: number }) {
  const graph = graphOf(X, (b, x) => {
    // Above or below 0 everywhere, so that a 0 in a channel that does not count would be an extreme.
    const y = conv(b, x, whole(b, [channels, 32, 1, 1]), { pad: 0 });
    return build(
      b,
      lift === 0 ? y : b.node("Add", [y, b.constant("float32", [1, channels, 1, 1], new Array(channels).fill(lift))]),
    );
  });
  const { nodes } = assertSame(graph, { block, tolerance: 1e-6 });
  const written = nodes.map(({ op, domain }) => domain === BLOCKED_DOMAIN ? `+${op}` : op);
  const behind = lift === 0 ? written.indexOf("+Conv") : written.indexOf("+Conv", written.indexOf("+Conv") + 1);
  assert.equal(written.slice(behind + 1).join(" "), ops);
}

for (const one of CASES) {
  testBlocks(`blockChannels() on ${one[0]}`, (block) => assertOps(one, { block, channels: 32, lift: 0 }));
}

const clip = (b: GraphBuilder, y: Value, [low, high]: readonly [number, number]) =>
  b.node("Clip", [y, scalar(b, low), scalar(b, high)]);
/** Sums over channels, in blocks. */
const summed = (b: GraphBuilder, y: Value) => conv(b, y, whole(b, [32, y.shape[1], 1, 1]), { pad: 0 });

/** The same where the last block is half empty. */
const HALF: readonly Case[] = [
  [
    "a root of what was clipped from 0 on",
    (b, y) => summed(b, b.node("Sqrt", [clip(b, y, [0, 2000])])),
    "Clip Sqrt Pad Reshape Transpose Reshape +Conv +ReorderOutput",
  ],
  [
    "a root of what was clipped from 1 on",
    (b, y) => summed(b, b.node("Sqrt", [clip(b, y, [1, 2000])])),
    "Clip Sqrt +ReorderOutput +ReorderInput Pad Reshape Transpose Reshape +Conv +ReorderOutput",
  ],
  ["the least", (b, y) => b.node("ReduceMin", [y], { keepdims: 0 }), "+ReorderOutput ReduceMin"],
  ["the greatest", (b, y) => b.node("ReduceMax", [y], { keepdims: 0 }), "+GlobalMaxPool Reshape Slice ReduceMax"],
  [
    "means of images",
    (b, y) => b.node("ReduceMean", [y], { axes: [2, 3], keepdims: 0 }),
    "+GlobalAveragePool Reshape Slice Reshape",
  ],
  ["squares", (b, y) => b.node("ReduceSumSquare", [y], { keepdims: 0 }), "+ReorderOutput ReduceSumSquare"],
  ["channels side by side", (b, y) => b.node("Concat", [y, y], { axis: 1 }), "+ReorderOutput Concat"],
  [
    "channels that become images",
    (b, y) => b.node("Reshape", [y, ints(b, [1, 2 * y.shape[1], 6, 5])]),
    "+ReorderOutput Reshape",
  ],
  [
    "pixels first",
    (b, y) => b.node("Transpose", [y], { perm: [2, 3, 0, 1] }),
    "Reshape Transpose Reshape Slice Reshape",
  ],
];

for (const one of HALF) {
  for (const lift of [1000, -1000]) {
    testBlocks(
      `blockChannels() with half a block on ${one[0]} of numbers ${lift > 0 ? "above" : "below"} 0`,
      (block) => assertOps(one, { block, channels: 3 * block / 2, lift }),
    );
  }
}

/** Depthwise ConvTransposes of 3×3 with stride 2 that are left alone: what is not as in the plain case. */
const LEFT_ALONE: readonly (readonly [what: string, attrs: Attrs])[] = [
  ["a border as high as the filter at the top", { pads: [3, 0, 0, 0] }],
  ["a border as wide as the filter at the left", { pads: [0, 3, 0, 0] }],
  ["a border as high as the filter at the bottom", { pads: [0, 0, 2, 0] }],
  ["a border as wide as the filter at the right", { pads: [0, 0, 0, 2] }],
  ["a size of its own", { output_shape: [12, 10] }],
  ["padding by itself", { auto_pad: "SAME_UPPER" }],
  ["groups of two channels", { group: 16 }],
];

function transposed(b: GraphBuilder, y: Value, attrs: Attrs, bias: Value[] = []): Value {
  const group = Number(attrs.group ?? y.shape[1]);
  const filter = whole(b, [y.shape[1], 1, 3, 3], 5);
  return b.node("ConvTranspose", [y, filter, ...bias], { kernel_shape: [3, 3], strides: [2, 2], ...attrs, group });
}

for (const [what, attrs] of LEFT_ALONE) {
  testBlocks(
    `blockChannels() leaves a depthwise ConvTranspose with ${what} alone`,
    (block) =>
      assertOps(["", (b, y) => transposed(b, y, attrs), "+ReorderOutput ConvTranspose"], {
        block,
        channels: 32,
        lift: 0,
      }),
  );
}

testBlocks(
  "blockChannels() leaves a depthwise ConvTranspose with a bias alone, and one whose last block is not full",
  (block) => {
    const ops = "+ReorderOutput ConvTranspose";
    assertOps(["", (b, y) => transposed(b, y, {}, [whole(b, [32])]), ops], { block, channels: 32, lift: 0 });
    assertOps(["", (b, y) => transposed(b, y, {}), ops], { block, channels: 3 * block / 2, lift: 0 });
  },
);

testBlocks("blockChannels() computes a depthwise ConvTranspose of any stride, dilation and border", (block) => {
  const forms: readonly Attrs[] = [
    { strides: [1, 3], pads: [1, 2, 0, 0] },
    { strides: [3, 1], dilations: [2, 1], pads: [4, 0, 2, 2] },
    { strides: [2, 2], dilations: [1, 2], pads: [2, 1, 0, 3], output_padding: [1, 0] },
    {},
  ];
  for (const attrs of forms) {
    const graph = graphOf(X, (b, x) => transposed(b, conv(b, x, whole(b, [32, 32, 1, 1]), { pad: 0 }), attrs));
    const { nodes } = assertSame(graph, { block });
    assert.ok(nodes.every(({ op }) => op !== "ConvTranspose"), JSON.stringify(attrs));
  }
});

testBlocks("blockChannels() writes the places of equal cuts down once", (block) => {
  const graph = graphOf(X, (b, x) => {
    const [u, v] = [1, 2].map((seed) => conv(b, x, whole(b, [32, 32, 1, 1], seed), { pad: 0 }));
    return [slice(b, u, [[1], [4], [2]]), slice(b, v, [[1], [4], [2]]), slice(b, v, [[0], [3], [2]])];
  });
  const { nodes } = assertSame(graph, { block });
  const places = nodes.filter(({ op }) => op === "Gather").map(({ inputs }) => inputs[1]);
  assert.deepEqual([places.length, new Set(places).size], [3, 2]);
});

Deno.test("fuseBlocked() leaves plain convolutions as they are", () => {
  const graph = graphOf(X, (b, x) => {
    const y = b.node("Relu", [conv(b, x, whole(b, [8, 32, 1, 1]), { pad: 0 })]);
    return b.node("Add", [conv(b, y, whole(b, [8, 8, 1, 1]), { pad: 0 }), y]);
  });
  assert.deepEqual(opsOf(applied(fuseBlocked, graph)), ["Conv", "Relu", "Conv", "Add"]);
});
