/** Weights on grids whose zero point is their own, as other tools write them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { randomValues } from "../_test_support.ts";
import { slicesAlong } from "../../numbers/channels.ts";
import { computeQParams, LEAST_SCALE } from "../../numbers/qparams.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { INT8_AFFINE, perChannel, type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { leastSquaresShare } from "../observers/weights.ts";
import { saveAndLoad, useLayers, valuesOf, weightValues } from "./_test_support.ts";
import { QuantizedWeights, type QuantizedWeightsArgs } from "./quantized_weights.ts";

const UINT4: QuantScheme = { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 };
const SCHEMES = [UINT8_AFFINE, INT8_AFFINE, UINT4].flatMap((one) => [one, { ...one, granularity: perChannel(-1) }]);
const UNITS = 4;
const SIZE = 50;

/** Channels of their own ends: around 0, above it, below it, and with one value far outside. */
function weights(): Float32Array {
  const [shifts, factors] = [[0.1, 2, -3, 0], [1, 1, 2, 0.2]];
  const values = randomValues(SIZE * UNITS, { seed: 8 }).map((w, i) => w * factors[i % UNITS] + shifts[i % UNITS]);
  values[3] = 5;
  return values;
}

/** A dense layer [50, 4] with these weights. */
async function denseOf(args: Partial<QuantizedWeightsArgs>, values = weights()): Promise<QuantizedWeights> {
  await useLayers();
  const layer = tfl.layers.dense({ name: "fc", units: UNITS, useBias: false });
  const wrapped = new QuantizedWeights({
    layer,
    weights: [{ name: "kernel", axis: 1 }],
    inputShape: [values.length / UNITS],
    ...args,
  });
  // Within a model weights are called as they are saved.
  tfl.sequential({ layers: [wrapped] });
  layer.setWeights([tf.tensor2d(values, [values.length / UNITS, UNITS])]);
  wrapped.observeWeights();
  return wrapped;
}

/** The weights as the layer computes with them. */
function rounded(layer: QuantizedWeights, training = false): number[] {
  return valuesOf(layer.apply(tf.eye(SIZE), { training }));
}

for (const scheme of SCHEMES) {
  const { dtype, granularity: { kind } } = scheme;
  Deno.test(`QuantizedWeights has the affine grid of each range of weights, ${dtype} ${kind}`, async () => {
    const layer = await denseOf({ scheme });
    const all = weights();
    const channels = kind === "per-tensor" ? [all] : slicesAlong(all, { shape: [SIZE, UNITS], axis: 1 });
    const expected = channels.map((channel) =>
      computeQParams({ min: Math.min(...channel), max: Math.max(...channel) }, scheme)
    );
    const grid = layer.readGrid("kernel");
    assert.deepEqual(Array.from(grid.scale as Float32Array), expected.map(({ scale }) => scale));
    assert.deepEqual(Array.from(grid.zeroPoint as Float32Array), expected.map(({ zeroPoint }) => zeroPoint));
    const shape = [SIZE, UNITS];
    const known = Array.from(dequantizeLinear(quantizeLinear(all, grid, { shape }), grid, { shape }));
    assert.deepEqual(rounded(layer), known);
    // Nothing is left out where the grid was found just now: the zero point is rounded, so that an end may lie outside.
    assert.deepEqual(rounded(layer, true), known);
    assert.deepEqual(layer.readGrids()[0].grid, grid);
  });

  Deno.test(`QuantizedWeights takes the share of an affine range that loses least, ${dtype} ${kind}`, async () => {
    const layer = await denseOf({ scheme, observer: "mse" });
    const all = weights();
    const channels = kind === "per-tensor" ? [all] : slicesAlong(all, { shape: [SIZE, UNITS], axis: 1 });
    const grid = layer.readGrid("kernel");
    channels.forEach((channel, i) => {
      const share = Math.fround(leastSquaresShare(channel, scheme));
      const [min, max] = [Math.min(0, ...channel), Math.max(0, ...channel)].map((end) => Math.fround(end * share));
      const expected = computeQParams({ min, max }, scheme);
      assert.deepEqual([(grid.scale as Float32Array)[i], (grid.zeroPoint as Float32Array)[i]], Object.values(expected));
    });
    const lost = (values: readonly number[]) => values.reduce((sum, w, i) => sum + (w - all[i]) ** 2, 0);
    assert.ok(lost(rounded(layer)) <= lost(rounded(await denseOf({ scheme }))));
  });
}

Deno.test("leastSquaresShare() finds the least of all shares of an affine range tried one by one", () => {
  const values = randomValues(500, { seed: 3 }).map((value, i, all) => value * all[(i + 250) % 500] + 0.2);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const lostAt = (share: number) => {
    const [low, high] = [min, max].map((end) => Math.fround(end * Math.fround(share)));
    const grid = { ...UINT4, ...computeQParams({ min: low, max: high }, UINT4) };
    return dequantizeLinear(quantizeLinear(values, grid), grid).reduce((sum, w, i) => sum + (w - values[i]) ** 2, 0);
  };
  const tried = Array.from({ length: 1000 }, (_, i) => lostAt((i + 1) / 1000));
  const found = lostAt(leastSquaresShare(values, UINT4));
  assert.ok(found <= 1.02 * Math.min(...tried) && found < 0.9 * tried[999], `${found}, ${Math.min(...tried)}`);
});

Deno.test("QuantizedWeights has the least scale and the first code for 0 where all weights are 0", async () => {
  const scheme = { ...INT8_AFFINE, granularity: perChannel(-1) };
  const layer = await denseOf({ scheme }, Float32Array.of(0, 2.55, -2.55, 0));
  const grid = layer.readGrid("kernel");
  const step = Math.fround(Math.fround(2.55) / 255);
  assert.deepEqual(Array.from(grid.scale as Float32Array), [LEAST_SCALE, step, step, LEAST_SCALE]);
  assert.deepEqual(Array.from(grid.zeroPoint as Float32Array), [-128, -128, 127, -128]);
});

Deno.test("QuantizedWeights follows weights with an affine grid while it observes, and clamps to it afterwards", async () => {
  const layer = await denseOf({ scheme: UINT8_AFFINE });
  const before = layer.readGrid("kernel");
  layer.layer.setWeights([tf.mul(layer.layer.getWeights()[0], -3)]);
  rounded(layer);
  assert.deepEqual(layer.readGrid("kernel"), before);
  rounded(layer, true);
  const after = layer.readGrid("kernel");
  const [all] = layer.layer.getWeights().map((weight) => weight.dataSync<"float32">());
  const expected = computeQParams({ min: Math.min(...all), max: Math.max(...all) }, UINT8_AFFINE);
  const [scale, zero] = [after.scale, after.zeroPoint].map((values) => (values as Float32Array)[0]);
  assert.deepEqual([scale, zero], [expected.scale, expected.zeroPoint]);
  layer.observing = false;
  layer.layer.setWeights([tf.mul(layer.layer.getWeights()[0], 2)]);
  const ends = [0, 255].map((code) => Math.fround((code - zero) * scale));
  const values = rounded(layer, true);
  assert.deepEqual([Math.min(...values), Math.max(...values)], ends);
});

Deno.test("QuantizedWeights saves and loads affine grids, and says which of a damaged file is none", async () => {
  const layer = await denseOf({ scheme: { ...UINT8_AFFINE, granularity: perChannel(-1) }, observer: "mse" });
  assert.deepEqual(Object.keys(layer.state), ["kernel_scale", "kernel_zero_point", "kernel_share"]);
  const model = tfl.sequential({ layers: [layer] });
  const [copy] = (await saveAndLoad(model)).layers;
  assert.deepEqual(weightValues(copy), weightValues(layer));
  assert.ok(copy instanceof QuantizedWeights);
  assert.deepEqual(copy.readGrids()[0].grid, layer.readGrids()[0].grid);
  copy.state.kernel_zero_point.write(tf.tensor1d([0, 7, 256, 1]));
  assert.throws(() => copy.readGrids(), /"fc\/kernel": its zero point is 256, a whole number from 0 to 255 is needed/);
});
