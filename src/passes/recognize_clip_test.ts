import assert from "node:assert/strict";
import { codeOf } from "../numbers/dtype.ts";
import { applied, assertSameNumbers, feedsFor, graphOf, opsOf } from "./_test_support.ts";
import { recognizeClip } from "./recognize_clip.ts";

const scalar = (value: number) => [Float32Array.of(value)] as const;

for (const swapped of [false, true]) {
  Deno.test(`recognizeClip() writes Relu → Min as Clip, the constant ${swapped ? "first" : "last"}`, () => {
    const graph = graphOf([3, 7], (b, x) => {
      const [y, six] = [b.node("Relu", [x]), b.constant("float32", [], ...scalar(2))];
      return b.node("Min", swapped ? [six, y] : [y, six]);
    });
    assertSameNumbers(graph, applied(recognizeClip, graph));
    assert.deepEqual(opsOf(applied(recognizeClip, graph)), ["Clip"]);
  });
}

for (const low of [-1, 0, 1, undefined]) {
  Deno.test(`recognizeClip() writes Relu → Clip from ${low} as one Clip`, () => {
    const graph = graphOf([3, 7], (b, x) => {
      const lowest = low === undefined ? null : b.constant("float32", [], ...scalar(low));
      return b.node("Clip", [b.node("Relu", [x]), lowest, b.constant("float32", [], ...scalar(3))]);
    });
    assertSameNumbers(graph, applied(recognizeClip, graph));
    assert.deepEqual(opsOf(applied(recognizeClip, graph)), ["Clip"]);
  });
}

Deno.test("recognizeClip() leaves a lower bound that is no constant, Min of two values and Max alone", () => {
  const graphs = [
    graphOf([3, 7], (b, x) => b.node("Min", [b.node("Relu", [x]), b.node("Neg", [x])])),
    graphOf([3, 7], (b, x) => b.node("Max", [b.node("Relu", [x]), b.constant("float32", [], ...scalar(2))])),
    graphOf([3, 7], (b, x) => {
      const low = b.node("ReduceMin", [x], { keepdims: 0 });
      return b.node("Clip", [b.node("Relu", [x]), low, b.constant("float32", [], ...scalar(2))]);
    }),
    graphOf([3, 7], (b, x) => {
      const y = b.node("Relu", [b.node("Cast", [x], { to: codeOf("int32") })]);
      return b.node("Min", [y, b.constant("int32", [], [2])]);
    }),
    graphOf([3, 7], (b, x) => b.node("Clip", [b.node("Relu", [x]), b.constant("float32", [], ...scalar(2))])),
    graphOf([3, 7], (b, x) => b.node("Min", [b.node("Relu", [x]), b.constant("float32", [1, 1, 1], ...scalar(2))])),
  ];
  for (const graph of graphs) {
    assertSameNumbers(graph, applied(recognizeClip, graph));
    assert.deepEqual(opsOf(applied(recognizeClip, graph)), opsOf(graph));
  }
});

Deno.test("recognizeClip() keeps a Relu that something else reads", () => {
  const graph = graphOf([3, 7], (b, x) => {
    const y = b.node("Relu", [x]);
    return b.node("Add", [b.node("Min", [y, b.constant("float32", [], ...scalar(2))]), y]);
  });
  assertSameNumbers(graph, applied(recognizeClip, graph), { feeds: feedsFor(graph, { seed: 5 }) });
  assert.deepEqual(opsOf(applied(recognizeClip, graph)), ["Relu", "Clip", "Add"]);
});
