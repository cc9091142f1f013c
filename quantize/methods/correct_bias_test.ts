import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../../tests/_support/small_models.ts";
import { setQatPhase } from "../../src/quant/mod.ts";
import { calibrate } from "../calibrate.ts";
import { prepareQat } from "../prepare.ts";
import { contextOf, randomBatches } from "./_test_nets.ts";
import { correctBias } from "./correct_bias.ts";
import { reestimate } from "./reestimate_bn.ts";
import type { NamedBatch } from "../calibrate.ts";

const { layers } = tfl;

const CODES = (qmax: number) => ({
  rules: [{ match: {}, then: { weights: { dtype: "int4" as const, qmin: -qmax, qmax } } }],
});

/** Prepares `model` twice, calibrated: as it is quantized, and with quantization off. */
async function pair(model: tfl.LayersModel, batches: readonly NamedBatch[], qmax: number) {
  const make = async () => {
    const { model: prepared } = prepareQat(model, { target: "simulation", recipe: CODES(qmax) });
    await calibrate(prepared, batches);
    return prepared;
  };
  const [quantized, float] = [await make(), await make()];
  setQatPhase(float, { fakeQuantizing: false });
  return { quantized, float };
}

function weightsOf(model: tfl.LayersModel, name: string, weight: string): readonly number[] {
  const found = model.getLayer(name).weights.find(({ originalName }) => originalName.endsWith(weight));
  return Array.from(found?.read().dataSync() ?? [], (value) => Number(value.toFixed(3)));
}

Deno.test("correctBias() takes the mean error off the bias, by hand", async () => {
  const model = tfl.sequential({
    layers: [layers.dense({ units: 2, inputShape: [2], name: "a" }), layers.dense({ units: 1, name: "b" })],
  });
  model.setWeights(
    [[[1, 1], [0.4, 0.6]], [5, 7], [[1], [0.3]], [2]].map((values) => tf.tensor(values)),
  );
  // Codes −1 … 1: 0.4 becomes 0, 0.6 becomes 1, 0.3 becomes 0. Samples (0, 255) and (255, 255) are on the grid.
  const batches = [{ inputs: { x: Float32Array.of(0, 255, 255, 255) }, size: 2 }];
  const { quantized, float } = await pair(model, batches, 1);
  const { effects, left } = await correctBias.apply(quantized, float, contextOf(batches));
  // Means of the second input, 255: a gives 0.4·255 = 102 too little, and 102 too much.
  const [low, high] = weightsOf(quantized, "a", "bias");
  assert.ok(Math.abs(low - (5 + 102)) < 2 && Math.abs(high - (7 - 102)) < 2, `${low} ${high}`);
  // Corrected, a's second channel has the mean 127.5 + 153 + 7 = 287.5, of which b loses 0.3: 86.25.
  const [last] = weightsOf(quantized, "b", "bias");
  assert.ok(Math.abs(last - (2 + 86.25)) < 3, `${last}`);
  assert.deepEqual([effects.map(({ layer }) => layer), left], [["a", "b"], []]);
  assert.ok(effects[0].before > 100 && effects[0].after < 1, JSON.stringify(effects));
});

Deno.test("correctBias() leaves channels of every layer with means as in float, batch norm and shared calls included", async () => {
  const image = tfl.input({ shape: [6, 6, 2], name: "image" });
  const conv = layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", name: "shared" });
  const first = apply(layers.conv2d({ filters: 4, kernelSize: 1, useBias: false, name: "first" }), image);
  const a = apply(layers.reLU({ name: "a" }), apply(layers.batchNormalization({ name: "norm" }), first));
  const b = apply(layers.reLU({ name: "b" }), apply(conv, a));
  const c = apply(layers.depthwiseConv2d({ kernelSize: 3, activation: "relu", name: "depthwise" }), apply(conv, b));
  const end = apply(layers.dense({ units: 3, name: "end" }), apply(layers.globalAveragePooling2d({ name: "mean" }), c));
  const model = seedWeights(tfl.model({ inputs: image, outputs: end }));
  // Not around 0, or rounded weights would leave the first layer's means alone.
  const batches = randomBatches(model, { count: 3, size: 16 }).map(({ inputs, size }) => ({
    inputs: { image: inputs.image.map((value) => value + 1) },
    size,
  }));
  await reestimate(model, contextOf(batches));
  const { quantized, float } = await pair(model, batches, 3);
  const { effects } = await correctBias.apply(quantized, float, contextOf(batches));
  assert.deepEqual(effects.map(({ layer }) => layer), ["norm", "shared", "depthwise", "end"]);
  for (const { layer, before, after } of effects) {
    // What the calls of a shared layer are off by differs, and its bias is one. Of others the grid of the bias remains.
    assert.ok(after < (layer === "shared" ? 0.6 : 0.1) * before, JSON.stringify(effects));
  }
});

Deno.test("correctBias() names layers that it cannot correct", async () => {
  const conv = (args: Partial<Parameters<typeof layers.conv2d>[0]>) =>
    layers.conv2d({ filters: 3, kernelSize: 1, ...args });
  const model = seedWeights(tfl.sequential({
    layers: [
      conv({ useBias: false, inputShape: [3, 3, 3], name: "bare" }),
      conv({ dataFormat: "channelsFirst", name: "first" }),
      conv({ name: "last" }),
    ],
  }));
  const batches = randomBatches(model, { size: 8 });
  const { quantized, float } = await pair(model, batches, 3);
  const { effects, left } = await correctBias.apply(quantized, float, contextOf(batches));
  assert.deepEqual(left, [
    { layer: "bare", because: "it has no bias" },
    { layer: "first", because: "its channels are not the last axis" },
  ]);
  assert.deepEqual(effects.map(({ layer }) => layer), ["last"]);
});
