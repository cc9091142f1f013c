import assert from "node:assert/strict";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import type { GraphBuilder, Value } from "../../onnx/writer.ts";
import { type Graph, sizeOf } from "../../onnx/graph.ts";
import {
  applied,
  assertSameNumbers,
  countOps,
  graphOf,
  opsOf,
  quantizedWeights,
  realConstant,
} from "../_test_support.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";

const CONV = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], dilations: [1, 1], group: 1 };

/** Factors of both signs, and a dead channel. */
const GAMMA = [0.7, -1.3, 0, 2];

/** BatchNormalization of four channels. */
function normalized(b: GraphBuilder, x: Value, options: { readonly gamma?: readonly number[] } = {}): Value {
  const { gamma = GAMMA } = options;
  const parameters = [
    b.constant("float32", [4], gamma),
    b.constant("float32", [4], [0.1, -0.2, 0.3, 0.4]),
    b.constant("float32", [4], [0.5, 0.6, -0.7, 0.8]),
    b.constant("float32", [4], [1, 0.04, 2, 1e-4]),
  ];
  return b.node("BatchNormalization", [x, ...parameters], { epsilon: 1e-3 });
}

/** Conv → BatchNormalization, with weights of the caller's making. */
function convNorm(
  weights: (b: GraphBuilder, shape: readonly number[]) => Value,
  options: { readonly bias?: boolean; readonly group?: number; readonly gamma?: readonly number[] } = {},
): Graph {
  const { bias = false, group = 1 } = options;
  return graphOf([2, 4, 5, 5], (b, x) => {
    const kernel = weights(b, [4, 4 / group, 3, 3]);
    const inputs = bias ? [x, kernel, realConstant(b, [4], 7)] : [x, kernel];
    return normalized(b, b.node("Conv", inputs, { ...CONV, group }), options);
  });
}

const WEIGHTS = {
  float: (b: GraphBuilder, shape: readonly number[]) => realConstant(b, shape, 1),
  "per-channel": (b: GraphBuilder, shape: readonly number[]) => quantizedWeights(b, shape, { axis: 0 }),
  "per-tensor": (b: GraphBuilder, shape: readonly number[]) => quantizedWeights(b, shape),
};

for (const [kind, weights] of Object.entries(WEIGHTS)) {
  for (const options of [{}, { bias: true }, { group: 4 }, { group: 2, bias: true }]) {
    Deno.test(`foldBatchNorm() folds into a Conv of ${kind} weights ${JSON.stringify(options)}`, () => {
      const graph = convNorm(weights, options);
      const after = applied(foldBatchNorm, graph);
      assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
      assert.deepEqual(opsOf(after), kind === "float" ? ["Conv"] : ["DequantizeLinear", "Conv"]);
    });
  }

  Deno.test(`foldBatchNorm() folds into a Gemm of ${kind} weights`, () => {
    const graph = graphOf([5, 3], (b, x) => {
      const matrix = kind === "per-channel" ? quantizedWeights(b, [3, 4], { axis: 1 }) : weights(b, [3, 4]);
      return normalized(b, b.node("Gemm", [x, matrix, realConstant(b, [4], 3)], { transA: 0, transB: 0 }));
    });
    const after = applied(foldBatchNorm, graph);
    assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
    assert.equal(countOps(after).BatchNormalization, undefined);
  });
}

Deno.test("foldBatchNorm() flips the codes of a negative factor, zeroes those of 0 and leaves the others", () => {
  const graph = convNorm(WEIGHTS["per-channel"]);
  const [before, after] = [graph, applied(foldBatchNorm, graph)].map((g) => {
    const dq = g.nodes.find(({ op }) => op === "DequantizeLinear")!;
    return { codes: g.initializers.get(dq.inputs[0])!.data, scale: g.initializers.get(dq.inputs[1])!.data };
  });
  const perChannel = before.codes.length / 4;
  before.codes.forEach((code, i) => {
    const gamma = GAMMA[Math.floor(i / perChannel)];
    assert.equal(Number(after.codes[i]), Math.sign(gamma) * Number(code) + 0, `code ${i}`);
  });
  const deviation = [1, 0.04, 2, 1e-4].map((variance) => Math.sqrt(variance + 1e-3));
  before.scale.forEach((scale, c) => {
    const expected = Math.max(Number(scale) * Math.abs(GAMMA[c]) / deviation[c], LEAST_SCALE);
    assert.ok(Math.abs(Number(after.scale[c]) / expected - 1) < 1e-6);
  });
});

Deno.test("foldBatchNorm() leaves no scale of 0 where a factor is next to nothing", () => {
  const graph = convNorm(WEIGHTS["per-channel"], { gamma: [1e-38, -1e-44, 1, 1e-30] });
  const after = applied(foldBatchNorm, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv"]);
});

Deno.test("foldBatchNorm() uses ONNX's epsilon where none is given", () => {
  const graph = graphOf([2, 4, 5, 5], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [4, 4, 3, 3], 1)], CONV);
    const parameters = [1, 2, 3].map((seed) => realConstant(b, [4], seed));
    return b.node("BatchNormalization", [y, ...parameters, b.constant("float32", [4], [1e-5, 1, 0, 2])]);
  });
  const after = applied(foldBatchNorm, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  assert.deepEqual(opsOf(after), ["Conv"]);
});

Deno.test("foldBatchNorm() leaves alone what something else reads", () => {
  const graph = graphOf([2, 4, 5, 5], (b, x) => {
    const y = b.node("Conv", [x, realConstant(b, [4, 4, 3, 3], 1)], CONV);
    return b.node("Add", [normalized(b, y), y]);
  });
  assertSameNumbers(graph, applied(foldBatchNorm, graph), { real: true });
  assert.deepEqual(opsOf(applied(foldBatchNorm, graph)), opsOf(graph));
});

Deno.test("foldBatchNorm() folds two normalizations that share a kernel", () => {
  const graph = graphOf([2, 4, 5, 5], (b, x) => {
    const kernel = quantizedWeights(b, [4, 4, 3, 3], { axis: 0 });
    const first = normalized(b, b.node("Conv", [x, kernel], CONV));
    return normalized(b, b.node("Conv", [first, kernel], CONV), { gamma: [1, 2, 3, -4] });
  });
  const after = applied(foldBatchNorm, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv", "DequantizeLinear", "Conv"]);
});

Deno.test("foldBatchNorm() turns codes around their zero point, and writes it for a dead channel", () => {
  const graph = convNorm((b, shape) => {
    const codes = b.constant("uint8", shape, Array.from({ length: sizeOf(shape) }, (_, i) => 1 + (i * 37) % 255));
    const zeros = b.constant("uint8", [4], [128, 128, 128, 128]);
    return b.node("DequantizeLinear", [codes, b.constant("float32", [4], [0.1, 0.2, 0.1, 0.3]), zeros], { axis: 0 });
  });
  const after = applied(foldBatchNorm, graph);
  assertSameNumbers(graph, after, { real: true, tolerance: 1e-5 });
  assert.deepEqual(opsOf(after), ["DequantizeLinear", "Conv"]);
  const [codes, , zeroPoint] = after.nodes[0].inputs.map((name) => after.initializers.get(name)!.data);
  assert.deepEqual([...zeroPoint], [128, 128, 128, 128]);
  const [channel, first] = [36, 1 + (36 * 37) % 255];
  assert.deepEqual([codes[channel], codes[2 * channel]], [256 - first, 128]);
});

// Codes whose mirror image is none have no flipped form, nor have grids whose zero points differ.
const UNFOLDABLE = {
  "int8 with code -128 and a negative factor": { dtype: "int8", code: -128, zeroPoint: [0] },
  "uint8 with a negative factor": { dtype: "uint8", code: 3, zeroPoint: [0] },
  "int8 around 1 with code -126": { dtype: "int8", code: -126, zeroPoint: [1] },
  "different zero points": { dtype: "int8", code: 3, zeroPoint: [0, 0, 0, 1] },
} as const;

for (const [name, { dtype, code, zeroPoint }] of Object.entries(UNFOLDABLE)) {
  Deno.test(`foldBatchNorm() leaves weights of ${name} alone`, () => {
    const graph = convNorm((b, shape) => {
      const codes = b.constant(dtype, shape, new Array(sizeOf(shape)).fill(code));
      const size = zeroPoint.length === 1 ? [] : [zeroPoint.length];
      const scales = b.constant("float32", size, zeroPoint.map(() => 0.1));
      return b.node("DequantizeLinear", [codes, scales, b.constant(dtype, size, zeroPoint)], { axis: 0 });
    });
    const after = applied(foldBatchNorm, graph);
    assertSameNumbers(graph, after, { real: true });
    assert.deepEqual(opsOf(after), opsOf(graph));
  });
}
