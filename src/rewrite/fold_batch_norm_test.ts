import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";
import { formatRewrite, rewriteModel } from "./mod.ts";

const { layers } = tfl;

function sequence(...parts: tfl.layers.Layer[]): tfl.LayersModel {
  return seedWeights(tfl.sequential({ layers: parts }));
}

const IMAGE = { inputShape: [6, 6, 3] };

const MODELS: Readonly<Record<string, () => tfl.LayersModel>> = {
  "a convolution": () => sequence(layers.conv2d({ filters: 4, kernelSize: 3, ...IMAGE }), layers.batchNormalization()),
  "one without a bias": () =>
    sequence(layers.conv2d({ filters: 4, kernelSize: 3, useBias: false, ...IMAGE }), layers.batchNormalization()),
  "a depthwise convolution": () =>
    sequence(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, ...IMAGE }), layers.batchNormalization()),
  "a dense layer, without scale and center": () =>
    sequence(
      layers.dense({ units: 4, inputShape: [3] }),
      layers.batchNormalization({ scale: false, center: false, epsilon: 0.5 }),
    ),
};

for (const [name, make] of Object.entries(MODELS)) {
  Deno.test(`foldBatchNorm() keeps the answers when batch norm is behind ${name}`, async () => {
    await tf.setBackend("cpu");
    const model = make();
    const { model: folded, log } = rewriteModel(model, [foldBatchNorm]);
    assert.deepEqual(log.map(({ ok }) => ok), [true]);
    assert.ok(folded.layers.every((layer) => layer.getClassName() !== "BatchNormalization"));
    const x = inputFor(model);
    const [expected] = predict(model, x);
    const size = expected.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
    predict(folded, x)[0].forEach((y, i) => assert.ok(Math.abs(y - expected[i]) <= 1e-5 * size, `element ${i}`));
  });
}

Deno.test("foldBatchNorm() declines, with the reason, where something else reads the layer or the axis is another", async () => {
  await tf.setBackend("cpu");
  const input = tfl.input({ shape: [6, 6, 4], name: "image" });
  const conv = apply(layers.conv2d({ filters: 6, kernelSize: 1, name: "conv" }), input);
  const norm = apply(layers.batchNormalization({ name: "bn" }), conv);
  const [shared] = rewriteModel(tfl.model({ inputs: input, outputs: [norm, conv] }), [foldBatchNorm]).log;
  assert.ok(!shared.ok && /"conv" is read by more than "bn"/.test(shared.because));
  const axis = sequence(layers.conv2d({ filters: 4, kernelSize: 1, ...IMAGE }), layers.batchNormalization({ axis: 1 }));
  const [other] = rewriteModel(axis, [foldBatchNorm]).log;
  assert.ok(!other.ok && /normalizes another axis/.test(other.because));
});

/** A convolution and a batch normalization, called on two pictures. */
function normalized(
  wire: (conv: tfl.layers.Layer, norm: tfl.layers.Layer, x: tfl.SymbolicTensor[]) => tfl.SymbolicTensor[],
) {
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [4, 4, 2], name }));
  const conv = layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, useBias: false, name: "conv" });
  const parts = wire(conv, layers.batchNormalization({ name: "norm" }), inputs);
  return seedWeights(tfl.model({ inputs, outputs: apply(layers.add({ name: "sum" }), ...parts) }));
}

Deno.test("foldBatchNorm() folds the one normalization behind all calls of a layer into its weights", () => {
  const model = normalized((conv, norm, x) => x.map((value) => apply(norm, apply(conv, value))));
  const { model: folded, log } = rewriteModel(model, [foldBatchNorm]);
  assert.deepEqual(folded.layers.slice(2).map(({ name }) => name), ["conv", "sum"]);
  assert.deepEqual(log.map(formatRewrite), ['conv: fold_batch_norm: "norm" is part of its weights in all 2 calls']);
  const [expected] = predict(model, inputFor(model));
  predict(folded, inputFor(model))[0].forEach((y, i) => {
    assert.ok(Math.abs(y - expected[i]) <= 1e-5 * Math.max(...expected.map(Math.abs)), `element ${i}`);
  });
});

Deno.test("foldBatchNorm() declines where calls of a layer or of the normalization stand otherwise, and says so", () => {
  const because = /conv: fold_batch_norm: not applied, because "conv" or "norm" is called several times/;
  const without = normalized((conv, norm, [a, b]) => [apply(norm, apply(conv, a)), apply(conv, b)]);
  const elsewhere = normalized((conv, norm, [a, b]) => {
    const other = layers.conv2d({ filters: 4, kernelSize: 3, name: "other" });
    return [apply(norm, apply(conv, a)), apply(norm, apply(other, b))];
  });
  for (const model of [without, elsewhere]) {
    assert.match(formatRewrite(rewriteModel(model, [foldBatchNorm]).log[0]), because);
  }
});
