/** What the tests of blocked channels share: small graphs of whole numbers, and the claim that blocks change none. */
import assert from "node:assert/strict";
import { channelBlock } from "../../../backend/_channel_block.ts";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import { type Graph, sizeOf } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import { applied, type Feeds, feedsFor, ints, run, wholeNumbers } from "../../_test_support.ts";
import { emulateBlocks } from "./_test_emulate.ts";
import { blockChannels } from "./block_channels.ts";
import { fuseBlocked } from "./fuse_blocked.ts";

/** Sizes of blocks, of AVX2 and AVX-512, and of the machine if that has another. */
const BLOCKS = [...new Set([8, 16, channelBlock()])].filter((block) => block > 1);

/** A test for every size of blocks, whatever this machine has. */
export function testBlocks(name: string, fn: (block: number) => void): void {
  for (const block of BLOCKS) Deno.test(`${name} (blocks of ${block})`, () => fn(block));
}

/** The shape of most graphs' input. */
export const X = [2, 32, 6, 5];

/** Returns the operators on blocked channels, in order. */
export function blockedOps(graph: Graph): readonly string[] {
  return graph.nodes.filter(({ domain }) => domain === BLOCKED_DOMAIN).map(({ op }) => op);
}

/**
 * Asserts that `graph` on blocked channels gives what it gives in plain form, to `tolerance` of the largest number.
 *
 * Blocks are emulated; where they have the machine's size, ONNX Runtime's own operators are run as well.
 */
export function assertSame(
  graph: Graph,
  { block, tolerance = 0, feeds = feedsFor(graph) }: {
    readonly block: number;
    readonly tolerance?: number;
    readonly feeds?: Feeds;
  },
): Graph {
  const blocked = [blockChannels(block), fuseBlocked].reduce((result, pass) => applied(pass, result), graph);
  const expected = run(graph, feeds);
  for (const how of [emulateBlocks(blocked, block), ...(block === channelBlock() ? [blocked] : [])]) {
    const actual = run(how, feeds);
    expected.forEach(({ dtype, shape, data }, i) => {
      assert.equal(actual[i].dtype, dtype);
      assert.deepEqual(actual[i].shape, shape);
      const [a, e] = [actual[i].data, data].map((values) => Array.from(values as Float32Array, Number));
      const largest = e.reduce((most, x) => Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most, 0);
      e.forEach((x, k) => {
        const isSame = Object.is(x, a[k]) || Math.abs(x - a[k]) <= tolerance * largest;
        assert.ok(isSame, `element ${k} of output ${i} is ${a[k]}, expected ${x}`);
      });
    });
  }
  return blocked;
}

/** Adds a constant of small whole numbers: their sums and products are exact in any order. */
export function whole(b: GraphBuilder, shape: readonly number[], seed = 3): Value {
  return b.constant("float32", shape, wholeNumbers(sizeOf(shape), { seed, span: 2 }));
}

/** Adds a convolution with the same stride and padding on all sides. */
export function conv(
  b: GraphBuilder,
  x: Value,
  w: Value,
  options: { stride?: number; pad?: number; group?: number; dilation?: number } = {},
): Value {
  const { stride = 1, pad = 1, group = 1, dilation = 1 } = options;
  const k = w.shape.slice(2);
  const [strides, dilations] = [stride, dilation].map((step) => [step, step]);
  return b.node("Conv", [x, w], { kernel_shape: k, strides, dilations, pads: [pad, pad, pad, pad], group });
}

/** The gradient of a convolution [kh, kw, in / groups, out] by its filter, as src/ops writes it. */
export function filterGradient(b: GraphBuilder, { x, dy, k, stride, pad, dilation = 1, groups = 1 }: {
  readonly x: Value;
  readonly dy: Value;
  readonly k: number;
  readonly stride: number;
  readonly pad: number;
  readonly dilation?: number;
  readonly groups?: number;
}): Value {
  const swap = (value: Value) => b.node("Transpose", [value], { perm: [1, 0, 2, 3] });
  const swapGroups = (value: Value) => {
    const [n, ins, ...size] = value.shape;
    const split = b.node("Reshape", [value, ints(b, [n, groups, ins / groups, ...size])]);
    const moved = b.node("Transpose", [split], { perm: [2, 1, 0, 3, 4] });
    return b.node("Reshape", [moved, ints(b, [ins / groups, groups * n, ...size])]);
  };
  const end = (i: number) => (dy.shape[i] - 1) * stride + (k - 1) * dilation + 1 - pad - x.shape[i];
  const gradient = b.node("Conv", [groups === 1 ? swap(x) : swapGroups(x), swap(dy)], {
    kernel_shape: dy.shape.slice(2),
    dilations: [stride, stride],
    strides: [dilation, dilation],
    pads: [pad, pad, end(2), end(3)],
    group: groups,
  });
  assert.deepEqual(gradient.shape.slice(2), [k, k]);
  return b.node("Transpose", [gradient], { perm: [2, 3, 0, 1] });
}
