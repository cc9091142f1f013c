import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose, randomValues } from "../_test_support.ts";
import { saveAndLoad, useLayers, valuesOf, weightValues } from "./_test_support.ts";
import {
  FreezableBatchNormalization,
  type FreezableBatchNormalizationArgs,
  fromBatchNormalization,
} from "./freezable_batch_normalization.ts";

const TRAINING = { training: true };

function batch(shape: number[], seed: number): tf.Tensor {
  return tf.add(tf.tensor(randomValues(shape.reduce((a, b) => a * b), { seed, span: 2 }), shape), 0.7);
}

for (const shape of [[6, 4, 4, 3], [8, 5]]) {
  Deno.test(`FreezableBatchNormalization follows TF.js's layer over training steps when x is [${shape}]`, async () => {
    await useLayers();
    const args: FreezableBatchNormalizationArgs = { name: "bn", momentum: 0.8, epsilon: 0.01 };
    const ours = new FreezableBatchNormalization(args);
    const theirs = tfl.layers.batchNormalization(args);
    for (const layer of [ours, theirs]) layer.apply(tfl.input({ shape: shape.slice(1) }));
    const channels = shape[shape.length - 1];
    const weights = [2, -1, 0.5, 1].map((value) => tf.fill([channels], Math.abs(value)));
    for (const layer of [ours, theirs]) layer.setWeights(weights);

    for (let step = 0; step < 4; step++) {
      const x = batch(shape, 20 + step);
      assertClose(valuesOf(ours.apply(x, TRAINING)), valuesOf(theirs.apply(x, TRAINING)), 1e-5);
    }
    assert.deepEqual(ours.weights.map((w) => w.originalName), theirs.weights.map((w) => w.originalName));
    for (const [i, weight] of ours.getWeights().entries()) {
      assertClose(weight.dataSync(), theirs.getWeights()[i].dataSync(), 1e-6); // four float32 updates
    }
    theirs.setWeights(ours.getWeights());
    const x = batch(shape, 30);
    assert.deepEqual(valuesOf(ours.apply(x)), valuesOf(theirs.apply(x)));
  });
}

Deno.test("FreezableBatchNormalization trains gamma and beta on the moving statistics when it is frozen", async () => {
  await useLayers();
  const layer = new FreezableBatchNormalization({ name: "bn" });
  layer.apply(batch([8, 3], 1), TRAINING);
  layer.frozen = true;
  const before = weightValues(layer);
  const x = batch([8, 3], 2);
  assert.deepEqual(valuesOf(layer.apply(x, TRAINING)), valuesOf(layer.apply(x)));
  const { grads } = tf.variableGrads(
    () => tf.sum(tf.square(layer.apply(x, TRAINING) as tf.Tensor)),
    // A variable's value is what an optimizer is given.
    layer.trainableWeights.map((weight) => weight.read() as tf.Variable),
  );
  assert.equal(Object.keys(grads).length, 2);
  for (const grad of Object.values(grads)) assert.ok(grad.dataSync().every((value) => value !== 0));
  assert.deepEqual(weightValues(layer), before);
});

for (
  const { center, scale } of [{ center: false, scale: true }, { center: true, scale: false }, {
    center: false,
    scale: false,
  }]
) {
  Deno.test(`FreezableBatchNormalization normalizes when center is ${center} and scale ${scale}`, async () => {
    await useLayers();
    const layer = new FreezableBatchNormalization({ name: "bn", center, scale, epsilon: 1e-6 });
    const y = valuesOf(layer.apply(tf.tensor2d([[1], [3]]), TRAINING));
    assertClose(y, [-1, 1], 1e-5);
    const names = [...(scale ? ["gamma"] : []), ...(center ? ["beta"] : []), "moving_mean", "moving_variance"];
    assert.deepEqual(layer.weights.map((w) => w.originalName), names.map((name) => `bn/${name}`));
    valuesOf(layer.apply(tf.tensor2d([[1], [3]])));
  });
}

Deno.test("FreezableBatchNormalization takes over a layer's configuration when it is converted and saved", async () => {
  await useLayers();
  const theirs = tfl.layers.batchNormalization({
    name: "norm_1",
    momentum: 0.6,
    epsilon: 0.02,
    gammaRegularizer: "l1l2",
    betaConstraint: "nonNeg",
    movingMeanInitializer: "ones",
  });
  const { className, config } = fromBatchNormalization({
    className: theirs.getClassName(),
    config: theirs.getConfig(),
  });
  assert.equal(className, "FreezableBatchNormalization");
  const ours = tf.serialization.SerializationMap.getMap().classNameMap[className][1](FreezableBatchNormalization, {
    ...config,
    batchInputShape: [null, 2],
  });
  assert.ok(ours instanceof FreezableBatchNormalization);
  const model = tfl.sequential({ layers: [ours] });
  tf.tidy(() => void ours.apply(tf.tensor2d([[1, 2], [3, 4]]), TRAINING));
  const loaded = await saveAndLoad(model);
  assert.deepEqual(weightValues(loaded), weightValues(model));
  assert.deepEqual(loaded.layers[0].getConfig(), ours.getConfig());
  assert.deepEqual({ ...theirs.getConfig(), batchInputShape: [null, 2], dtype: "float32" }, ours.getConfig());
  assert.equal(ours.losses.length, 1);
  assert.throws(() => fromBatchNormalization({ className: "Dense", config: { name: "fc" } }), /"fc": it is a Dense/);
});

Deno.test("FreezableBatchNormalization refuses when its axis is not the last", async () => {
  await useLayers();
  const layer = new FreezableBatchNormalization({ name: "bn", axis: 1 });
  assert.throws(() => layer.build([null, 3, 8, 8]), /Cannot build "bn": its axis is 1 of 4/);
  new FreezableBatchNormalization({ axis: 3 }).build([null, 8, 8, 3]);
  for (const axis of [-6, 5]) new FreezableBatchNormalization({ axis });
  for (const axis of [-7, 6, 1.5]) {
    assert.throws(() => new FreezableBatchNormalization({ axis }), /a whole number from -6 to 5/);
  }
});
