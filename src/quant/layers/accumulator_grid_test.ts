/** The grid of biases in the graph that trains against the one in the file. */
import assert from "node:assert/strict";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { type QuantizedConstant, scaleChannels } from "../../passes/deploy/_quantized_constant.ts";
import { quantizeBias } from "../../passes/deploy/quantize_bias.ts";
import { applied, fakeQuantized, graphOf } from "../../passes/_test_support.ts";
import { useCpu } from "../_test_support.ts";
import { roundBias } from "./_accumulator_grid.ts";

interface Case {
  readonly input: number;
  /** One scale, or one a channel. */
  readonly weights: readonly number[];
  readonly bias: readonly number[];
  /** What batch normalization multiplies the weights with. */
  readonly factors?: readonly number[];
}

/** What training computes. */
function simulated({ input, weights, bias, factors }: Case): number[] {
  return tf.tidy(() => {
    const scales = {
      input: tf.scalar(input),
      weights: weights.length === 1 ? tf.scalar(weights[0]) : tf.tensor1d([...weights]),
      factors: factors && tf.tensor1d([...factors]),
    };
    return [...roundBias(tf.tensor1d([...bias]), scales).dataSync()];
  });
}

/** What the codes of the file stand for. */
function written({ input, weights, bias, factors }: Case): number[] {
  const scales = factors === undefined ? Float32Array.from(weights) : foldedScales(weights, factors);
  const graph = applied(
    quantizeBias,
    graphOf([1, 2], (b, x) => {
      const perChannel = scales.length > 1;
      const shape = perChannel ? [scales.length] : [];
      const codes = b.constant("int8", [2, bias.length], new Int8Array(2 * bias.length).fill(1));
      const kernel = b.node(
        "DequantizeLinear",
        [codes, b.constant("float32", shape, scales), b.constant("int8", shape, new Int8Array(scales.length))],
        perChannel ? { axis: 1 } : {},
      );
      const operands = [fakeQuantized(b, x, { scale: input }), kernel, b.constant("float32", [bias.length], bias)];
      return b.node("Gemm", operands, { transA: 0, transB: 0 });
    }),
  );
  const gemm = graph.nodes.find(({ op }) => op === "Gemm")!;
  const dequantize = graph.nodes.find(({ outputs }) => outputs[0] === gemm.inputs[2])!;
  const [codes, biasScales] = dequantize.inputs.map((name) => graph.initializers.get(name)!.data);
  return Array.from(biasScales as Float32Array, (scale, c) => {
    const code = Number(codes[c]);
    assert.ok(Math.abs(code) <= 2 ** 31 - 1);
    return Math.fround(code * scale);
  });
}

function foldedScales(weights: readonly number[], factors: readonly number[]): Float32Array {
  const constant: QuantizedConstant = {
    codes: { dtype: "int8", shape: [factors.length, 1], data: new Int8Array(factors.length).fill(1) },
    scale: Float32Array.from(weights),
    zeroPoint: new Int8Array(weights.length),
    node: { op: "DequantizeLinear", name: "dq", inputs: [], outputs: [], attrs: {} },
  };
  return scaleChannels(constant, Float64Array.from(factors), 0).scale;
}

/** Bit for bit, but for the sign of 0. */
function assertEqual(actual: readonly number[], expected: readonly number[]): void {
  assert.deepEqual(actual.map((x) => x + 0), expected.map((x) => x + 0));
}

const f32 = Math.fround;
const any = fc.float({ noNaN: true, noDefaultInfinity: true });
const upTo = (max: number, min: number) => fc.float({ min: f32(min), max: f32(max), noNaN: true, minExcluded: false });
/** Products of three such are finite. */
const LARGE = 1e12;
const input = fc.oneof(upTo(LARGE, 2 ** -23), upTo(0.1, 1e-3), fc.constant(f32(2 ** -23)));
/** Scales of zero weights, of dying ones (subnormal numbers) and of huge ones among them. */
const scale = fc.oneof(
  upTo(LARGE, 1.5e-45),
  upTo(0.1, 1e-6),
  fc.constantFrom(1, 2 ** -23, LEAST_SCALE, 2 ** -126, f32(1e-45), LARGE),
);
const bias = fc.oneof(any, upTo(2, -2), fc.constantFrom(0, -0, f32(1e-45), f32(-1e-45), f32(3.4e38), f32(-3.4e38)));
const factor = fc.oneof(upTo(LARGE, -LARGE), upTo(2, -2), fc.constantFrom(0, -0, 1, -1, f32(1e-45), f32(-(2 ** -120))));
const list = <T>(element: fc.Arbitrary<T>, length: number) =>
  fc.array(element, { minLength: length, maxLength: length });

const cases = fc.integer({ min: 2, max: 5 }).chain((channels): fc.Arbitrary<Case> =>
  fc.oneof(
    fc.record({ input, weights: list(scale, channels), bias: list(bias, channels) }),
    fc.record({ input, weights: list(scale, 1), bias: list(bias, channels) }),
    fc.record({ input, weights: list(scale, channels), bias: list(bias, channels), factors: list(factor, channels) }),
    fc.record({ input, weights: list(scale, 1), bias: list(bias, channels), factors: list(factor, channels) }),
  )
);

Deno.test("roundBias() gives what the file's codes stand for, bit for bit, whatever scales, biases and factors are", async () => {
  await useCpu();
  fc.assert(fc.property(cases, (one) => assertEqual(simulated(one), written(one))), { numRuns: 2000 });
});

Deno.test("roundBias() gives what the file's codes stand for when a quotient is next to a tie", async () => {
  await useCpu();
  // Beyond 2^23 half a step is less than float32 can tell; the numbers just beside a tie are on either side of it.
  const ties = fc.tuple(fc.integer({ min: -(2 ** 25), max: 2 ** 25 }), fc.integer({ min: -2, max: 2 }), input, scale);
  const near = ties.map(([code, nudge, input, weight]): Case => {
    const tie = f32((code + 0.5) * f32(input * weight));
    return { input, weights: [weight], bias: [f32(tie * (1 + nudge * 2 ** -24)), 0] };
  });
  fc.assert(fc.property(near, (one) => assertEqual(simulated(one), written(one))), { numRuns: 2000 });
});

Deno.test("roundBias() is right where one can see it", async () => {
  await useCpu();
  const inputScale = 0.5;
  assertEqual(simulated({ input: inputScale, weights: [0.5], bias: [0.3, -0.375] }), [0.25, -0.5]);
  assertEqual(simulated({ input: inputScale, weights: [0.5, 1], bias: [0.3, 0.3] }), [0.25, 0.5]);
  // Folding by -2 doubles the step; by 0 it makes it as small as it may be.
  assertEqual(
    simulated({ input: inputScale, weights: [0.5, 0.5], bias: [0.3, 0.3125], factors: [-2, 0] }),
    [0.5, 0.3125],
  );
  // Weights that are all 0 have the least scale.
  assertEqual(simulated({ input: 255, weights: [LEAST_SCALE, 1], bias: [0.3125, 0.3125] }), [0.3125, 0]);
});

Deno.test("roundBias() and the file draw the line between small and no weights at the same float32", async () => {
  await useCpu();
  const factors = [LEAST_SCALE, LEAST_SCALE * (1 - 2 ** -24), 2 ** -149, 0];
  for (const weight of [1, 1 + 2 ** -23]) {
    const one: Case = { input: LARGE, weights: [weight], bias: factors.map(() => 2 ** -80), factors };
    assertEqual(simulated(one), written(one));
    // Steps of 2^-124 · 10^12 are a tenth of this bias.
    for (const x of simulated(one)) assert.ok(Math.abs(x / 2 ** -80 - 1) < 0.2);
  }
});
