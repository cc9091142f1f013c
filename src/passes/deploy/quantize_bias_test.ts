import assert from "node:assert/strict";
import type { GraphBuilder } from "../../onnx/writer.ts";
import { type Graph, sizeOf } from "../../onnx/graph.ts";
import {
  applied,
  assertSameNumbers,
  fakeQuantized,
  graphOf,
  opsOf,
  quantizedWeights,
  realConstant,
  run,
} from "../_test_support.ts";
import { quantizeBias } from "./quantize_bias.ts";

const CONV = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };
const INPUT_SCALE = 0.02;

/** A quantized Conv of 2 to 4 channels with a float bias. */
function conv(
  bias: readonly number[],
  options: { readonly axis?: number; readonly scale?: number } = { axis: 0 },
): Graph {
  return graphOf([1, 2, 5, 5], (b, x) => {
    const input = fakeQuantized(b, x, { scale: INPUT_SCALE, zeroPoint: 128 });
    const kernel = quantizedWeights(b, [4, 2, 3, 3], options);
    return b.node("Conv", [input, kernel, b.constant("float32", [4], bias)], CONV);
  });
}

/** Elements of the bias, its scale and its zero point. */
function biasOf(graph: Graph, op = "Conv") {
  const node = graph.nodes.find((candidate) => candidate.op === op)!;
  const dq = graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[2]);
  assert.equal(dq?.op, "DequantizeLinear");
  const [codes, scale, zeroPoint] = dq.inputs.map((name) => graph.initializers.get(name)!);
  return { dq, codes, scale: scale.data as Float32Array, zeroPoint: zeroPoint.data as Int32Array };
}

function weightsOf(graph: Graph, op = "Conv") {
  const node = graph.nodes.find((candidate) => candidate.op === op)!;
  const dq = graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[1])!;
  const [codes, scale] = dq.inputs.map((name) => graph.initializers.get(name)!);
  return { codes: codes.data as Int8Array, scale: scale.data as Float32Array };
}

Deno.test("quantizeBias() writes int32 codes on the grid s_x·s_w of each channel, zero points 0", () => {
  const values = [0.5, -0.25, 1e-4, 0];
  const after = applied(quantizeBias, conv(values));
  const { codes, scale, zeroPoint } = biasOf(after);
  const weights = weightsOf(after);
  assert.equal(codes.dtype, "int32");
  assert.deepEqual([...zeroPoint], [0, 0, 0, 0]);
  values.forEach((value, c) => {
    assert.equal(scale[c], Math.fround(Math.fround(INPUT_SCALE) * weights.scale[c]));
    assert.equal(Number(codes.data[c]), Math.round(value / scale[c]));
  });
});

for (const axis of [0, undefined]) {
  Deno.test(`quantizeBias() is off by half a step at the most, ${axis === 0 ? "a scale a channel" : "one scale"}`, () => {
    const graph = conv([0.5, -0.25, 1e-4, 0.1234], axis === 0 ? { axis } : {});
    const after = applied(quantizeBias, graph);
    const step = Math.max(...biasOf(after).scale);
    const feeds = { x: Float32Array.from({ length: 50 }, (_, i) => Math.sin(i)) };
    const [expected, actual] = [graph, after].map((g) => run(g, feeds)[0].data as Float32Array);
    actual.forEach((y, i) => assert.ok(Math.abs(y - expected[i]) <= step * 0.5 + 1e-6, `element ${i}`));
    assert.deepEqual(opsOf(after).slice(-3), ["DequantizeLinear", "DequantizeLinear", "Conv"]);
  });
}

Deno.test("quantizeBias() rounds ties to even", () => {
  const graph = graphOf([1, 2], (b, x) => {
    const codes = b.constant("int8", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    const weights = b.node("DequantizeLinear", [codes, b.constant("float32", [], [0.5]), b.constant("int8", [], [0])]);
    const bias = b.constant("float32", [4], [0.125, 0.375, -0.125, -0.375]);
    return b.node("Gemm", [fakeQuantized(b, x, { scale: 0.5 }), weights, bias], { transA: 0, transB: 0 });
  });
  assert.deepEqual([...biasOf(applied(quantizeBias, graph), "Gemm").codes.data], [0, 2, 0, -2]);
});

Deno.test("quantizeBias() raises the scale of a channel whose bias would overflow, and of no other", () => {
  // The second channel's weights stand for next to nothing: its bias is 5e9 steps.
  const graph = graphOf([1, 2, 3, 3], (b, x) => {
    const codes = b.constant("int8", [2, 2, 1, 1], [100, -50, 127, -127]);
    const scales = b.constant("float32", [2], [0.01, 1e-8]);
    const kernel = b.node("DequantizeLinear", [codes, scales, b.constant("int8", [2], [0, 0])], { axis: 0 });
    const input = fakeQuantized(b, x, { scale: 0.02, zeroPoint: 128 });
    return b.node("Conv", [input, kernel, b.constant("float32", [2], [0.3, 1])], {
      ...CONV,
      kernel_shape: [1, 1],
      pads: [0, 0, 0, 0],
    });
  });
  const after = applied(quantizeBias, graph);
  // The second channel's scale is 1 / (2^30·s_x) now, some five times what it was.
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-4 });
  const { codes, scale } = weightsOf(after);
  assert.deepEqual([...codes], [100, -50, 27, -27]);
  assert.equal(scale[0], Math.fround(0.01));
  const bias = biasOf(after);
  assert.ok(Math.abs(Number(bias.codes.data[1])) <= 2 ** 30 + 1);
  assert.ok(Math.abs(Number(bias.codes.data[1]) * bias.scale[1] - 1) < 1e-6);
});

Deno.test("quantizeBias() rounds raised codes around their zero point", () => {
  const graph = graphOf([1, 2], (b, x) => {
    const codes = b.constant("uint8", [2, 2], [228, 255, 78, 1]);
    const parameters = [b.constant("float32", [2], [0.01, 1e-8]), b.constant("uint8", [2], [128, 128])];
    const weights = b.node("DequantizeLinear", [codes, ...parameters], { axis: 1 });
    const bias = b.constant("float32", [2], [0.3, 1]);
    return b.node("Gemm", [fakeQuantized(b, x, { scale: 0.02 }), weights, bias], { transA: 0, transB: 0 });
  });
  const after = applied(quantizeBias, graph);
  // The second channel's scale is 2^-30 / 0.02, 4.657 times what it was: 127 steps become 27.
  assert.deepEqual([...weightsOf(after, "Gemm").codes], [228, 155, 78, 101]);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-4 });
});

Deno.test("quantizeBias() rounds raised codes to the nearest, ties to even", () => {
  // Twice the scale: halves of odd codes are ties.
  const inputScale = 2 ** -5;
  const graph = graphOf([1, 6], (b, x) => {
    const codes = b.constant("int8", [6, 1], [3, 5, -3, -5, 7, 1]);
    const parameters = [b.constant("float32", [1], [2 ** -26]), b.constant("int8", [1], [0])];
    const weights = b.node("DequantizeLinear", [codes, ...parameters], { axis: 1 });
    // 2^30 steps of 2^-25 · 2^-5.
    const bias = b.constant("float32", [1], [1]);
    return b.node("Gemm", [fakeQuantized(b, x, { scale: inputScale }), weights, bias], { transA: 0, transB: 0 });
  });
  const after = applied(quantizeBias, graph);
  assert.deepEqual([...weightsOf(after, "Gemm").codes], [2, 2, -2, -2, 4, 0]);
  assert.deepEqual([...biasOf(after, "Gemm").codes.data].map(Number), [2 ** 30]);
});

Deno.test("quantizeBias() raises the one scale of weights that have one", () => {
  const graph = conv([1, 0, 0, -2], { scale: 1e-9 });
  const after = applied(quantizeBias, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  const bias = biasOf(after);
  bias.codes.data.forEach((code, c) => assert.ok(Math.abs(Number(code) * bias.scale[c] - [1, 0, 0, -2][c]) < 1e-6));
});

Deno.test("quantizeBias() quantizes the bias of Gemm", () => {
  const graph = graphOf([4, 3], (b, x) => {
    const weights = quantizedWeights(b, [3, 5], { axis: 1 });
    return b.node("Gemm", [fakeQuantized(b, x, { scale: 0.02 }), weights, realConstant(b, [5], 3)], {
      transA: 0,
      transB: 0,
    });
  });
  const after = applied(quantizeBias, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-2 });
  assert.equal(biasOf(after, "Gemm").codes.dtype, "int32");
});

/** What has no grid for its bias. */
const FLOAT: Readonly<
  Record<
    string,
    (b: GraphBuilder, x: Parameters<typeof fakeQuantized>[1]) => readonly Parameters<typeof fakeQuantized>[1][]
  >
> = {
  "a float input": (b, x) => [x, quantizedWeights(b, [4, 2, 3, 3], { axis: 0 }), realConstant(b, [4], 1)],
  "float weights": (
    b,
    x,
  ) => [fakeQuantized(b, x, { scale: 0.1 }), realConstant(b, [4, 2, 3, 3], 1), realConstant(b, [4], 1)],
  "no bias": (b, x) => [fakeQuantized(b, x, { scale: 0.1 }), quantizedWeights(b, [4, 2, 3, 3], { axis: 0 })],
  "an input with a scale a channel": (b, x) => {
    const grid = [b.constant("float32", [2], [0.1, 0.2]), b.constant("uint8", [2], [0, 0])];
    const input = b.node("DequantizeLinear", [b.node("QuantizeLinear", [x, ...grid], { axis: 1 }), ...grid], {
      axis: 1,
    });
    return [input, quantizedWeights(b, [4, 2, 3, 3], { axis: 0 }), realConstant(b, [4], 1)];
  },
};

for (const [name, inputs] of Object.entries(FLOAT)) {
  Deno.test(`quantizeBias() leaves a Conv with ${name} alone`, () => {
    const graph = graphOf([1, 2, 5, 5], (b, x) => b.node("Conv", inputs(b, x), CONV));
    const after = applied(quantizeBias, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), opsOf(graph));
  });
}

Deno.test("quantizeBias() gives a Gemm's bias of one element an element a column", () => {
  const graph = graphOf([4, 3], (b, x) => {
    const weights = quantizedWeights(b, [3, 5], { axis: 1 });
    const bias = b.constant("float32", [1], [0.5]);
    return b.node("Gemm", [fakeQuantized(b, x, { scale: 0.02 }), weights, bias], { transA: 0, transB: 0 });
  });
  const after = applied(quantizeBias, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-2 });
  const bias = biasOf(after, "Gemm");
  assert.equal(sizeOf(bias.codes.shape), 5);
});
