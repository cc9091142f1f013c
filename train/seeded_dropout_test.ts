import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { withSeededDropout } from "./seeded_dropout.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

const TRAINING = { training: true };

function dropoutModel(rate = 0.25): tfl.Sequential {
  return tfl.sequential({
    layers: [layers.dropout({ name: "first", rate, inputShape: [100] }), layers.dropout({ name: "second", rate })],
  });
}

function call(layer: tfl.layers.Layer | tfl.LayersModel, x: tf.Tensor, kwargs = TRAINING): number[] {
  return tf.tidy(() => [...(layer.apply(x, kwargs) as tf.Tensor).dataSync()]);
}

const ONES = () => tf.ones([50, 100]);

Deno.test("withSeededDropout() drops the rate's share and scales the rest when training", () => {
  const model = dropoutModel();
  const dropout = withSeededDropout(model, 1);
  assert.deepEqual(dropout.layers, ["first", "second"]);
  const values = call(model.getLayer("first"), ONES());
  assert.deepEqual([...new Set(values)].sort(), [0, Math.fround(1 / 0.75)]);
  const share = values.filter((value) => value === 0).length / values.length;
  // 5000 draws: one standard deviation is 0.006.
  assert.ok(Math.abs(share - 0.25) < 0.03, `${share}`);
});

Deno.test("withSeededDropout() draws masks from seed, layer and step alone", () => {
  const draw = (seed: number, layer: string, step: number) => {
    const model = dropoutModel();
    const dropout = withSeededDropout(model, seed);
    dropout.startStep(9);
    call(model, ONES());
    dropout.startStep(step);
    return call(model.getLayer(layer), ONES()).join();
  };
  const masks = [draw(1, "first", 0), draw(1, "first", 1), draw(1, "second", 0), draw(2, "first", 0)];
  assert.equal(new Set(masks).size, 4);
  assert.equal(draw(1, "first", 1), masks[1]);
});

Deno.test("withSeededDropout() draws a new mask when a layer is called again in a step", () => {
  const model = dropoutModel();
  const dropout = withSeededDropout(model, 1);
  const layer = model.getLayer("first");
  dropout.startStep(4);
  const [one, two] = [call(layer, ONES()), call(layer, ONES())];
  assert.notDeepEqual(one, two);
  dropout.startStep(4);
  assert.deepEqual([call(layer, ONES()), call(layer, ONES())], [one, two]);
});

Deno.test("withSeededDropout() passes values through at inference, and at the rates 0 and 1 as TF.js does", () => {
  const model = dropoutModel();
  withSeededDropout(model, 1);
  assert.deepEqual(call(model, ONES(), { training: false }), new Array(5000).fill(1));
  for (const rate of [0, 1]) {
    const still = dropoutModel(rate);
    withSeededDropout(still, 1);
    assert.deepEqual(call(still, ONES()), new Array(5000).fill(1));
  }
});

Deno.test("withSeededDropout() drops whole channels when the noise shape says so", () => {
  const spatial = layers.spatialDropout1d({ name: "spatial", rate: 0.5, inputShape: [6, 20] });
  // Null is the batch, as in Keras; TF.js takes it, and its type leaves it out.
  const shaped = layers.dropout({ name: "shaped", rate: 0.5, noiseShape: [null as never, 1, 20] });
  const model = tfl.sequential({ layers: [spatial, shaped] });
  withSeededDropout(model, 3);
  for (const layer of model.layers) {
    const values = tf.tensor(call(layer, tf.ones([2, 6, 20])), [2, 6, 20]);
    const rows = tf.sub(tf.max(values, 1), tf.min(values, 1));
    assert.deepEqual([...rows.dataSync()], new Array(40).fill(0), layer.name);
    assert.equal(new Set(values.dataSync()).size, 2);
  }
});

Deno.test("withSeededDropout() sends the gradient through the mask", () => {
  const layer = dropoutModel().getLayer("first");
  const model = tfl.sequential({ layers: [layer] });
  const dropout = withSeededDropout(model, 1);
  dropout.startStep(0);
  const mask = call(layer, ONES());
  dropout.startStep(0);
  const gradient = tf.grad((x) => layer.apply(x, TRAINING) as tf.Tensor)(ONES());
  assert.deepEqual([...gradient.dataSync()], mask);
});

Deno.test("withSeededDropout() finds dropout in nested models and gives calls back on restore()", () => {
  const model = tfl.sequential({ layers: [dropoutModel(), layers.dense({ units: 1 })] });
  const dropout = withSeededDropout(model, 5);
  assert.deepEqual(dropout.layers, ["first", "second"]);
  const inner = (model.layers[0] as tfl.LayersModel).getLayer("first");
  assert.ok(Object.hasOwn(inner, "call"));
  dropout.restore();
  assert.ok(!Object.hasOwn(inner, "call"));
  assert.throws(() => withSeededDropout(model, 1.5), RangeError);
  assert.ok(!Object.hasOwn(inner, "call"));
});

Deno.test("withSeededDropout() keeps its masks when another that was there first ends", () => {
  const model = dropoutModel();
  const first = withSeededDropout(model, 1);
  const second = withSeededDropout(model, 2);
  const drawn = () => (second.startStep(3), call(model.getLayer("first"), ONES()));
  const masks = drawn();
  first.restore();
  assert.deepEqual(drawn(), masks);
  second.restore();
  assert.ok(model.layers.every((layer) => !Object.hasOwn(layer, "call")));
});
