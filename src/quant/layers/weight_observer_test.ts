import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { randomValues } from "../_test_support.ts";
import { slicesAlong } from "../../numbers/channels.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL, PER_TENSOR, type QuantScheme } from "../../numbers/scheme.ts";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import { leastSquaresShare, type WeightObserverName } from "../observers/weights.ts";
import { batches, joined } from "../observers/_test_values.ts";
import { saveAndLoad, useLayers, weightValues } from "./_test_support.ts";
import { QuantizedWeights } from "./quantized_weights.ts";

const INT4: QuantScheme = { ...INT8_SYMMETRIC_PER_CHANNEL, dtype: "int4", qmin: -7, qmax: 7 };

/** Squared error of weights on the symmetric grid that reaches `share` of their largest magnitude. */
function squaresLost(weights: Float32Array, share: number, scheme: QuantScheme): number {
  const most = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const steps = (scheme.qmax - scheme.qmin) / 2;
  const scale = Math.max(Math.fround(Math.fround(most * Math.fround(share)) / steps), LEAST_SCALE);
  const grid = { scale, zeroPoint: 0, qmin: scheme.qmin, qmax: scheme.qmax, granularity: PER_TENSOR };
  const rounded = dequantizeLinear(quantizeLinear(weights, grid), grid);
  return weights.reduce((sum, weight, i) => sum + (weight - rounded[i]) ** 2, 0);
}

Deno.test("leastSquaresShare() loses no more than all of the magnitude, whatever the weights", () => {
  fc.assert(
    fc.property(batches, fc.constantFrom(INT4, INT8_SYMMETRIC), (data, scheme) => {
      const weights = joined(data);
      const share = leastSquaresShare(weights, scheme);
      assert.ok(share > 0 && share <= 1);
      const [found, whole] = [squaresLost(weights, share, scheme), squaresLost(weights, 1, scheme)];
      assert.ok(found <= whole * (1 + 1e-6), `${found}, ${whole}`);
    }),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("leastSquaresShare() finds the least of all shares tried one by one", () => {
  for (const seed of [1, 2, 3]) {
    // Products of even numbers have few that are large.
    const weights = randomValues(500, { seed }).map((value, i, all) => value * all[(i + 250) % 500]);
    const tried = Array.from({ length: 1000 }, (_, i) => squaresLost(weights, (i + 1) / 1000, INT4));
    const found = squaresLost(weights, leastSquaresShare(weights, INT4), INT4);
    assert.ok(found <= 1.02 * Math.min(...tried), `${found}, ${Math.min(...tried)}`);
    assert.ok(found < 0.9 * tried[999]);
  }
});

/** Kernel, scales and shares of `layer` by their own names. */
function valuesIn(layer: QuantizedWeights): Record<string, number[]> {
  return Object.fromEntries(Object.entries(weightValues(layer)).map(([name, of]) => [name.replace("fc/", ""), of]));
}

function dense(observer: WeightObserverName, scheme: QuantScheme): QuantizedWeights {
  const layer = tfl.layers.dense({ units: 3, useBias: false, name: "fc", inputShape: [200] });
  const weights = [{ name: "kernel", axis: 1 }];
  const wrapped = new QuantizedWeights({ layer, weights, scheme, observer, inputShape: [200] });
  tfl.sequential({ layers: [wrapped] });
  const values = randomValues(600, { seed: 4 }).map((value) => value ** 5);
  wrapped.layer.setWeights([tf.tensor2d(values, [200, 3])]);
  wrapped.weightsChanged();
  return wrapped;
}

for (const scheme of [INT4, { ...INT4, granularity: PER_TENSOR }]) {
  Deno.test(`QuantizedWeights has scales of the least squared error by mse, ${scheme.granularity.kind}`, async () => {
    await useLayers();
    const layer = dense("mse", scheme);
    const { kernel, kernel_scale, kernel_share } = valuesIn(layer);
    const all = Float32Array.from(kernel);
    const channels = kernel_share.length === 1 ? [all] : slicesAlong(all, { shape: [200, 3], axis: 1 });
    assert.equal(kernel_scale.length, channels.length);
    channels.forEach((channel, i) => {
      const share = Math.fround(leastSquaresShare(channel, scheme));
      const most = Math.max(...channel.map(Math.abs));
      assert.deepEqual([kernel_share[i], kernel_scale[i]], [share, Math.fround(Math.fround(most * share) / 7)]);
      assert.ok(share < 1);
    });
    assert.equal("kernel_share" in valuesIn(dense("min-max", scheme)), false);
  });
}

Deno.test("QuantizedWeights keeps shares while training, scales follow, and codes are clamped", async () => {
  await useLayers();
  const layer = dense("mse", INT4);
  const before = valuesIn(layer);
  layer.layer.setWeights([tf.mul(layer.layer.getWeights()[0], 3)]);
  const x = tf.oneHot([0, 1, 2], 200);
  layer.apply(x, { training: true });
  const after = valuesIn(layer);
  assert.deepEqual(after.kernel_share, before.kernel_share);
  after.kernel_scale.forEach((scale, i) => assert.ok(Math.abs(scale / before.kernel_scale[i] - 3) < 1e-5));
  const all = tf.eye(200);
  const rounded = layer.apply(all, { training: true }) as tf.Tensor;
  const codes = tf.div(rounded, tf.tensor1d(after.kernel_scale)).dataSync().map(Math.round);
  assert.deepEqual([Math.min(...codes), Math.max(...codes)], [-7, 7]);
});

Deno.test("QuantizedWeights is saved and loaded with its observer, and refuses one that there is not", async () => {
  await useLayers();
  const model = tfl.sequential({ layers: [dense("mse", INT4)] });
  const [copy] = (await saveAndLoad(model)).layers;
  assert.deepEqual(weightValues(copy), weightValues(model.layers[0]));
  assert.equal(copy.getConfig().observer, "mse");
  const layer = tfl.layers.dense({ units: 1, name: "fc" });
  const weights = [{ name: "kernel", axis: 1 }];
  // A configuration may hold anything.
  const observer = "msee" as WeightObserverName;
  assert.throws(() => new QuantizedWeights({ layer, weights, observer }), {
    message:
      'Cannot quantize "fc": the observer of its weights is "msee", needed is one of min-max, mse (did you mean "mse"?)',
  });
});
