import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { Operation } from "../operations/mod.ts";
import { formatRewrite, rewriteModel, splitHardSigmoid } from "./mod.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

const hardSigmoid = (name: string, alpha = 1 / 6, beta = 0.5) =>
  new Operation({ name, operation: "hardSigmoid", options: { alpha, beta } });

/** Rewrites, holds the answers to those before, and returns the layers from the one called `from` on. */
function rewritten(model: tfl.LayersModel, from: string) {
  const { model: split, log } = rewriteModel(model, [splitHardSigmoid]);
  const inputs = inputFor(model);
  const before = predict(model, inputs);
  predict(split, inputs).forEach((values, i) =>
    values.forEach((value, j) => assert.ok(Math.abs(value - before[i][j]) < 1e-5, `${value}, not ${before[i][j]}`))
  );
  const names = split.layers.map((layer) => `${layer.name}:${layer.getClassName()}`);
  return { split, log: log.map(formatRewrite), names: names.slice(names.findIndex((name) => name.startsWith(from))) };
}

/** A picture of three channels, and what `wire` makes of it. */
function pictured(wire: (image: tfl.SymbolicTensor) => tfl.SymbolicTensor): tfl.LayersModel {
  const image = tfl.input({ shape: [4, 4, 3], name: "image" });
  return seedWeights(tfl.model({ inputs: image, outputs: wire(image) }));
}

Deno.test("splitHardSigmoid makes hard-swish a convolution that does not learn, a ReLU up to 1 and a product", () => {
  const model = pictured((image) => {
    const x = apply(layers.conv2d({ name: "conv", filters: 5, kernelSize: 3 }), image);
    const normed = apply(layers.batchNormalization({ name: "bn" }), x);
    return apply(layers.multiply({ name: "swish" }), normed, apply(hardSigmoid("gate"), normed));
  });
  const { split, names, log } = rewritten(model, "gate");
  assert.deepEqual(names, ["gate_line:DepthwiseConv2D", "gate:ReLU", "swish:Multiply"]);
  assert.deepEqual(log, ['gate: split_hard_sigmoid: becomes the convolution "gate_line" and a ReLU up to 1']);
  const [kernel, bias] = split.getLayer("gate_line").getWeights().map((weight) => [...weight.dataSync()]);
  assert.deepEqual([kernel, bias], [new Array(5).fill(Math.fround(1 / 6)), new Array(5).fill(0.5)]);
  assert.deepEqual(split.trainableWeights.filter(({ name }) => name.startsWith("gate")), []);
});

Deno.test("splitHardSigmoid knows the activation of TF.js, and channels behind what keeps them", () => {
  const chains: Readonly<Record<string, () => readonly tfl.layers.Layer[]>> = {
    conv: () => [layers.conv2d({ filters: 4, kernelSize: 1 }), layers.maxPooling2d({ poolSize: 2 })],
    depthwise: () => [layers.depthwiseConv2d({ kernelSize: 1, depthMultiplier: 2 }), layers.dropout({ rate: 0.5 })],
    transposed: () => [layers.conv2dTranspose({ filters: 2, kernelSize: 2 }), layers.leakyReLU()],
  };
  for (const [name, chain] of Object.entries(chains)) {
    const model = pictured((image) =>
      [...chain(), layers.activation({ activation: "hardSigmoid", name: "x" })].reduce(
        (x, layer) => apply(layer, x),
        image,
      )
    );
    const { names } = rewritten(model, "x_line");
    const expected = name === "transposed" ? [] : ["x_line:DepthwiseConv2D", "x:ReLU"];
    assert.deepEqual(names.slice(0, 2).filter((row) => row.startsWith("x_line") || row === "x:ReLU"), expected, name);
  }
  const sum = pictured((image) => {
    const x = apply(layers.conv2d({ filters: 3, kernelSize: 1 }), image);
    const factors = apply(layers.conv2d({ filters: 1, kernelSize: 1 }), image);
    return apply(hardSigmoid("x", 0.5, -0.25), apply(layers.multiply({}), factors, x));
  });
  assert.equal(rewritten(sum, "x_line").split.getLayer("x_line").getWeights()[0].size, 3);
});

Deno.test("splitHardSigmoid declines where no convolution tells how many channels there are", () => {
  const input = tfl.input({ shape: [3], name: "row" });
  const row = seedWeights(
    tfl.model({
      inputs: input,
      outputs: apply(hardSigmoid("x"), apply(layers.dense({ units: 2, name: "fc" }), input)),
    }),
  );
  assert.deepEqual(rewritten(row, "x").log, [
    'x: split_hard_sigmoid: not applied, because how many channels "fc" has is not told by convolutions before it',
  ]);
  const image = pictured((image) => apply(hardSigmoid("x"), image));
  assert.deepEqual(rewritten(image, "x").names, ["x:Operation"]);
});
