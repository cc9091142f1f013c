import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { registerChannelLayers } from "../channels/mod.ts";
import { registerGroupedLayers } from "../grouped/mod.ts";
import { registerOperations } from "../operations/mod.ts";
import { registerRecurrentCells } from "../recurrent/reset_after.ts";
import { registerSequenceLayers } from "../sequences/mod.ts";
import { LAYER_ROWS, ruleOf } from "./mod.ts";
import { ACTIVATION_RULES } from "./activations.ts";

/** Names under which TF.js has registered classes derived from `base`. */
function registered(base: abstract new (...args: never[]) => unknown): string[] {
  const classes = Object.entries(tf.serialization.SerializationMap.getMap().classNameMap);
  return classes.filter(([, [constructor]]) => constructor.prototype instanceof base).map(([name]) => name).sort();
}

Deno.test("LAYER_ROWS has a row for every layer class of TF.js and of ours, and for nothing else", () => {
  registerChannelLayers();
  registerGroupedLayers();
  registerOperations();
  registerRecurrentCells();
  registerSequenceLayers();
  const models = ["Functional", "Model", "Sequential"];
  const own = ["FakeQuantize", "FreezableBatchNormalization", "QuantizedWeights", "SharedCall"];
  const layers = registered(tfl.layers.Layer).filter((name) => ![...models, ...own].includes(name));
  assert.deepEqual(Object.keys(LAYER_ROWS).sort(), layers);
});

Deno.test("ACTIVATION_RULES has a row for every activation of TF.js", () => {
  const names = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
  const { constructor } = tfl.layers.activation({ activation: "relu" });
  assert.ok(constructor !== undefined);
  // Activations alone are registered under names that begin with a small letter.
  assert.deepEqual(Object.keys(ACTIVATION_RULES).sort(), names.filter((name) => /^[a-z]/.test(name)).sort());
});

Deno.test("ruleOf() gives weights with the axis of their output channels", () => {
  const axisOf = (className: string) => {
    const rule = ruleOf({ className, config: {} });
    assert.ok(rule.kind === "weighted");
    return rule.weights;
  };
  assert.deepEqual(axisOf("Dense"), [{ name: "kernel", axis: 1 }]);
  assert.deepEqual(axisOf("Conv1D"), [{ name: "kernel", axis: 2 }]);
  assert.deepEqual(axisOf("Conv2D"), [{ name: "kernel", axis: 3 }]);
  assert.deepEqual(axisOf("GroupConv2D"), [{ name: "kernel", axis: 3 }]);
  const embedding = ruleOf({ className: "Embedding", config: {} });
  assert.deepEqual(embedding.kind === "float" && embedding.weights, [{ name: "embeddings", axis: 1 }]);
  assert.deepEqual(axisOf("DepthwiseConv2D"), [{ name: "depthwise_kernel", axis: 3, depthwise: true }]);
});

Deno.test("ruleOf() decides by configuration where the class does not", () => {
  const kind = (className: string, config: tf.serialization.ConfigDict) => ruleOf({ className, config }).kind;
  assert.equal(kind("Activation", { activation: "relu6" }), "relu");
  assert.equal(kind("Activation", { activation: "softmax" }), "fixed");
  assert.equal(kind("Activation", { activation: "elu" }), "float");
  assert.equal(kind("UpSampling2D", { interpolation: "nearest" }), "same-scale");
  assert.equal(kind("UpSampling2D", { interpolation: "bilinear" }), "float");
});

Deno.test("ruleOf() keeps unknown layers and activations in float, with their names in the reason", () => {
  assert.deepEqual(ruleOf({ className: "Magic", config: {} }), {
    kind: "float",
    because: 'ONNX Runtime has no int8 kernel for "Magic", a layer of an unknown class',
  });
  const rule = ruleOf({ className: "Activation", config: { activation: "toString" } });
  assert.ok(rule.kind === "float" && rule.because.includes('"toString"'));
  assert.equal(ruleOf({ className: "toString", config: {} }).kind, "float");
});
