import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { inputFor, nestedModel, predict, sequentialModel } from "../tests/_support/small_models.ts";
import { FakeQuantize, layersIn } from "../src/quant/mod.ts";
import { calibrate, uncalibratedIn } from "./calibrate.ts";
import { type PrepareOptions, prepareQat } from "./prepare.ts";

tf.env().set("PROD", true);

Deno.test("calibrate() observes the range of what it is given and then stops", async () => {
  const { model } = prepareQat(nestedModel());
  const [input] = inputFor(model);
  assert.equal(uncalibratedIn(model).length, 5);
  const before = tf.memory().numTensors;
  assert.equal(await calibrate(model, [input]), 1);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(uncalibratedIn(model), []);
  const layer = model.getLayer("inner_image_quant");
  assert.ok(layer instanceof FakeQuantize);
  const values = input.dataSync();
  assert.deepEqual(layer.readRange(), { min: Math.min(...values), max: Math.max(...values) });
  predict(model, [tf.mul(input, 100)]);
  assert.equal(layer.readRange().max, Math.max(...values));
});

Deno.test("calibrate() takes asynchronous batches and refuses none and empty ones", async () => {
  const { model } = prepareQat(sequentialModel());
  async function* batches() {
    for (const seed of [1, 2, 3]) yield await Promise.resolve(inputFor(model, seed));
  }
  assert.equal(await calibrate(model, batches()), 3);
  await assert.rejects(calibrate(model, []), { name: "RangeError", message: /"seq": there is no batch/ });
  await assert.rejects(calibrate(model, [tf.zeros([0, 8, 8, 3])]), /a batch is empty/);
  assert.ok(layersIn(model).every((layer) => !(layer instanceof FakeQuantize) || !layer.calibrating));
});

/** One value in, doubled and out again; the quantizers are "x_quant" and "double_quant". */
function doubling(options: PrepareOptions = {}): tfl.LayersModel {
  const double = tfl.layers.dense({ units: 1, useBias: false, name: "double", inputShape: [1] });
  const float = tfl.sequential({ layers: [double] });
  double.setWeights([tf.tensor2d([[2]])]);
  return prepareQat(float, options).model;
}

function rangesOf(model: tfl.LayersModel): number[][] {
  return layersIn(model).filter((layer) => layer instanceof FakeQuantize).map((layer) => {
    const { min, max } = layer.readRange();
    return [min, max];
  });
}

const column = (...values: number[]) => tf.tensor2d(values, [values.length, 1]);
const BLACK_FIRST = [column(0, 0), ...Array.from({ length: 20 }, () => column(-1, 1))];

Deno.test("calibrate() covers what it is given after a black batch, though layers name a moving average", async () => {
  const model = doubling();
  await calibrate(model, BLACK_FIRST);
  const [input, output] = rangesOf(model);
  assert.deepEqual(input, [-1, 1]);
  output.forEach((end, i) => assert.ok(Math.abs(end - [-2, 2][i]) < 0.02, String(end)));
});

Deno.test("calibrate() follows a moving average before training, and where it is asked for one", async () => {
  const expected = 1 - 0.99 ** 20;
  for (
    const run of [
      async () => {
        const model = doubling();
        await calibrate(model, BLACK_FIRST, { beforeTraining: true });
        return model;
      },
      async () => {
        const model = doubling({ recipe: { rules: [{ match: {}, then: { observer: "min-max" } }] } });
        await calibrate(model, BLACK_FIRST, { observer: "moving-average" });
        return model;
      },
    ]
  ) {
    const [[min, max]] = rangesOf(await run());
    assert.ok(Math.abs(max - expected) < 1e-6 && Math.abs(min + expected) < 1e-6, `${min} to ${max}`);
  }
});

Deno.test("calibrate() covers what it is given before training, where training leaves the range", async () => {
  const model = tfl.sequential({ layers: [new FakeQuantize({ inputShape: [1], onlyCalibrated: true })] });
  await calibrate(model, BLACK_FIRST, { beforeTraining: true });
  assert.deepEqual(rangesOf(model), [[-1, 1]]);
});

Deno.test("calibrate() goes on from the ranges that it found before", async () => {
  const model = doubling();
  await calibrate(model, [column(-1, 1)]);
  await calibrate(model, [column(-0.5, 3)]);
  assert.deepEqual(rangesOf(model)[0], [-1, 3]);
});

for (
  const [what, batch, layer] of [
    ["NaN", [1, NaN], "double_input_quant"],
    ["Infinity", [Infinity, 0], "double_input_quant"],
    ["numbers that overflow inside", [3e38, 0], "double_input_quant|double_quant"],
  ] as const
) {
  Deno.test(`calibrate() names layer and batch when data holds ${what}, and leaves ranges as they were`, async () => {
    const model = doubling();
    await calibrate(model, [column(-1, 1)]);
    const before = rangesOf(model);
    const tensors = tf.memory().numTensors;
    const batches = [column(-5, 5), column(...batch)];
    await assert.rejects(calibrate(model, batches), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^Cannot calibrate model "\\w+": in batch 2 the layer "(${layer})" is given`),
      );
      return error instanceof RangeError;
    });
    tf.dispose(batches);
    assert.equal(tf.memory().numTensors, tensors);
    assert.deepEqual(rangesOf(model), before);
    assert.ok(layersIn(model).every((one) => !(one instanceof FakeQuantize) || (!one.calibrating && one.enabled)));
  });
}
