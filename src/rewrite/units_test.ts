import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, islandModel, sequentialModel, skipModel } from "../../tests/_support/small_models.ts";
import { fromModel, qatRules, rewrite } from "./mod.ts";
import { findUnits, layersOf } from "./units.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

function unitsIn(model: tfl.LayersModel, except?: ReadonlySet<string>) {
  return findUnits(rewrite(fromModel(model), qatRules([])).graph, except);
}

function listUnits(model: tfl.LayersModel, except?: ReadonlySet<string>): string[] {
  return unitsIn(model, except).units.map((unit) => layersOf(unit).join("+"));
}

/** conv → norm → relu on images [4, 4, 3], as functional parts to be wired up. */
function parts(norm: tfl.layers.Layer) {
  const input = tfl.input({ shape: [4, 4, 3], name: "image" });
  const conv = apply(layers.conv2d({ filters: 4, kernelSize: 1, name: "conv" }), input);
  const bn = apply(norm, conv);
  return { input, conv, bn, relu: apply(layers.reLU({ name: "relu" }), bn) };
}

Deno.test("findUnits() groups convolution, BN and ReLU, fused activations included", () => {
  assert.deepEqual(listUnits(sequentialModel()), ["conv1+bn1+act1", "dw+dw_relu", "fc_linear"]);
});

Deno.test("findUnits() groups Add with ReLU and counts pools and Concatenate as units", () => {
  assert.deepEqual(listUnits(skipModel()), [
    "conv_a+relu_a",
    "conv_b",
    "sum+relu_sum",
    "avg",
    "cat",
    "conv_map",
    "gap",
    "score_linear",
  ]);
  assert.deepEqual(unitsIn(skipModel()).units[2], {
    kind: "rescale",
    layer: "sum",
    activation: "relu_sum",
    end: "relu_sum",
  });
});

Deno.test("findUnits() does not group across a value that two layers read, and says so", () => {
  const { input, conv, relu } = parts(layers.batchNormalization({ name: "bn" }));
  const outputs = apply(layers.concatenate({ name: "cat" }), conv, relu);
  const { units, ungrouped } = unitsIn(tfl.model({ inputs: input, outputs }));
  assert.deepEqual(units.map((unit) => layersOf(unit).join("+")), ["conv", "bn+relu", "cat"]);
  assert.deepEqual(ungrouped, [{ layer: "bn", because: '"conv" feeds 2 layers, folding needs exactly 1' }]);
});

Deno.test("findUnits() does not group across a model output, and says so", () => {
  const { input, bn, relu } = parts(layers.batchNormalization({ name: "bn" }));
  const { units, ungrouped } = unitsIn(tfl.model({ inputs: input, outputs: [relu, bn] }));
  assert.deepEqual(units.map((unit) => unit.end), ["bn"]);
  assert.deepEqual(ungrouped, [
    { layer: "relu", because: '"bn" is a model output, folding needs its value to stay inside' },
  ]);
});

Deno.test("findUnits() does not fold BN over another axis than the channels'", () => {
  const { input, relu } = parts(layers.batchNormalization({ axis: 1, name: "bn" }));
  const { units, ungrouped } = unitsIn(tfl.model({ inputs: input, outputs: relu }));
  assert.deepEqual(units.map((unit) => layersOf(unit).join("+")), ["conv"]);
  assert.deepEqual(ungrouped, [{ layer: "bn", because: 'it normalizes axis 1, the channels of "conv" are axis -1' }]);
});

Deno.test("findUnits() lets BN that comes after the activation stand on its own", () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 3, activation: "relu", inputShape: [2], name: "fc" }),
      layers.batchNormalization({ name: "bn" }),
    ],
  });
  assert.deepEqual(listUnits(model), ["fc+fc_relu", "bn"]);
  assert.deepEqual(unitsIn(model).units[1], { kind: "batch-norm", layer: "bn", end: "bn" });
});

Deno.test("findUnits() folds BN into layers with weights alone", () => {
  const model = tfl.sequential({
    layers: [
      layers.averagePooling2d({ inputShape: [4, 4, 2], name: "avg" }),
      layers.batchNormalization({ name: "bn" }),
      layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }),
    ],
  });
  assert.deepEqual(listUnits(model), ["avg", "bn", "conv"]);
});

Deno.test("findUnits() leaves alone what is excepted", () => {
  assert.deepEqual(listUnits(sequentialModel(), new Set(["bn1", "fc_linear"])), ["conv1", "dw+dw_relu"]);
  assert.deepEqual(listUnits(islandModel()), ["conv1", "lone_bn", "conv2"]);
});
