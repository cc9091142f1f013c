import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { dequantizeLinear, quantizeLinear } from "../../src/numbers/quantize.ts";
import { INT8_SYMMETRIC_PER_CHANNEL, type QuantScheme } from "../../src/numbers/scheme.ts";
import { type QuantizedLayer, QuantizedWeights, registerQuantKernels } from "../../src/quant/mod.ts";
import { randomArray } from "../../tests/_support/small_models.ts";
import {
  betaAt,
  isOnGrid,
  learnedPoints,
  nearestPoints,
  regularizer,
  roundedWeights,
  roundingOf,
  softWeight,
  startOf,
  valuesOf,
} from "./_soft_rounding.ts";

tf.env().set("PROD", true);

/** A dense layer of these weights [n, 1], whose largest magnitude gives the scale. */
async function denseOf(weights: readonly number[], given: Partial<QuantScheme> = {}): Promise<QuantizedLayer> {
  registerQuantKernels();
  await tf.setBackend("cpu");
  const dense = tfl.layers.dense({ units: 1, useBias: false });
  const scheme = { ...INT8_SYMMETRIC_PER_CHANNEL, qmin: -7, qmax: 7, ...given };
  const layer = new QuantizedWeights({
    layer: dense,
    weights: [{ name: "kernel", axis: 1 }],
    scheme,
  });
  layer.build([null, weights.length]);
  dense.setWeights([tf.tensor2d([...weights], [weights.length, 1])]);
  layer.observeWeights();
  return layer;
}

const rounded = (values: Iterable<number>) => [...values].map((value) => Number(value.toFixed(4)));

Deno.test("roundingOf() is 0 and 1 at its ends, and half in the middle", async () => {
  await denseOf([7]);
  // sigmoid(2) = 0.880797, times 1.2 less 0.1 = 0.956956; it reaches 1 at V = ln 11 = 2.3979
  assert.deepEqual(rounded(roundingOf(tf.tensor1d([-9, -2.3979, -2, 0, 2, 2.3979, 9])).dataSync()), [
    0,
    0,
    0.043,
    0.5,
    0.957,
    1,
    1,
  ]);
});

Deno.test("startOf() gives V of which h is what the weight lies above the point below it", async () => {
  // The scale is 1: weights in steps.
  const [weight] = roundedWeights(await denseOf([7, 0.25, 0.5, -0.25, -3.9]));
  const start = startOf(weight);
  // r = 0.25: −ln(1.2 / 0.35 − 1) = −0.8873; r = 0.5: 0; r = 0.75: 0.8873; r = 0.1: −ln 5 = −1.6094
  assert.deepEqual(rounded(start.dataSync()).slice(1), [-0.8873, 0, 0.8873, -1.6094]);
  assert.deepEqual(rounded(roundingOf(start).dataSync()), [0, 0.25, 0.5, 0.75, 0.1]);
});

Deno.test("softWeight() starts at the real weights, and follows V between the points next to each", async () => {
  const weights = [7, 0.25, 0.5, -0.25, -3.9, 6.4];
  const [weight] = roundedWeights(await denseOf(weights));
  assert.deepEqual(rounded(softWeight(weight, startOf(weight)).dataSync()), weights);
  const low = softWeight(weight, tf.fill([6, 1], -9));
  assert.deepEqual(low.shape, [6, 1]);
  assert.deepEqual([...low.dataSync()], [7, 0, 0, -1, -4, 6]);
  // 7 lies on the grid and stays.
  assert.deepEqual([...softWeight(weight, tf.fill([6, 1], 9)).dataSync()], [7, 1, 1, 0, -3, 7]);
});

Deno.test("softWeight() and regularizer() have the gradients of their formulas", async () => {
  const [weight] = roundedWeights(await denseOf([7, 0.25, 0.5, -0.25, -3.9, 2.2]));
  const v = Float64Array.from(randomArray(6, 5), (x) => 2 * x);
  const h = (x: number) => Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-x)) - 0.1));
  const beta = 3.5;
  const plain = {
    regularizer: (x: Float64Array) => x.reduce((sum, x) => sum + 1 - Math.abs(2 * h(x) - 1) ** beta, 0),
    weights: (x: Float64Array) => x.reduce((sum, x, i) => sum + (i === 0 ? 0 : (i + 1) * h(x)), 0),
  };
  const differences = (f: (x: Float64Array) => number) =>
    Array.from(v, (_, i) => {
      const at = (step: number) => f(v.map((x, k) => k === i ? x + step : x));
      return (at(1e-6) - at(-1e-6)) / 2e-6;
    });
  const start = tf.tensor2d(Float32Array.from(v), [6, 1]);
  const column = tf.tensor2d([1, 2, 3, 4, 5, 6], [6, 1]);
  const ours = {
    regularizer: tf.grad((x) => regularizer(x, tf.scalar(beta)))(start),
    weights: tf.grad((x) => tf.sum(tf.mul(softWeight(weight, x), column)))(start),
  };
  for (const name of ["regularizer", "weights"] as const) {
    const expected = differences(plain[name]);
    ours[name].dataSync().forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 1e-4, `${name} ${i}: ${value}, ${expected[i]}`);
    });
  }
});

Deno.test("regularizer() is 0 of what is decided, and greatest in the middle", async () => {
  const [weight] = roundedWeights(await denseOf([7, 0.25]));
  assert.equal(regularizer(tf.tensor1d([-9, 9]), tf.scalar(2)).dataSync()[0], 0);
  assert.equal(regularizer(tf.tensor1d([0]), tf.scalar(20)).dataSync()[0], 1);
  // h = 0 and 0.25: 0 + 1 − 0.5²
  assert.deepEqual(rounded(regularizer(startOf(weight), tf.scalar(2)).dataSync()), [0.75]);
});

Deno.test("betaAt() goes from 20 to 2 once the regularizer has set in", () => {
  const plan = { steps: 1000, warmUp: 0.2 };
  assert.deepEqual([200, 600, 1000].map((step) => betaAt(step, plan)), [20, 11, 2]);
});

Deno.test("learnedPoints() goes up where V is 0 or more, within the codes that there are", async () => {
  const layer = await denseOf([7, 0.25, 0.5, -0.25, -3.9, 6.4]);
  const [weight] = roundedWeights(layer);
  assert.deepEqual([...nearestPoints(weight)], [7, 0, 0, 0, -4, 6]);
  assert.deepEqual([...learnedPoints(weight, [1, 0, -1, -0.1, 1, 1])], [7, 1, 0, -1, -3, 7]);
  // A scale that was found otherwise leaves weights beyond the last code.
  layer.state.kernel_scale.write(tf.tensor1d([0.5]));
  const [fine] = roundedWeights(layer);
  assert.deepEqual([...learnedPoints(fine, [1, 1, 1, 1, 1, 1])], [7, 1, 1, 0, -7, 7]);
});

Deno.test("rounding that is learned stays within the codes of an affine grid, on either side of its zero point", async () => {
  // From −3.4 to 11.6 in 15 steps of 1: 0 has code 3, and there are 12 above it.
  const layer = await denseOf([-3.4, 11.6, 0.25, 5.5], { qmin: 0, qmax: 15, dtype: "uint8", symmetric: false });
  const [weight] = roundedWeights(layer);
  assert.deepEqual([weight.grid.scale, weight.grid.zeroPoint].map((of) => (of as Float32Array)[0]), [1, 3]);
  assert.deepEqual([...nearestPoints(weight)], [-3, 12, 0, 6]);
  assert.deepEqual([...learnedPoints(weight, [-1, 1, 1, -1])], [-3, 12, 1, 5]);
  assert.deepEqual([...softWeight(weight, tf.fill([4, 1], -9)).dataSync()], [-3, 11, 0, 5]);
  assert.deepEqual([...softWeight(weight, tf.fill([4, 1], 9)).dataSync()], [-3, 12, 1, 6]);
});

Deno.test("valuesOf() gives numbers that round to their very points, whatever the scale", () => {
  for (const [seed, most] of [[1, 127], [2, 7], [3, 127], [4, 1]] as const) {
    const channels = 40;
    const magnitudes = randomArray(channels, seed);
    const scale = Float32Array.from(magnitudes, (x, i) => Math.abs(x) * 10 ** (i % 30 - 20) + 2 ** -124);
    const points = Float32Array.from(randomArray(channels * 25, seed + 9), (x) => Math.round(x * most));
    const shape = [25, channels];
    const grid = {
      scale,
      zeroPoint: 0,
      qmin: -most,
      qmax: most,
      granularity: { kind: "per-channel", axis: 1 },
    } as const;
    const values = valuesOf({ shape, grid }, points);
    assert.deepEqual([...quantizeLinear(values, grid, { shape })], [...points].map((point) => point + 0));
    assert.deepEqual(values, dequantizeLinear(points, grid, { shape }));
  }
});

Deno.test("isOnGrid() is so of weights at points of the grid, and of zeros", async () => {
  const onGrid = async (weights: readonly number[]) =>
    roundedWeights(await denseOf(weights, { qmin: -127, qmax: 127 })).every(isOnGrid);
  assert.equal(await onGrid([127 * 0.013, -5 * 0.013, 0, 100 * 0.013]), true);
  assert.equal(await onGrid([0, 0]), true);
  assert.equal(await onGrid([127 * 0.013, 5.01 * 0.013]), false);
});
