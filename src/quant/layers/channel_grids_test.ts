/** A grid for each channel of activations: for simulation. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { randomValues } from "../_test_support.ts";
import { slicesAlong } from "../../numbers/channels.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { perChannel, type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { makeObserver, OBSERVER_NAMES, type ObserverName } from "../observers/mod.ts";
import { saveAndLoad, useLayers, valuesOf } from "./_test_support.ts";
import { FakeQuantize } from "./fake_quantize_layer.ts";

const AFFINE: QuantScheme = { ...UINT8_AFFINE, granularity: perChannel(-1) };
const SYMMETRIC: QuantScheme = { ...AFFINE, dtype: "int8", qmin: -127, qmax: 127, symmetric: true };

const SHAPE = [50, 2, 3];

/** Channels of magnitudes 1, 10 and 0.01, the last never below 0, each with one value far outside. */
function batchOf(seed: number): Float32Array {
  const factors = [1, 10, 0.01];
  const x = randomValues(300, { seed }).map((value, i) => value ** 3 * factors[i % 3]);
  x.set(factors.map((factor) => 3 * factor));
  return x.map((value, i) => i % 3 === 2 ? Math.abs(value) : value);
}

function calibrated(scheme: QuantScheme, observer: ObserverName, batches: readonly tf.Tensor[]): FakeQuantize {
  const layer = new FakeQuantize({ name: "q", scheme, observer });
  layer.build(batches[0].shape);
  layer.calibrating = true;
  for (const batch of batches) {
    layer.apply(batch);
    layer.catchUp();
  }
  layer.calibrating = false;
  return layer;
}

for (const scheme of [AFFINE, SYMMETRIC]) {
  for (const observer of OBSERVER_NAMES as readonly ObserverName[]) {
    const how = scheme.symmetric ? "symmetric" : "affine";
    Deno.test(`FakeQuantize by ${observer} has the grid of each channel by itself, ${how}`, async () => {
      await useLayers();
      const batches = [batchOf(1), batchOf(2)];
      const layer = calibrated(scheme, observer, batches.map((batch) => tf.tensor(batch, SHAPE)));
      const [{ name, grid }] = layer.readGrids();
      assert.deepEqual([name, grid.granularity], ["output", perChannel(-1)]);
      const [scales, zeroPoints] = [grid.scale, grid.zeroPoint] as number[][];
      assert.deepEqual([scales.length, zeroPoints.length], [3, 3]);
      for (const channel of [0, 1, 2]) {
        const columns = batches.map((batch) => tf.tensor(slicesAlong(batch, { shape: SHAPE, axis: -1 })[channel]));
        const { scheme: { granularity: _, ...codes } } = layer;
        const alone = calibrated({ ...codes, granularity: UINT8_AFFINE.granularity }, observer, columns).readGrid();
        // On the host values of channels are told apart to 1/64.
        const slack = makeObserver(observer).where === "graph" || observer === "histogram" ? 0 : 1 / 32;
        assert.ok(Math.abs(scales[channel] / alone.scale - 1) <= slack, `${scales[channel]}, ${alone.scale}`);
        assert.ok(Math.abs(zeroPoints[channel] - alone.zeroPoint) <= 255 * slack);
      }
      const x = batches[0];
      const rounded = dequantizeLinear(quantizeLinear(x, grid, { shape: SHAPE }), grid, { shape: SHAPE });
      assert.deepEqual(valuesOf(layer.apply(tf.tensor(x, SHAPE))), Array.from(rounded));
    });
  }
}

Deno.test("FakeQuantize trains, saves and loads with a grid for each channel, and says all of their range", async () => {
  await useLayers();
  const quantizer = new FakeQuantize({ name: "q", scheme: AFFINE, inputShape: [2, 3] });
  const model = tfl.sequential({ layers: [quantizer] });
  const x = tf.tensor(batchOf(3), SHAPE);
  model.apply(x, { training: true });
  assert.deepEqual(quantizer.readRange(), { min: Math.min(...x.dataSync()), max: 30 });
  assert.throws(() => quantizer.readGrid(), /Cannot read the grid of "q": it has one for each channel/);
  assert.equal(quantizer.activeScale, undefined);
  const [copy] = (await saveAndLoad(model)).layers;
  assert.ok(copy instanceof FakeQuantize);
  assert.deepEqual(copy.readGrids(), quantizer.readGrids());
});

Deno.test("FakeQuantize has one fixed grid for all channels, and one range where it is set", async () => {
  await useLayers();
  const fixed = new FakeQuantize({ scheme: AFFINE, fixed: { scale: 0.5, zeroPoint: 2 } });
  assert.deepEqual(valuesOf(fixed.apply(tf.tensor2d([[-9, 0.3, 0.7]]))), [-1, 0.5, 0.5]);
  const set = new FakeQuantize({ scheme: AFFINE });
  set.build([null, 2]);
  set.setRange({ min: -1, max: 254 });
  const { scale, zeroPoint } = set.readGrids()[0].grid;
  assert.deepEqual([scale, zeroPoint], [[1, 1], [1, 1]]);
});

Deno.test("FakeQuantize names the channel axis that has no known size", async () => {
  await useLayers();
  for (const [axis, shape] of [[-1, [null, 4, null]], [0, [null, 4]], [3, [null, 4]]] as const) {
    const layer = new FakeQuantize({ name: "q", scheme: { ...AFFINE, granularity: perChannel(axis) } });
    const given = shape.map((dim) => dim ?? "?").join(",");
    assert.throws(() => layer.build([...shape]), {
      message: `Cannot quantize "q": axis ${axis} of its input [${given}] has no known size, which a scale for each ` +
        `channel needs`,
    });
  }
});
