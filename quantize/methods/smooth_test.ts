import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { apply, inputFor, predict, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { calibrate } from "../calibrate.ts";
import { prepareQat } from "../prepare.ts";
import { buildNet, contextOf, RANDOM_NETS, randomBatches } from "./_test_nets.ts";
import { makeSmooth, smooth } from "./smooth.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

function numbers(weights: tf.Tensor[]): readonly (readonly number[])[] {
  return weights.map((weight) => Array.from(weight.dataSync(), (value) => Number(value.toPrecision(4))));
}

function assertAlike(actual: tfl.LayersModel, expected: tfl.LayersModel): void {
  const wanted = predict(expected, inputFor(expected));
  predict(actual, inputFor(expected)).forEach((values, i) => {
    const size = Math.max(...wanted[i].map(Math.abs), 1e-6);
    values.forEach((value, k) => assert.ok(Math.abs(value - wanted[i][k]) <= 1e-5 * size, `output ${i}, ${k}`));
  });
}

Deno.test("smooth() divides channels by √(values/weights), by hand", async () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 3, inputShape: [2], activation: "relu", name: "a" }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 2, name: "b" }),
    ],
  });
  const kernels = [[[4, 1, -1], [0, 1, -1]], [12, 0, 0], [[1, 0.25], [2, -8], [1, 1]], [1, 2]];
  model.setWeights(kernels.map((values) => tf.tensor(values)));
  // Values of a: 4·1 + 12 = 16, 1 + 1 = 2, and nothing.
  const context = contextOf([{ inputs: { x: Float32Array.of(1, 1, 0, 1) }, size: 2 }]);
  const { model: smoothed, effects, left } = await smooth.apply(model, context);
  // s = √(16/1) = 4, √(2/8) = 1/2, and 1 where nothing is seen.
  assert.deepEqual(numbers(smoothed.getWeights()), [[1, 2, -1, 0, 2, -1], [3, 0, 0], [4, 1, 1, -4, 1, 1], [1, 2]]);
  const [{ layer, before, after }] = effects;
  assert.deepEqual([layer, before.toFixed(3), after.toFixed(3)], ["b", (16 * 3 / 18).toFixed(3), "1.500"]);
  assert.deepEqual(
    left,
    [{ layer: "a", because: '"a_input" is an input of the model' }].map(({ because }) => ({
      layer: "a",
      because: because.replace("a_input", model.inputs[0].sourceLayer.name),
    })),
  );
  assertAlike(smoothed, model);
  // α = 1 moves all of the range: s = 16.
  const { model: all } = await makeSmooth({ alpha: 1 }).apply(model, context);
  assert.deepEqual(numbers(all.getWeights())[2].slice(0, 2), [16, 4]);
  assert.throws(() => makeSmooth({ alpha: 2 }), /alpha is 2, a number from 0 to 1 is needed/);
});

Deno.test("smooth() folds into gamma and beta of the layer normalization that several dense layers read", async () => {
  const x = tfl.input({ shape: [4, 2], name: "x" });
  const norm = apply(layers.layerNormalization({ name: "norm", epsilon: 1e-6 }), x);
  const [q, k] = ["q", "k"].map((name) => apply(layers.dense({ units: 2, useBias: false, name }), norm));
  const model = tfl.model({ inputs: x, outputs: [q, k] });
  model.setWeights([[3, 5], [1, -4], [[1, 0], [0, 4]], [[0.5, 0], [9, 0]]].map((values) => tf.tensor(values)));
  // Normalized samples of two are ±1: values 3 + 1 = 4 and 5 + 4 = 9; weights 1 and 9.
  const context = contextOf([{ inputs: { x: Float32Array.of(0, 2, 2, 0, 0, 2, 2, 0) }, size: 1 }]);
  const { model: smoothed } = await smooth.apply(model, context);
  assert.deepEqual(numbers(smoothed.getWeights()), [[1.5, 5], [0.5, -4], [2, 0, 0, 4], [1, 0, 9, 0]]);
  assertAlike(smoothed, model);
});

Deno.test("smooth() leaves channels that a convolution or a sum reads too", async () => {
  const x = tfl.input({ shape: [4, 2], name: "x" });
  const before = apply(layers.dense({ units: 2, name: "before" }), x);
  const dense = apply(layers.dense({ units: 2, name: "dense" }), before);
  const conv = apply(layers.conv1d({ filters: 2, kernelSize: 1, name: "conv" }), before);
  const model = seedWeights(tfl.model({ inputs: x, outputs: [dense, conv] }));
  const { effects, left } = await smooth.apply(model, contextOf(randomBatches(model)));
  assert.deepEqual(effects, []);
  assert.deepEqual(left[1], { layer: "dense", because: '"conv" reads the same channels' });
});

Deno.test("smooth() makes up for channels of which one is 100 times as large", async () => {
  const x = tfl.input({ shape: [16], name: "x" });
  const norm = apply(layers.layerNormalization({ name: "norm" }), x);
  const hidden = apply(layers.dense({ units: 16, activation: "relu", name: "hidden" }), norm);
  const model = seedWeights(tfl.model({ inputs: x, outputs: apply(layers.dense({ units: 8, name: "end" }), hidden) }));
  const [gamma, beta, kernel, ...rest] = model.getWeights();
  const large = tf.tensor1d(Array.from({ length: 16 }, (_, c) => c === 3 ? 100 : 1));
  model.setWeights([tf.mul(gamma, large), beta, tf.div(kernel, tf.reshape(large, [16, 1])), ...rest]);
  const batches = randomBatches(model, { size: 32 });
  const inputs = [randomTensor([32, 16], 9)];
  const [expected] = predict(model, inputs);
  const noise = async (float: tfl.LayersModel) => {
    const { model: prepared } = prepareQat(float);
    await calibrate(prepared, batches);
    return predict(prepared, inputs)[0].reduce((sum, y, i) => sum + (y - expected[i]) ** 2, 0);
  };
  const { model: smoothed } = await smooth.apply(model, contextOf(batches));
  const [before, after] = [await noise(model), await noise(smoothed)];
  assert.ok(after < before / 10, `${before} → ${after}`);
});

Deno.test("smooth() keeps what random nets compute", async () => {
  const changed = { nets: 0 };
  await fc.assert(
    fc.asyncProperty(RANDOM_NETS, async (net) => {
      const model = buildNet(net);
      const { model: smoothed, effects } = await smooth.apply(model, contextOf(randomBatches(model)));
      if (effects.length > 0) changed.nets++;
      assertAlike(smoothed, model);
      model.dispose();
      smoothed.dispose();
    }),
    { numRuns: 80, seed: 1 },
  );
  assert.ok(changed.nets > 15, `${changed.nets} nets had something to smooth`);
});

Deno.test("smooth() is for convolutions too where it is asked to be, by hand", async () => {
  const model = tfl.sequential({
    layers: [
      layers.conv2d({
        filters: 2,
        kernelSize: 1,
        inputShape: [1, 1, 1],
        useBias: false,
        activation: "relu",
        name: "a",
      }),
      layers.depthwiseConv2d({ kernelSize: 1, useBias: false, name: "b" }),
      layers.conv2d({ filters: 1, kernelSize: 1, useBias: false, name: "c" }),
    ],
  });
  // a gives 8 and 2, b 16 and 1, which c reads.
  const kernels = [[[[[8, 2]]]], [[[[2], [0.5]]]], [[[[1], [4]]]]];
  model.setWeights(kernels.map((values) => tf.tensor(values)));
  const context = contextOf([{ inputs: { x: Float32Array.of(1) }, size: 1 }]);
  const { model: smoothed, effects } = await makeSmooth({ convolutions: true }).apply(model, context);
  // s = √(8/2), √(2/0.5) of what b reads; √(16/1), √(1/4) of what c reads.
  assert.deepEqual(numbers(smoothed.getWeights()), [[4, 1], [2 * 2 / 4, 0.5 * 2 / 0.5], [4, 2]]);
  assert.deepEqual(effects.map(({ layer }) => layer), ["b", "c"]);
  assertAlike(smoothed, model);
  const plain = await smooth.apply(model, context);
  assert.deepEqual(numbers(plain.model.getWeights()), numbers(model.getWeights()));
});

Deno.test("smooth() of convolutions keeps what random nets compute, and leaves what is within a separable one", async () => {
  const changed = { nets: 0 };
  const step = makeSmooth({ convolutions: true, alpha: 0.8 });
  await fc.assert(
    fc.asyncProperty(RANDOM_NETS, async (net) => {
      const model = buildNet(net);
      const { model: smoothed, effects } = await step.apply(model, contextOf(randomBatches(model)));
      if (effects.length > 0) changed.nets++;
      assertAlike(smoothed, model);
      model.dispose();
      smoothed.dispose();
    }),
    { numRuns: 80, seed: 2 },
  );
  assert.ok(changed.nets > 40, `${changed.nets} nets had something to smooth`);
});
