/** The layers together, trained by `model.fit` on the cpu backend. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { seeded } from "../_test_support.ts";
import { saveAndLoad, useLayers, valuesOf, weightValues } from "./_test_support.ts";
import { FakeQuantize } from "./fake_quantize_layer.ts";
import { FreezableBatchNormalization } from "./freezable_batch_normalization.ts";
import { QuantizedWeights } from "./quantized_weights.ts";

/** 6×6 images with a bright half, left or right: linearly separable, so a few steps suffice. */
function halves(count: number): { readonly x: tf.Tensor4D; readonly y: tf.Tensor2D } {
  const random = seeded(42);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const pixels = labels.flatMap((label) =>
    Array.from({ length: 36 }, (_, i) => (i % 6 < 3 === (label === 0) ? 0.8 : 0.2) + (random() - 0.5) * 0.6)
  );
  return { x: tf.tensor4d(pixels, [count, 6, 6, 1]), y: tf.tensor2d(labels.map((label) => [1 - label, label])) };
}

function tinyModel(): tfl.Sequential {
  const seed = (value: number) => tfl.initializers.glorotUniform({ seed: value });
  const conv = tfl.layers.conv2d({
    name: "conv",
    filters: 4,
    kernelSize: 3,
    useBias: false,
    kernelInitializer: seed(1),
  });
  const dense = tfl.layers.dense({ name: "fc", units: 2, kernelInitializer: seed(2) });
  return tfl.sequential({
    layers: [
      new FakeQuantize({ name: "input/quant", inputShape: [6, 6, 1] }),
      new QuantizedWeights({ layer: conv, weights: [{ name: "kernel", axis: 3 }] }),
      new FreezableBatchNormalization({ name: "bn", momentum: 0.8 }),
      tfl.layers.reLU({ name: "relu" }),
      new FakeQuantize({ name: "relu/quant", nonNegative: true }),
      tfl.layers.flatten({ name: "flat" }),
      new QuantizedWeights({ layer: dense, weights: [{ name: "kernel", axis: 1 }] }),
      new FakeQuantize({ name: "fc/quant" }),
      tfl.layers.softmax({ name: "softmax" }),
    ],
  });
}

Deno.test("fit() learns and every layer keeps its state when a quantized model is trained, frozen and saved", async () => {
  await useLayers();
  const { x, y } = halves(64);
  const model = tinyModel();
  model.compile({ optimizer: tf.train.adam(0.02), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const options = { epochs: 6, batchSize: 16, shuffle: false, verbose: 0 as const };
  const { history } = await model.fit(x, y, options);
  const losses = history.loss as number[];
  assert.ok(losses[5] < losses[0] * 0.5, `${losses}`);

  for (const layer of model.layers) {
    if (layer instanceof FakeQuantize || layer instanceof QuantizedWeights) layer.observing = false;
    if (layer instanceof FreezableBatchNormalization) layer.frozen = true;
  }
  const frozenNames = (name: string) => !/(kernel|bias|gamma|beta)$/.test(name);
  const stateOf = () => Object.entries(weightValues(model)).filter(([name]) => frozenNames(name));
  const kernelOf = () => weightValues(model)["conv/kernel"];
  const [state, kernel] = [stateOf(), kernelOf()];
  assert.equal(state.length, 3 * 5 + 2 + 2);
  await model.fit(x, y, { ...options, epochs: 1 });
  assert.deepEqual(stateOf(), state);
  assert.notDeepEqual(kernelOf(), kernel);

  const loaded = await saveAndLoad(model);
  assert.deepEqual(weightValues(loaded), weightValues(model));
  const predicted = valuesOf(model.predict(x));
  assert.deepEqual(valuesOf(loaded.predict(x)), predicted);
  const right = [...y.dataSync()].filter((target, i) => target === 1 && predicted[i] > 0.5).length;
  assert.ok(right >= 62, `${right} of 64`);
});

Deno.test("fit() gives the same weights twice when it starts from the same seed", async () => {
  await useLayers();
  const { x, y } = halves(32);
  const run = async () => {
    const model = tinyModel();
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy" });
    await model.fit(x, y, { epochs: 2, batchSize: 16, shuffle: false, verbose: 0 });
    return weightValues(model);
  };
  assert.deepEqual(await run(), await run());
});

Deno.test("fit() leaks no tensors when a quantized model is trained and disposed", async () => {
  await useLayers();
  const { x, y } = halves(16);
  const before = tf.memory().numTensors;
  const model = tinyModel();
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy" });
  await model.fit(x, y, { epochs: 1, batchSize: 8, shuffle: false, verbose: 0 });
  const trained = tf.memory().numTensors;
  await model.fit(x, y, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
  assert.equal(tf.memory().numTensors, trained);
  model.dispose();
  assert.ok(tf.memory().numTensors - before <= 2, `${tf.memory().numTensors - before} tensors remain`);
});
