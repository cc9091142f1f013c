import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { allocate } from "../../numbers/dtype.ts";
import { type Graph, sizeOf } from "../../onnx/graph.ts";
import { applied, assertSameNumbers, countOps, graphOf, reals } from "../_test_support.ts";
import { mergeMasks } from "./merge_masks.ts";

const SHAPE = [2, 3, 50];
const STEEPEST = 2 ** 128 * (1 - 2 ** -24);

function scalar(b: GraphBuilder, value: number): Value {
  return b.constant("float32", [], [value]);
}

/** Gradients as src/ops lowers them. */
const masks = {
  relu: (b: GraphBuilder, dy: Value, z: Value) =>
    b.node("Mul", [dy, b.node("HardSigmoid", [z], { alpha: STEEPEST, beta: 0 })]),
  clip: (b: GraphBuilder, dy: Value, v: Value, [low, high]: readonly number[]) => {
    const inside = b.node("And", [
      b.node("GreaterOrEqual", [v, scalar(b, low)]),
      b.node("LessOrEqual", [v, scalar(b, high)]),
    ]);
    return b.node("Where", [inside, dy, b.node("Expand", [scalar(b, 0), b.constant("int64", [3], SHAPE)])]);
  },
  quantizer: (b: GraphBuilder, dy: Value, v: Value, [low, high]: readonly Value[]) => {
    const equal = b.node("Equal", [b.node("Clip", [v, low, high]), v]);
    return b.node("Mul", [dy, b.node("Cast", [equal], { to: 1 })]);
  },
};

/** A graph of dy and z, and its feeds, where z meets every bound exactly. */
function graphOfMasks(fn: (b: GraphBuilder, dy: Value, z: Value) => Value | readonly Value[]) {
  const graph = graphOf(SHAPE, (b, dy) => fn(b, dy, b.input("float32", SHAPE, "z")));
  const feeds = Object.fromEntries(graph.inputs.map((name) => {
    const { dtype, shape } = graph.types.get(name)!;
    return [name, allocate(dtype, sizeOf(shape as number[])) as Float32Array];
  }));
  feeds.x.set(reals(feeds.x.length, 1));
  const special = [0, -0, 1, 6, 6.000001, 5.999999, -1, 2 ** -126, 0.75, 0.7500001, -0.25, Infinity, -Infinity];
  feeds.z.set(reals(feeds.z.length, 2).map((x, i) => special[i] ?? x * 8));
  if ("high" in feeds) feeds.high.set([0.75]);
  return { graph, feeds };
}

function assertMerged({ graph, feeds }: ReturnType<typeof graphOfMasks>): Graph {
  const merged = applied(mergeMasks, graph);
  assertSameNumbers(graph, merged, { feeds });
  return merged;
}

Deno.test("mergeMasks() asks once when a quantizer stands behind a ReLU", () => {
  const merged = assertMerged(graphOfMasks((b, dy, z) => {
    const high = b.input("float32", [], "high");
    return masks.relu(b, masks.quantizer(b, dy, b.node("Relu", [z]), [scalar(b, -0.01), high]), z);
  }));
  assert.deepEqual(countOps(merged), { Clip: 1, Equal: 1, Cast: 1, Mul: 1 });
});

Deno.test("mergeMasks() asks once when a quantizer stands behind a ReLU6 of two operators", () => {
  const merged = assertMerged(graphOfMasks((b, dy, z) => {
    const relu = b.node("Relu", [z]);
    const relu6 = b.node("Clip", [relu, scalar(b, 0), scalar(b, 6)]);
    const high = b.input("float32", [], "high");
    const inner = masks.quantizer(b, dy, relu6, [scalar(b, -0.01), high]);
    return masks.relu(b, masks.clip(b, inner, relu, [0, 6]), z);
  }));
  assert.deepEqual(countOps(merged), { Min: 1, Clip: 1, Equal: 1, Cast: 1, Mul: 1 });
});

Deno.test("mergeMasks() writes a clip's gradient in four passes when it stands alone, and leaves a ReLU's two", () => {
  const merged = assertMerged(graphOfMasks((b, dy, z) => [masks.clip(b, dy, z, [-1, 6]), masks.relu(b, dy, z)]));
  assert.deepEqual(countOps(merged), { Clip: 1, Equal: 1, Cast: 1, Mul: 2, HardSigmoid: 1 });
});

Deno.test("mergeMasks() keeps masks apart when they ask about different values or the first is read as well", () => {
  const different = graphOfMasks((b, dy, z) => masks.relu(b, masks.clip(b, dy, b.node("Neg", [z]), [-1, 1]), z));
  assert.equal(countOps(assertMerged(different)).HardSigmoid, 1);
  const wider = graphOfMasks((b, dy, z) => {
    // Beyond the clip's bounds what it leaves is not what it got, and the outer mask reaches there.
    const clipped = b.node("Clip", [z, scalar(b, -1), scalar(b, 1)]);
    return masks.clip(b, masks.clip(b, dy, clipped, [-1, 1]), z, [-6, 6]);
  });
  assert.equal(countOps(assertMerged(wider)).Equal, 2);
  const read = graphOfMasks((b, dy, z) => {
    const inner = masks.clip(b, dy, b.node("Relu", [z]), [0, 6]);
    return [inner, masks.relu(b, inner, z)];
  });
  assert.equal(countOps(assertMerged(read)).HardSigmoid, 1);
});
