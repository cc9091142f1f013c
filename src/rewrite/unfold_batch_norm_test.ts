import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";
import { rewriteModel, unfoldBatchNorms } from "./mod.ts";

const { layers } = tfl;

/** A convolution with its activation within, a depthwise one, one without bias, a transposed one, and the output. */
function net(): tfl.LayersModel {
  return seedWeights(tfl.sequential({
    layers: [
      layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", name: "first", inputShape: [6, 6, 3] }),
      layers.depthwiseConv2d({ kernelSize: 3, name: "deep" }),
      layers.conv2d({ filters: 3, kernelSize: 1, useBias: false, name: "bare" }),
      layers.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, name: "wide" }),
      layers.conv2d({ filters: 2, kernelSize: 1, name: "last" }),
    ],
  }));
}

function assertSame(own: tfl.LayersModel, known: tfl.LayersModel): void {
  const x = inputFor(known);
  const [expected] = predict(known, x);
  const size = expected.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
  predict(own, x)[0].forEach((y, i) => assert.ok(Math.abs(y - expected[i]) <= 1e-5 * size, `element ${i}`));
}

Deno.test("unfoldBatchNorms() makes biases batch normalizations that change no answer, and folding makes them biases", async () => {
  await tf.setBackend("cpu");
  const model = net();
  const { model: unfolded, log, norms } = await unfoldBatchNorms(model);
  assert.deepEqual([...norms], [["first", "first_bn"], ["deep", "deep_bn"]]);
  assert.deepEqual(
    unfolded.layers.slice(1).map(({ name }) => name),
    ["first", "first_bn", "first_relu", "deep", "deep_bn", "bare", "wide", "last"],
  );
  assert.deepEqual(log.flatMap((entry) => entry.ok ? [] : [entry.because]), ['"last" is an output']);
  assert.equal(unfolded.getLayer("first").getWeights().length, 1);
  const [gamma, beta, mean, variance] = unfolded.getLayer("first_bn").getWeights().map((weight) => weight.arraySync());
  assert.deepEqual([gamma, mean], [[1, 1, 1, 1], [0, 0, 0, 0]]);
  assert.deepEqual(variance, [...new Float32Array(4).fill(0.999)]);
  assert.deepEqual(beta, model.getLayer("first").getWeights()[1].arraySync());
  assertSame(unfolded, model);
  const { model: folded } = rewriteModel(unfolded, [foldBatchNorm]);
  assert.equal(folded.layers.filter((layer) => layer.getClassName() === "BatchNormalization").length, 0);
  assertSame(folded, model);
});

Deno.test("unfoldBatchNorms() lets a batch normalization train where its layer does", async () => {
  await tf.setBackend("cpu");
  const model = net();
  model.getLayer("first").trainable = false;
  const { model: unfolded } = await unfoldBatchNorms(model);
  assert.deepEqual(["first_bn", "deep_bn"].map((name) => unfolded.getLayer(name).trainable), [false, true]);
});

Deno.test("unfoldBatchNorms() takes statistics of samples, with which a batch in training is answered as before", async () => {
  await tf.setBackend("cpu");
  const model = net();
  const x = tf.randomUniform([7, 6, 6, 3], -1, 1, "float32", 5);
  const { model: unfolded } = await unfoldBatchNorms(model, [x]);
  assertSame(unfolded, model);
  const conv = tfl.model({ inputs: model.inputs, outputs: model.getLayer("first").output as tfl.SymbolicTensor });
  // Of the layer itself, its ReLU left out: what it gives without bias.
  const [kernel] = conv.layers[1].getWeights();
  const bare = tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, "valid");
  const { mean, variance } = tf.moments(bare, [0, 1, 2]);
  const [, , moving, spread] = unfolded.getLayer("first_bn").getWeights();
  tf.test_util.expectArraysClose(await moving.data(), await mean.data(), 1e-5);
  tf.test_util.expectArraysClose(await spread.data(), await variance.data(), 1e-5);
  const answers = [unfolded, model].map((each) => each.apply(x, { training: true }) as tf.Tensor);
  tf.test_util.expectArraysClose(await answers[0].data(), await answers[1].data(), 1e-3);
});

Deno.test("unfoldBatchNorms() leaves a convolution alone that has one already, or that two places call", async () => {
  await tf.setBackend("cpu");
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [4, 4, 2], name }));
  const shared = layers.conv2d({ filters: 2, kernelSize: 1, name: "shared" });
  const [a, b] = inputs.map((input) => apply(shared, input));
  const normed = apply(
    layers.batchNormalization({ name: "bn" }),
    apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "own" }), a),
  );
  const sum = apply(layers.add(), normed, b);
  const { log } = await unfoldBatchNorms(seedWeights(tfl.model({ inputs, outputs: sum })));
  assert.deepEqual([...new Set(log.flatMap((entry) => entry.ok ? [] : [entry.because]))], [
    '"shared" is called 2 times, unfolding needs exactly 1',
    '"own" has "bn" behind it',
    '"shared_1" is called 2 times, unfolding needs exactly 1',
  ]);
});
