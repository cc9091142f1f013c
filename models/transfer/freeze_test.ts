import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { prepareQat } from "../../quantize/prepare.ts";
import { floatModelOf } from "../../quantize/float_model.ts";
import { modelCalls, rewriteModel } from "../../src/rewrite/mod.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { LAYER_NETS } from "../../tests/_layer_nets/mod.ts";
import { residualNet } from "./_test_nets.ts";
import { freezeUntil } from "./freeze.ts";

tf.env().set("PROD", true);
await registerBackend();

/** Names of the weights that train, in the order of the alphabet. */
function trained(model: tfl.LayersModel): readonly string[] {
  return model.trainableWeights.map(({ originalName }) => originalName).toSorted();
}

Deno.test("freezeUntil() lets layers up to one in the order of the summary keep their weights, through all that is made of the model", () => {
  const { model, frozen, of } = freezeUntil(residualNet(), "depthwise");
  assert.deepEqual([frozen, of], [3, 7]);
  const wanted = ["depthwise_bn/gamma", "depthwise_bn/beta", "skip/kernel", "skip_bn/gamma", "skip_bn/beta"];
  assert.deepEqual(trained(model), [...wanted, "fc/kernel", "fc/bias"].toSorted());
  const copied = rewriteModel(model, []).model;
  assert.deepEqual(trained(copied), trained(model));
  const prepared = prepareQat(copied).model;
  assert.deepEqual(trained(prepared), trained(model));
  assert.deepEqual(trained(floatModelOf(prepared).model), trained(model));
  // A prepared model is frozen, and thawed, as the float one is.
  assert.deepEqual(freezeUntil(prepared, "depthwise").frozen, 3);
  assert.deepEqual(trained(freezeUntil(prepared, "none").model), trained(residualNet()));
});

Deno.test("freezeUntil() on a model that is frozen freezes anew, and by none lets all train but what never did", () => {
  const net = residualNet();
  net.getLayer("fc").trainable = false;
  const { model: far } = freezeUntil(net, "depthwise");
  const { model: near } = freezeUntil(far, "conv");
  const others = trained(net).filter((name) => name !== "conv/kernel");
  assert.deepEqual(trained(near), others);
  const { model: all, frozen } = freezeUntil(far, "none");
  assert.deepEqual([trained(all), frozen], [trained(net), 0]);
  assert.ok(!trained(all).some((name) => name.startsWith("fc/")));
});

Deno.test("freezeUntil() names the nearest layer, and refuses to freeze all that trains", () => {
  assert.throws(() => freezeUntil(residualNet(), "depthwis"), {
    name: "RangeError",
    message: /^Cannot freeze "net" until "depthwis": needed is one of image, conv, .*\(did you mean "depthwise"\?\)$/,
  });
  assert.throws(() => freezeUntil(residualNet(), "softmax"), {
    name: "RangeError",
    message: 'Cannot freeze "net" until "softmax": no layer behind it has weights to train, at least 1 is needed',
  });
});

Deno.test("freezeUntil() reaches into nested models, and takes up what those were frozen as", () => {
  const inner = tfl.sequential({
    name: "base",
    layers: [tfl.layers.dense({ name: "a", units: 3, inputShape: [2] }), tfl.layers.dense({ name: "b", units: 3 })],
  });
  inner.trainable = false;
  const outer = tfl.sequential({ layers: [inner, tfl.layers.dense({ name: "c", units: 1 })] });
  assert.deepEqual(trained(freezeUntil(outer, "a").model), ["b/bias", "b/kernel", "c/bias", "c/kernel"]);
  assert.deepEqual(trained(freezeUntil(outer, "none").model).length, 6);
});

Deno.test("freezeUntil() keeps every kind of layer that there is from training", () => {
  const seen = new Set<string>();
  for (const { name, build, broken } of LAYER_NETS) {
    if (broken !== undefined) continue;
    const net = build();
    const weighted = modelCalls(net).filter(({ layer }) => layer.trainableWeights.length > 0);
    if (weighted.length === 0) continue;
    const dense = tfl.layers.dense({ name: "behind", units: 1 });
    const [output] = net.outputs;
    const flat = output.rank > 2 ? tfl.layers.flatten().apply(output) : output;
    const model = tfl.model({ inputs: net.inputs, outputs: dense.apply(flat) as tfl.SymbolicTensor });
    const last = modelCalls(model).at(-2);
    const frozen = freezeUntil(model, last?.name ?? "").model;
    for (const one of [frozen, rewriteModel(frozen, []).model]) {
      assert.deepEqual(trained(one), ["behind/bias", "behind/kernel"], name);
    }
    weighted.forEach(({ layer }) => seen.add(layer.getClassName()));
    tf.disposeVariables();
  }
  for (const kind of ["Bidirectional", "LSTM", "TimeDistributed", "RNN", "Conv2D", "Embedding", "LayerNormalization"]) {
    assert.ok(seen.has(kind), `no net has a ${kind}`);
  }
});
