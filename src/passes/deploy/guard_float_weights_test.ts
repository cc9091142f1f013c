import assert from "node:assert/strict";
import { Session } from "../../runtime/session.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import type { Graph } from "../../onnx/graph.ts";
import { decodeModel, encodeModel } from "../../onnx/file/mod.ts";
import { applied, assertSameNumbers, fakeQuantized, graphOf, opsOf, realConstant } from "../_test_support.ts";
import { guardFloatWeights } from "./guard_float_weights.ts";

const CONV = { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };

type Draw = (b: GraphBuilder, x: Value) => Value;

const conv: Draw = (b, x) => b.node("Conv", [x, realConstant(b, [3, 2, 1, 1], 1), realConstant(b, [3], 2)], CONV);
const relu: Draw = (b, x) => b.node("Relu", [x]);

const quantized: Draw = (b, x) => fakeQuantized(b, x, { scale: 0.5 });

/** What ONNX Runtime runs when it loads `graph`. */
function runs(graph: Graph): readonly string[] {
  const path = Deno.makeTempFileSync();
  try {
    new Session(encodeModel(graph), { optimization: "extended", optimizedModelPath: path }).dispose();
    return opsOf(decodeModel(Deno.readFileSync(path)).graph);
  } finally {
    Deno.removeSync(path);
  }
}

const AT_RISK: Readonly<Record<string, () => Graph>> = {
  "a convolution": () => graphOf([1, 2, 4, 4], (b, x) => quantized(b, conv(b, quantized(b, x)))),
  "a convolution with ReLU": () => graphOf([1, 2, 4, 4], (b, x) => quantized(b, relu(b, conv(b, quantized(b, x))))),
  "a dense layer": () =>
    graphOf([3, 4], (b, x) => {
      const inputs = [quantized(b, x), realConstant(b, [4, 2], 1), realConstant(b, [2], 2)];
      return quantized(b, b.node("Gemm", inputs));
    }),
};

for (const [what, draw] of Object.entries(AT_RISK)) {
  Deno.test(`guardFloatWeights() keeps ONNX Runtime from rounding the weights of ${what}`, () => {
    const before = draw();
    assert.ok(runs(before).some((op) => op === "QLinearConv" || op === "QGemm"), "it would, left alone");
    const after = applied(guardFloatWeights, before);
    assertSameNumbers(before, after);
    const ops = runs(after);
    assert.ok(ops.includes("Max"), ops.join());
    assert.ok(ops.every((op) => op !== "QLinearConv" && op !== "QGemm"), ops.join());
  });
}

const SAFE: Readonly<Record<string, () => Graph>> = {
  "what it reads is in float": () => graphOf([1, 2, 4, 4], (b, x) => quantized(b, conv(b, x))),
  "what it gives is in float": () => graphOf([1, 2, 4, 4], (b, x) => conv(b, quantized(b, x))),
  "it has no weights": () => graphOf([1, 2, 4, 4], (b, x) => quantized(b, relu(b, quantized(b, x)))),
};

for (const [when, draw] of Object.entries(SAFE)) {
  Deno.test(`guardFloatWeights() leaves an operator alone when ${when}`, () => {
    const before = draw();
    assert.deepEqual(opsOf(applied(guardFloatWeights, before)), opsOf(before));
  });
}
