import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, predict, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { groupConv2d } from "../../src/grouped/mod.ts";
import { fromModel } from "../../src/rewrite/mod.ts";
import { contextOf, randomBatches } from "./_test_nets.ts";
import { absorbBias } from "./absorb_bias.ts";

const { layers } = tfl;

function run(model: tfl.LayersModel) {
  return absorbBias.apply(model, contextOf(randomBatches(model)));
}

function weightsOf(model: tfl.LayersModel, layer: string): Readonly<Record<string, readonly number[]>> {
  const node = fromModel(model).nodes.find(({ name }) => name === layer);
  return Object.fromEntries((node?.layer.weights ?? []).map(({ name, data }) => [name, Array.from(data)]));
}

/** A model of `parts` behind batch norm with gamma (1, −2) and beta (7, 5), and a ReLU. */
function behindRelu(...parts: readonly tfl.layers.Layer[]): tfl.LayersModel {
  const model = seedWeights(tfl.sequential({
    layers: [
      layers.inputLayer({ inputShape: [4, 4, 2], name: "x" }),
      layers.batchNormalization({ epsilon: 0, name: "norm" }),
      layers.reLU({ name: "relu" }),
      ...parts,
    ],
  }));
  const values = [[1, -2], [7, 5], [0, 0], [1, 1]].map((numbers) => tf.tensor1d(numbers));
  model.getLayer("norm").setWeights(values);
  return model;
}

/** Inputs for which no channel of that batch norm falls below beta − 3·|gamma|. */
const WITHIN = () => tf.mul(randomTensor([2, 4, 4, 2], 3), 3);

Deno.test("absorbBias() moves beta − 3·|gamma| behind the ReLU, by hand", async () => {
  const model = behindRelu(layers.dense({ units: 1, name: "next" }));
  model.getLayer("next").setWeights([tf.tensor2d([[3], [5]]), tf.tensor1d([10])]);
  const { model: absorbed, effects, left } = await run(model);
  // c = (7 − 3, 0): 3·4 goes into the next bias.
  assert.deepEqual(weightsOf(absorbed, "norm").beta, [3, 5]);
  assert.deepEqual(weightsOf(absorbed, "next"), { kernel: [3, 5], bias: [22] });
  const what = "largest bias, of which 1 of 2 channels gave what is always there";
  assert.deepEqual(effects, [{ layer: "norm", what, before: 7, after: 5 }]);
  assert.deepEqual(left, []);
});

const NEXT: Readonly<Record<string, () => readonly tfl.layers.Layer[]>> = {
  "a convolution without padding": () => [layers.conv2d({ filters: 3, kernelSize: 3, name: "next" })],
  "a convolution without bias": () => [layers.conv2d({ filters: 3, kernelSize: 1, padding: "same", useBias: false })],
  "a depthwise convolution": () => [layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, activation: "relu" })],
  "a convolution in groups": () => [groupConv2d({ filters: 4, kernelSize: 2, groups: 2, name: "next" })],
  "a convolution in groups without bias": () => [groupConv2d({ filters: 4, kernelSize: 1, groups: 2, useBias: false })],
  "a separable convolution": () => [layers.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 2 })],
  "a convolution and batch norm": () => [
    layers.conv2d({ filters: 3, kernelSize: 2, useBias: false, name: "next" }),
    layers.batchNormalization({ name: "next_norm" }),
  ],
  "pools and a dense layer": () => [
    layers.averagePooling2d({ poolSize: 3, strides: 1, padding: "same" }),
    layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same" }),
    layers.dropout({ rate: 0.5 }),
    layers.flatten(),
    layers.dense({ units: 3 }),
  ],
};

for (const [name, make] of Object.entries(NEXT)) {
  Deno.test(`absorbBias() keeps what ${name} makes of values within three deviations`, async () => {
    const model = behindRelu(...make());
    const { model: absorbed, effects } = await run(model);
    assert.equal(effects.length, 1);
    const x = WITHIN();
    const [expected, actual] = [model, absorbed].map((each) => predict(each, [x])[0]);
    const size = Math.max(...expected.map(Math.abs));
    actual.forEach((y, i) => assert.ok(Math.abs(y - expected[i]) < 1e-5 * size, `${i}: ${y}, ${expected[i]}`));
  });
}

Deno.test("absorbBias() has every reader absorb what it took off, or leaves it", async () => {
  const wire = (readers: (relu: tfl.SymbolicTensor) => tfl.SymbolicTensor[]) => {
    const x = tfl.input({ shape: [4, 4, 2], name: "x" });
    const norm = apply(layers.batchNormalization({ name: "norm", epsilon: 0 }), x);
    const model = seedWeights(
      tfl.model({ inputs: x, outputs: readers(apply(layers.reLU({ name: "relu" }), norm)) }),
    );
    model.getLayer("norm").setWeights([[1, -2], [7, 5], [0, 0], [1, 1]].map((numbers) => tf.tensor1d(numbers)));
    return model;
  };
  const conv = (name: string, padding: "same" | "valid" = "valid") =>
    layers.conv2d({ filters: 2, kernelSize: 3, padding, name });
  const both = wire((relu) => [apply(conv("a"), relu), apply(conv("b"), relu)]);
  const { model: absorbed, effects } = await run(both);
  assert.equal(effects.length, 1);
  const x = WITHIN();
  const expected = predict(both, [x]);
  predict(absorbed, [x]).forEach((values, k) =>
    values.forEach((y, i) => assert.ok(Math.abs(y - expected[k][i]) < 1e-4, `output ${k}`))
  );
  const because = async (readers: Parameters<typeof wire>[0]) => (await run(wire(readers))).left[0].because;
  assert.match(await because((relu) => [apply(conv("a"), relu), relu]), /"relu" is an output/);
  assert.match(await because((relu) => [apply(conv("a", "same"), relu)]), /"a" pads by 0/);
  const sum = (relu: tfl.SymbolicTensor) =>
    apply(layers.add({ name: "sum" }), relu, apply(layers.leakyReLU({ name: "leaky" }), relu));
  assert.match(await because((relu) => [sum(relu)]), /"(sum|leaky)" \((Add|LeakyReLU)\) reads it/);
  const shared = layers.conv2d({ filters: 2, kernelSize: 1, name: "shared" });
  assert.match(await because((relu) => [apply(shared, apply(shared, relu))]), /"shared" is called several times/);
});

Deno.test("absorbBias() leaves ReLU6, and biases that are not high", async () => {
  const image = tfl.input({ shape: [4, 4, 2], name: "x" });
  const clipped = apply(layers.reLU({ maxValue: 6 }), apply(layers.batchNormalization({ name: "norm" }), image));
  const model = seedWeights(tfl.model({ inputs: image, outputs: apply(layers.dense({ units: 2 }), clipped) }));
  model.getLayer("norm").setWeights([[1, 1], [7, 7], [0, 0], [1, 1]].map((numbers) => tf.tensor1d(numbers)));
  assert.deepEqual((await run(model)).effects, []);
  const low = behindRelu(layers.dense({ units: 2 }));
  low.getLayer("norm").setWeights([[1, 2], [3, 5], [0, 0], [1, 1]].map((numbers) => tf.tensor1d(numbers)));
  assert.deepEqual(await run(low).then(({ effects, left, facts }) => [effects, left, facts]), [[], [], []]);
});

Deno.test("absorbBias() moves statistics of the batch norm behind along with what it reads", async () => {
  const model = behindRelu(
    layers.conv2d({ filters: 3, kernelSize: 1, useBias: false, name: "next" }),
    layers.batchNormalization({ name: "next_norm" }),
  );
  const { model: absorbed } = await run(model);
  const [kernel] = Object.values(weightsOf(model, "next"));
  const before = weightsOf(model, "next_norm").moving_mean;
  weightsOf(absorbed, "next_norm").moving_mean.forEach((mean, o) => {
    assert.ok(Math.abs(mean - (before[o] - 4 * kernel[o])) < 1e-5);
  });
  assert.deepEqual(weightsOf(absorbed, "next"), { kernel });
});
