/** Batch normalizations that turn signs, behind weights on affine grids. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { setQatPhase } from "../src/quant/mod.ts";
import { apply, predict, randomTensor, seedWeights } from "../tests/_support/small_models.ts";
import { calibrate } from "./calibrate.ts";
import { prepareQat } from "./prepare.ts";
import { AFFINE_WEIGHTS } from "./targets/_test_nets.ts";

tf.env().set("PROD", true);
const { layers } = tfl;
const RECIPE = { rules: [{ match: {}, then: { weights: AFFINE_WEIGHTS } }] };

/** Layers that a normalization is folded into. */
const LAYERS: Readonly<Record<string, () => tfl.layers.Layer>> = {
  "a convolution": () => layers.conv2d({ filters: 5, kernelSize: 3, name: "first" }),
  "a convolution without a bias": () => layers.conv2d({ filters: 5, kernelSize: 3, useBias: false, name: "first" }),
  "a depthwise convolution": () => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, name: "first" }),
  "a separable convolution": () => layers.separableConv2d({ filters: 5, kernelSize: 3, name: "first" }),
};

/** first → a batch normalization, of which every other factor is below 0 → ReLU → a convolution. */
function netOf(first: tfl.layers.Layer): tfl.LayersModel {
  const image = tfl.input({ shape: [6, 6, 3], name: "image" });
  const norm = layers.batchNormalization({ name: "norm" });
  const rest = [norm, layers.reLU(), layers.conv2d({ filters: 2, kernelSize: 1, name: "last" })];
  const y = rest.reduce((y, layer) => apply(layer, y), apply(first, image));
  const model = seedWeights(tfl.model({ inputs: image, outputs: y, name: "turned" }));
  const [gamma, ...others] = norm.getWeights();
  const signs = tf.tensor1d(gamma.dataSync<"float32">().map((_, i) => i % 2 === 0 ? -1 : 1));
  norm.setWeights([tf.mul(gamma, signs), ...others]);
  return model;
}

for (const [name, make] of Object.entries(LAYERS)) {
  Deno.test(`prepareQat() turns channels of ${name} that the normalization behind them turns back`, async () => {
    await tf.setBackend("cpu");
    const model = netOf(make());
    const { model: prepared, islands } = prepareQat(model, { recipe: RECIPE });
    assert.deepEqual(islands, []);
    const [gamma] = prepared.getLayer("norm").getWeights();
    assert.ok(gamma.dataSync().every((factor) => factor >= 0));
    const x = randomTensor([4, 6, 6, 3], 5);
    await calibrate(prepared, [x]);
    setQatPhase(prepared, { fakeQuantizing: false });
    const [own, known] = [prepared, model].map((each) => predict(each, [x])[0]);
    assert.deepEqual(own, known);
    setQatPhase(prepared, { fakeQuantizing: true });
    const exported = await toOnnx(prepared);
    assert.deepEqual(verifyFusion(exported.bytes, exported.graph).float, []);
    assert.deepEqual(runExported(exported, [x], { precise: true })[0], predict(prepared, [x])[0]);
  });
}

Deno.test("prepareQat() leaves channels alone where grids are symmetric, or a layer is called twice", () => {
  const factors = (model: tfl.LayersModel) => [...model.getLayer("norm").getWeights()[0].dataSync()];
  const model = netOf(LAYERS["a convolution"]());
  assert.deepEqual(factors(prepareQat(model).model), factors(model));
  const image = tfl.input({ shape: [6, 6, 3], name: "image" });
  const conv = layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", name: "conv" });
  const norm = layers.batchNormalization({ name: "norm", gammaInitializer: tfl.initializers.constant({ value: -1 }) });
  const twice = apply(conv, apply(layers.reLU(), apply(norm, apply(conv, image))));
  const shared = seedWeights(tfl.model({ inputs: image, outputs: twice }));
  norm.setWeights([tf.fill([3], -1), ...norm.getWeights().slice(1)]);
  const { model: prepared } = prepareQat(shared, { recipe: RECIPE });
  assert.deepEqual(factors(prepared), [-1, -1, -1]);
});
