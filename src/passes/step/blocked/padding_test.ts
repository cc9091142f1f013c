/** What stands in channels that do not count must never reach those that do: blocks are left unfilled here. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OPS, schemaOf, traitsOf } from "../../../onnx/schema/mod.ts";
import type { GraphBuilder, Value } from "../../../onnx/writer.ts";
import { feedsFor, graphOf, ints, realConstant, run } from "../../_test_support.ts";
import { assertSame, blockedOps, conv, testBlocks, whole } from "./_test_support.ts";

/** Channels of which a block and a half are filled. */
const channelsOf = (block: number) => 3 * block / 2;

const vector = (b: GraphBuilder, channels: number, value: number) =>
  b.constant("float32", [1, channels, 1, 1], new Array(channels).fill(value));
const scalar = (b: GraphBuilder, value: number) => b.constant("float32", [], [value]);

/** What makes something not finite of zeros, or of what was made of them. */
const UNSAFE: Readonly<Record<string, (b: GraphBuilder, y: Value) => Value>> = {
  "the root of what lies below 0": (b, y) =>
    b.node("Sqrt", [b.node("Sub", [b.node("Add", [y, vector(b, y.shape[1], 5)]), scalar(b, 1)])]),
  "an exponential that overflows": (b, y) =>
    b.node("Exp", [b.node("Add", [b.node("Add", [y, vector(b, y.shape[1], -100)]), scalar(b, 100)])]),
  "a hyperbolic sine that overflows": (b, y) =>
    b.node("Sinh", [b.node("Add", [b.node("Add", [y, vector(b, y.shape[1], -100)]), scalar(b, 100)])]),
  "0 / 0": (b, y) => b.node("Div", [y, b.node("Add", [y, vector(b, y.shape[1], 9)])]),
  "a logarithm of 0": (b, y) => b.node("Log", [b.node("Add", [y, vector(b, y.shape[1], 9)])]),
  "0 times a number too large": (b, y) =>
    b.node("Mul", [b.node("Add", [y, scalar(b, 1)]), b.node("Exp", [b.node("Add", [y, scalar(b, 20)])])]),
  "a sum of numbers too large": (b, y) => {
    const far = [1, 2, 3, 4].reduce(
      (x) => b.node("Add", [x, scalar(b, 1e38)]),
      b.node("Add", [
        y,
        vector(b, y.shape[1], -3e38),
      ]),
    );
    return b.node("Mul", [b.node("Add", [far, vector(b, y.shape[1], -1e38)]), scalar(b, 1e-38)]);
  },
  "a number that is not one, clipped away": (b, y) => {
    const logs = b.node("Log", [b.node("Add", [y, vector(b, y.shape[1], 9)])]);
    return b.node("Where", [b.node("Less", [logs, y]), logs, y]);
  },
  "an average of numbers that are none": (b, y) =>
    b.node("AveragePool", [b.node("Log", [b.node("Add", [y, vector(b, y.shape[1], 9)])])], { kernel_shape: [2, 2] }),
  "a border of another value": (b, y) =>
    b.node("Sqrt", [
      b.node("Add", [b.node("Pad", [y, ints(b, [0, 0, 1, 1, 0, 0, 1, 1]), scalar(b, -1)]), vector(b, y.shape[1], 9)]),
    ]),
  "an infinite scalar": (b, y) => b.node("Clip", [b.node("Mul", [y, scalar(b, Infinity)]), scalar(b, 0), scalar(b, 1)]),
  "a scalar that is computed": (b, y) => {
    const infinite = b.node("Reciprocal", [b.node("ReduceMin", [b.node("Abs", [y])], { keepdims: 0 })]);
    return b.node("Clip", [
      b.node("Mul", [b.node("Add", [y, vector(b, y.shape[1], 9)]), infinite]),
      scalar(b, 0),
      scalar(b, 1),
    ]);
  },
};

for (const [what, make] of Object.entries(UNSAFE)) {
  testBlocks(`blockChannels() keeps ${what} out of sums over channels`, (block) => {
    const channels = channelsOf(block);
    const graph = graphOf([2, channels, 5, 4], (b, x) => {
      const y = make(b, conv(b, x, whole(b, [channels, channels, 1, 1]), { pad: 0 }));
      const depthwise = conv(b, y, whole(b, [channels, 1, 1, 1], 4), { pad: 0, group: channels });
      return [y, depthwise].flatMap((z) => [conv(b, z, whole(b, [2 * block, channels, 1, 1], 5), { pad: 0 }), z]);
    });
    const blocked = assertSame(graph, { block, tolerance: 1e-6, feeds: feedsFor(graph, { real: true }) });
    assert.ok(blockedOps(blocked).includes("Conv"));
  });
}

testBlocks("blockChannels() divides no integers in channels that do not count", (block) => {
  const channels = channelsOf(block);
  const graph = graphOf([2, channels, 5, 4], (b, x) => {
    const y = b.node("Cast", [conv(b, x, whole(b, [channels, channels, 1, 1]), { pad: 0 })], { to: 6 });
    const divisor = b.node("Add", [
      b.node("Mul", [y, y]),
      b.constant("int32", [1, channels, 1, 1], new Array(channels).fill(1)),
    ]);
    return b.node("Div", [y, divisor]);
  });
  assertSame(graph, { block });
});

/** Every operator that takes each of its float32 elements alone, with what it needs besides. */
const ELEMENTWISE = [...OPS.keys()].filter((op) => {
  const isNumber = !["Not", "And", "Or", "Xor", "BitShift"].includes(op);
  return traitsOf({ op, attrs: { to: 1 } }).elementwise && isNumber;
});

interface Step {
  readonly op: string;
  readonly second: "same" | "scalar" | "vector" | "first";
  readonly value: number;
}

function applyStep(b: GraphBuilder, y: Value, { op, second, value }: Step, first: Value): Value {
  const other = {
    same: y,
    first,
    scalar: scalar(b, value),
    vector: vector(b, y.shape[1], value),
  }[second];
  const float = (x: Value) => x.dtype === "float32" ? x : b.node("Cast", [x], { to: 1 });
  if (op === "Clip") return b.node(op, [y, scalar(b, Math.min(0, value)), scalar(b, Math.abs(value))]);
  if (op === "Cast") return float(b.node(op, [y], { to: 6 }));
  if (op === "Mod") return b.node(op, [y, other], { fmod: 1 });
  if (op === "Where") return b.node(op, [b.node("Less", [first, y]), y, other]);
  if (op === "PRelu") {
    return b.node(op, [y, second === "vector" ? realConstant(b, [y.shape[1], 1, 1], 3) : scalar(b, value)]);
  }
  return float(b.node(op, schemaOf(op)!.inputs[0] === 2 || schemaOf(op)!.inputs[1] > 1 ? [y, other] : [y]));
}

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom(...ELEMENTWISE),
  second: fc.constantFrom("same", "scalar", "vector", "first"),
  value: fc.constantFrom(0, 0.5, 1, -1, 3, 5, -100, 100, 1e30, -3e38),
});

testBlocks("blockChannels() changes no number when elementwise operators are wired at random", (block) => {
  const channels = channelsOf(block);
  let finite = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), fc.boolean(), (steps, isPositive) => {
      const graph = graphOf([1, channels, 3, 2], (b, x) => {
        const made = conv(b, x, realConstant(b, [channels, channels, 1, 1], 1), { pad: 0 });
        const first = isPositive ? b.node("Add", [b.node("Abs", [made]), vector(b, channels, 0.25)]) : made;
        const y = steps.reduce((y, step) => applyStep(b, y, step, first), first);
        return conv(b, y, whole(b, [block, channels, 1, 1], 5), { pad: 0 });
      });
      const feeds = feedsFor(graph, { real: true });
      assertSame(graph, { block, tolerance: 1e-4, feeds });
      if ((run(graph, feeds)[0].data as Float32Array).every(Number.isFinite)) finite++;
    }),
    { numRuns: 150, seed: 3 },
  );
  assert.ok(finite >= 50, `only ${finite} of 150 had finite results`);
});
