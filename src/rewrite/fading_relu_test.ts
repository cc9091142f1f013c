import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { seedWeights } from "../../tests/_support/small_models.ts";
import { endFading, fadeActivation, FadingReLU, fromModel, rewriteModel, swapActivation, toModel } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const X = [-2, -0.5, 0, 3];

Deno.test("FadingReLU goes from LeakyReLU to ReLU, with the gradients of either", () => {
  const layer = new FadingReLU({ alpha: 0.2, inputShape: [4] });
  const call = (x: tf.Tensor) => layer.apply(x) as tf.Tensor;
  const x = tf.tensor2d(X, [1, 4]);
  call(x);
  const cases = [[1, [-0.4, -0.1, 0, 3], 0.2], [0.5, [-0.2, -0.05, 0, 3], 0.1], [0, [0, 0, 0, 3], 0]] as const;
  for (const [share, expected, slope] of cases) {
    layer.fadeTo(share);
    const values = [...call(x).dataSync()];
    values.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-7, `${value}, not ${expected[i]}`));
    const gradients = [...tf.grad((x) => tf.sum(call(x)))(x).dataSync()];
    [slope, slope, slope, 1].forEach((gradient, i) => assert.ok(Math.abs(gradients[i] - gradient) < 1e-7));
  }
  assert.deepEqual(layer.trainableWeights, []);
  const fresh = new FadingReLU({ name: "f", alpha: 0.2 });
  assert.throws(() => fresh.fadeTo(0.5), /^Error: Cannot use "f": the layer is not built yet$/);
  assert.throws(() => new FadingReLU({ name: "f", alpha: NaN }), /Cannot make "f": its alpha is NaN, a finite number/);
});

/** A net whose answer is a LeakyReLU too. */
function leakyNet(): tfl.LayersModel {
  const { layers } = tfl;
  return seedWeights(tfl.sequential({
    layers: [
      layers.dense({ units: 5, inputShape: [4], name: "a" }),
      layers.leakyReLU({ alpha: 0.3, name: "leaky" }),
      layers.dense({ units: 3, name: "b" }),
      layers.leakyReLU({ name: "answer" }),
    ],
  }));
}

Deno.test("fadeActivation() and endFading lead to what swapActivation() does at once", () => {
  const model = leakyNet();
  const answer = (model: tfl.LayersModel) => (model.predict(tf.tensor2d(X, [1, 4])) as tf.Tensor).dataSync();
  const { model: fading, log } = rewriteModel(model, [fadeActivation()]);
  assert.deepEqual(fading.layers.map((layer) => layer.getClassName()), [
    "InputLayer",
    "Dense",
    "FadingReLU",
    "Dense",
    "LeakyReLU",
  ]);
  assert.deepEqual(log.map(({ layer, ok }) => [layer, ok]), [["leaky", true], ["answer", false]]);
  assert.deepEqual(answer(fading), answer(model));
  // Copied as any model is, its slope too.
  const layer = fading.getLayer("leaky") as FadingReLU;
  layer.fadeTo(0);
  const swapped = answer(rewriteModel(model, [swapActivation()]).model);
  assert.deepEqual(answer(toModel(fromModel(fading))), swapped);
  const { model: ended } = rewriteModel(fading, [endFading]);
  assert.deepEqual(answer(ended), swapped);
  assert.equal(ended.getLayer("leaky").getClassName(), "ReLU");
});
