import assert from "node:assert/strict";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { Attrs } from "../../onnx/graph.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, ints, opsOf, realConstant } from "../_test_support.ts";
import { mergePad } from "./merge_pad.ts";

const CONV = { kernel_shape: [3, 3], pads: [0, 0, 0, 0], strides: [2, 1], dilations: [1, 1], group: 1 };
const POOL = { kernel_shape: [3, 3], pads: [0, 0, 0, 0], strides: [2, 2] };

type Prepare = (b: GraphBuilder, x: Value) => Value;

/** What is padded → Pad → Conv or a pool, of [1, 2, 5, 6]. */
function padded(options: {
  readonly amounts: readonly number[];
  readonly before?: Prepare;
  readonly value?: number | "computed" | "none";
  readonly mode?: string;
  readonly op?: "AveragePool" | "Conv" | "MaxPool";
  readonly attrs?: Attrs;
}) {
  const { amounts, before = (_, x) => x, value = 0, mode = "constant", op = "Conv", attrs = {} } = options;
  return graphOf([1, 2, 5, 6], (b, x) => {
    const inputs = [before(b, x), ints(b, amounts)];
    if (value === "computed") inputs.push(b.node("ReduceMax", [x], { keepdims: 0 }));
    else if (value !== "none") inputs.push(b.constant("float32", [], [value]));
    const y = b.node("Pad", inputs, { mode });
    if (op !== "Conv") return b.node(op, [y], { ...POOL, ...attrs });
    return b.node("Conv", [y, realConstant(b, [3, 2, 3, 3], 1)], { ...CONV, ...attrs });
  });
}

function assertMerged(graph: ReturnType<typeof padded>, pads: readonly number[]): void {
  const after = applied(mergePad, graph);
  assertSameNumbers(graph, after, { tolerance: 1e-6 });
  assert.equal(opsOf(after).includes("Pad"), false);
  assert.deepEqual(after.nodes[after.nodes.length - 1].attrs.pads, pads);
}

function assertKept(graph: ReturnType<typeof padded>): void {
  const after = applied(mergePad, graph);
  assertSameNumbers(graph, after);
  assert.deepEqual(opsOf(after), opsOf(graph));
}

/** Values of a grid whose lowest code is 0. */
const nonNegative: Prepare = (b, x) => fakeQuantized(b, x, { scale: 1 });

Deno.test("mergePad() merges zeros on all four sides into Conv", () => {
  assertMerged(padded({ amounts: [0, 0, 1, 2, 0, 0, 3, 4] }), [1, 2, 3, 4]);
  assertMerged(padded({ amounts: [0, 0, 1, 0, 0, 0, 0, 1], value: "none" }), [1, 0, 0, 1]);
});

Deno.test("mergePad() adds to the pads that Conv has", () => {
  assertMerged(padded({ amounts: [0, 0, 1, 0, 0, 0, 0, 2], attrs: { pads: [1, 2, 3, 4] } }), [2, 2, 3, 6]);
});

Deno.test("mergePad() merges behind values of any sign into Conv", () => {
  const before: Prepare = (b, x) => fakeQuantized(b, x, { scale: 0.5, zeroPoint: 128 });
  assertMerged(padded({ amounts: [0, 0, 1, 1, 0, 0, 1, 1], before }), [1, 1, 1, 1]);
});

Deno.test("mergePad() keeps padding by anything but constant zeros of a picture's sides", () => {
  assertKept(padded({ amounts: [0, 0, 1, 1, 0, 0, 1, 1], value: 1 }));
  assertKept(padded({ amounts: [0, 0, 1, 1, 0, 0, 1, 1], value: "computed" }));
  assertKept(padded({ amounts: [0, 0, 1, 1, 0, 0, 1, 1], mode: "reflect" }));
  assertKept(padded({ amounts: [0, 0, 1, 1, 0, 0, 1, 1], mode: "edge" }));
  assertKept(padded({ amounts: [0, 0, -1, 1, 0, 0, 1, 1] }));
  assertKept(padded({ amounts: [1, 0, 1, 1, 0, 0, 1, 1] }));
  assertKept(padded({ amounts: [0, 0, 1, 1, 1, 0, 1, 1] }));
});

Deno.test("mergePad() keeps padding of channels", () => {
  const graph = graphOf([1, 2, 5, 6], (b, x) => {
    const y = b.node("Pad", [x, ints(b, [0, 1, 0, 0, 0, 0, 0, 0]), b.constant("float32", [], [0])]);
    return b.node("Conv", [y, realConstant(b, [3, 3, 3, 3], 1)], CONV);
  });
  assertKept(graph);
});

Deno.test("mergePad() merges into MaxPool behind a grid from 0 and behind Relu", () => {
  const amounts = [0, 0, 1, 2, 0, 0, 2, 1];
  assertMerged(padded({ amounts, before: nonNegative, op: "MaxPool" }), [1, 2, 2, 1]);
  assertMerged(padded({ amounts, before: (b, x) => b.node("Relu", [x]), op: "MaxPool" }), [1, 2, 2, 1]);
});

Deno.test("mergePad() keeps the padding of a MaxPool whose values may be negative: there a zero wins", () => {
  const amounts = [0, 0, 1, 1, 0, 0, 1, 1];
  assertKept(padded({ amounts, op: "MaxPool" }));
  assertKept(padded({
    amounts,
    before: (b, x) => fakeQuantized(b, b.node("Sub", [x, b.constant("float32", [], [9])]), { scale: 1, zeroPoint: 20 }),
    op: "MaxPool",
  }));
  assertKept(padded({ amounts, before: (b, x) => fakeQuantized(b, x, { scale: 1, dtype: "int8" }), op: "MaxPool" }));
});

Deno.test("mergePad() keeps a padding that gives a MaxPool windows of padding alone", () => {
  assertKept(padded({ amounts: [0, 0, 3, 0, 0, 0, 0, 0], before: nonNegative, op: "MaxPool" }));
  assertKept(padded({ amounts: [0, 0, 0, 0, 0, 0, 0, 3], before: nonNegative, op: "MaxPool" }));
  const amounts = [0, 0, 2, 0, 0, 0, 0, 0];
  assertKept(padded({ amounts, before: nonNegative, op: "MaxPool", attrs: { pads: [1, 0, 0, 0] } }));
});

Deno.test("mergePad() keeps a Pad for whoever else reads it", () => {
  const graph = graphOf([1, 2, 5, 6], (b, x) => {
    const y = b.node("Pad", [x, ints(b, [0, 0, 1, 1, 0, 0, 1, 1]), b.constant("float32", [], [0])]);
    return [b.node("Conv", [y, realConstant(b, [3, 2, 3, 3], 1)], CONV), b.node("Neg", [y])];
  });
  const after = applied(mergePad, graph);
  assertSameNumbers(graph, after, { tolerance: 1e-6 });
  assert.deepEqual(opsOf(after), ["Pad", "Conv", "Neg"]);
});

Deno.test("mergePad() lets AveragePool count the zeros that it pads with, whatever signs values have", () => {
  const amounts = [0, 0, 1, 2, 0, 0, 2, 1];
  const pools: readonly Attrs[] = [{}, { count_include_pad: 0 }, { count_include_pad: 1, pads: [1, 0, 0, 1] }];
  for (const attrs of pools) {
    const pads = "pads" in attrs ? [2, 2, 2, 2] : [1, 2, 2, 1];
    assertMerged(padded({ amounts, op: "AveragePool", attrs }), pads);
  }
});

Deno.test("mergePad() keeps a Pad before an AveragePool that does not count padding of its own", () => {
  const amounts = [0, 0, 1, 1, 0, 0, 1, 1];
  const pools: readonly Attrs[] = [{ pads: [1, 0, 0, 0] }, { ceil_mode: 1 }];
  for (const attrs of pools) {
    assertKept(padded({ amounts, op: "AveragePool", attrs: { count_include_pad: 0, ...attrs } }));
  }
  assertKept(padded({ amounts: [0, 0, 3, 0, 0, 0, 0, 0], op: "AveragePool" }));
});
