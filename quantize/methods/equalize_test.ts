import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { apply, inputFor, predict } from "../../tests/_support/small_models.ts";
import { groupConv2d } from "../../src/grouped/mod.ts";
import { fromModel, weightOf } from "../../src/rewrite/mod.ts";
import { buildNet, contextOf, RANDOM_NETS, randomBatches } from "./_test_nets.ts";
import { equalize } from "./equalize.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

/** Equalizes `model` with random calibration samples. */
function run(model: tfl.LayersModel) {
  return equalize.apply(model, contextOf(randomBatches(model)));
}

function kernelOf(model: tfl.LayersModel, layer: string, kernel = "kernel"): readonly number[] {
  const node = fromModel(model).nodes.find(({ name }) => name === layer);
  assert.ok(node !== undefined, layer);
  return Array.from(weightOf(node.layer, kernel).data, (w) => Number(w.toPrecision(4)));
}

/** Asserts that two models answer alike. */
function assertAlike(actual: tfl.LayersModel, expected: tfl.LayersModel, tolerance: number): void {
  const inputs = inputFor(expected);
  const wanted = predict(expected, inputs);
  predict(actual, inputs).forEach((values, i) => {
    const size = Math.max(...wanted[i].map(Math.abs), 1e-6);
    const worst = Math.max(...values.map((value, k) => Math.abs(value - wanted[i][k])));
    assert.ok(worst <= tolerance * size, `output ${i} is off by ${worst} of ${size}`);
  });
  tf.dispose(inputs);
}

Deno.test("equalize() gives both layers of a pair the geometric mean of their ranges", async () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 2, activation: "relu", inputShape: [2], name: "a" }),
      layers.dense({ units: 1, name: "b" }),
    ],
  });
  model.setWeights([tf.tensor2d([[8, 1], [2, -0.5]]), tf.tensor1d([4, 3]), tf.tensor2d([[2], [9]]), tf.tensor1d([7])]);
  const { model: equalized, effects } = await run(model);
  // Ranges 8 and 2: s = √(8/2) = 2. Ranges 1 and 9: s = 1/3, but the bias 3 may not become more than 4: s = 3/4.
  assert.deepEqual(kernelOf(equalized, "a"), [4, 1.333, 1, -0.6667]);
  assert.deepEqual(kernelOf(equalized, "a", "bias"), [2, 4]);
  assert.deepEqual(kernelOf(equalized, "b"), [4, 6.75]);
  assert.deepEqual(kernelOf(equalized, "b", "bias"), [7]);
  assert.deepEqual(effects.map(({ layer, before, after }) => [layer, before, Math.round(after * 100) / 100]), [
    ["a", 8, 3],
    ["b", 1, 1],
  ]);
  assertAlike(equalized, model, 1e-6);
});

Deno.test("equalize() balances each group of a convolution in groups by the channels that it reads", async () => {
  const model = tfl.sequential({
    layers: [
      layers.conv2d({
        filters: 4,
        kernelSize: 1,
        useBias: false,
        activation: "relu",
        inputShape: [3, 3, 1],
        name: "a",
      }),
      groupConv2d({ filters: 2, kernelSize: 1, groups: 2, useBias: false, name: "b" }),
    ],
  });
  // The first filter reads channels 0 and 1, the second 2 and 3.
  model.setWeights([tf.tensor4d([1, 4, 9, 16], [1, 1, 1, 4]), tf.tensor4d([4, 9, 1, 1], [1, 1, 2, 2])]);
  const { model: equalized } = await run(model);
  // √(r₁·r₂) of each channel: √(1·4), √(4·1), √(9·9), √(16·1)
  assert.deepEqual(kernelOf(equalized, "a"), [2, 2, 9, 4]);
  assert.deepEqual(kernelOf(equalized, "b"), [2, 9, 2, 4]);
  assertAlike(equalized, model, 1e-6);
});

Deno.test("equalize() gives three layers around a depthwise one the cube root of the product of their ranges", async () => {
  const model = tfl.sequential({
    layers: [
      layers.conv2d({ filters: 1, kernelSize: 1, useBias: false, inputShape: [3, 3, 1], name: "a" }),
      layers.leakyReLU({ alpha: 0.1 }),
      layers.depthwiseConv2d({ kernelSize: 1, useBias: false, name: "b" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 1, kernelSize: 1, useBias: false, name: "c" }),
    ],
  });
  model.setWeights([1, 2, 32].map((w) => tf.tensor4d([w], [1, 1, 1, 1])));
  const { model: equalized, facts } = await run(model);
  const found = [kernelOf(equalized, "a"), kernelOf(equalized, "b", "depthwise_kernel"), kernelOf(equalized, "c")];
  for (const [w] of found) assert.ok(Math.abs(w / 4 - 1) < 0.01, `${found}`); // ∛(1·2·32) = 4
  assert.match(String(facts), /2 channels in 2 groups, \d+ rounds/);
});

Deno.test("equalize() scales a folded batch normalization in the place of the weights, and keeps its statistics", async () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 1, useBias: false, inputShape: [1], name: "a" }),
      layers.batchNormalization({ epsilon: 0, name: "norm" }),
      layers.reLU(),
      layers.dense({ units: 1, useBias: false, name: "b" }),
    ],
  });
  // The folded weight is 3·8/√4 = 12.
  model.setWeights([[[3]], [8], [5], [[0.75]], [7], [4]].map((values) => tf.tensor(values)));
  const { model: equalized } = await run(model);
  // s = √(12/0.75) = 4
  const weights = (name: string) => kernelOf(equalized, "norm", name);
  assert.deepEqual([weights("gamma"), weights("beta")], [[2], [1.25]]);
  assert.deepEqual([weights("moving_mean"), weights("moving_variance")], [[7], [4]]);
  assert.deepEqual([kernelOf(equalized, "a"), kernelOf(equalized, "b")], [[3], [3]]);
});

Deno.test("equalize() leaves channels that are dead on either side as they are", async () => {
  const model = tfl.sequential({
    layers: [
      layers.dense({ units: 3, activation: "relu", inputShape: [1], name: "a" }),
      layers.dense({ units: 1, name: "b" }),
    ],
  });
  // A channel without weights, one that nobody reads, and one that is all bias: 1e-12 would be scaled to values of 10^6.
  model.setWeights([[[0, 5, 1e-12]], [1, 1, 1], [[2], [0], [1]], [0]].map((values) => tf.tensor(values)));
  const { model: equalized } = await run(model);
  assert.deepEqual(kernelOf(equalized, "a"), [0, 5, 1e-12]);
  assert.deepEqual(kernelOf(equalized, "a", "bias"), [1, 1, 1]);
  assert.deepEqual(kernelOf(equalized, "b"), [2, 0, 1]);
});

Deno.test("equalize() takes the maximum off a ReLU6 that no sample reaches, and says what it leaves", async () => {
  const build = (weight: number) => {
    const model = tfl.sequential({
      layers: [
        layers.dense({ units: 1, useBias: false, inputShape: [1], name: "a" }),
        layers.reLU({ maxValue: 6, name: "act" }),
        layers.dense({ units: 1, useBias: false, name: "b" }),
      ],
    });
    model.setWeights([[[weight]], [[1]]].map((values) => tf.tensor(values)));
    return model;
  };
  const samples = contextOf([{ inputs: { x: Float32Array.of(-1, 0.5, 1) }, size: 3 }]);
  const low = await equalize.apply(build(4), samples);
  assert.equal(low.model.getLayer("act").getConfig().maxValue, null);
  assert.deepEqual(low.effects[0], {
    layer: "act",
    what: "maximum taken off, and the largest value",
    before: 6,
    after: 4,
  });
  assert.deepEqual(kernelOf(low.model, "a"), [2]);
  const high = await equalize.apply(build(8), samples);
  assert.equal(high.model.getLayer("act").getConfig().maxValue, 6);
  assert.deepEqual(kernelOf(high.model, "a"), [8]);
  assert.deepEqual(high.left, [
    { layer: "a", because: '"act" cuts off at 6' },
    { layer: "b", because: '"b" is an output of the model' },
  ]);
});

Deno.test("equalize() scales a stream of skips as one, if all who give and read it can", async () => {
  const image = tfl.input({ shape: [2], name: "image" });
  const dense = (name: string, units = 2) => layers.dense({ units, useBias: false, name });
  const a = apply(dense("a"), image);
  const sum = apply(layers.add({ name: "sum" }), a, apply(dense("b"), apply(layers.reLU({ name: "r" }), a)));
  const model = tfl.model({ inputs: image, outputs: apply(dense("c", 1), sum) });
  model.setWeights([[[16, 1], [0, 1]], [[4, 1], [1, 1]], [[1], [1]]].map((values) => tf.tensor(values)));
  const { model: equalized, left } = await run(model);
  assertAlike(equalized, model, 1e-5);
  assert.deepEqual(left.map(({ layer }) => layer), ["c"]);
  const [a0, a1] = kernelOf(equalized, "a");
  const [b00, b01, b10, b11] = kernelOf(equalized, "b");
  const [c0, c1] = kernelOf(equalized, "c");
  // Given by columns of a and b, read by rows of b and by c.
  const given = [Math.max(a0, b00, b10), Math.max(a1, b01, b11)];
  const read = [Math.max(b00, b01, c0), Math.max(b10, b11, c1)];
  // All channels of the stream alike: that is what one scale a tensor needs.
  const [first, second] = given.map((range, i) => range / read[i]);
  assert.ok(Math.abs(first / second - 1) < 0.02 && Math.abs(first - 1) < 0.3, `${given} ${read}`);
});

Deno.test("equalize() keeps what random nets compute", async () => {
  const changed = { nets: 0 };
  await fc.assert(
    fc.asyncProperty(RANDOM_NETS, async (net) => {
      const model = buildNet(net);
      const { model: equalized, effects } = await run(model);
      if (effects.length > 0) changed.nets++;
      assert.deepEqual(equalized.layers.map(({ name }) => name), model.layers.map(({ name }) => name));
      const isOpened = effects.some(({ what }) => what.startsWith("maximum"));
      // Where a clip was opened, other samples than those of calibration may go beyond it.
      if (!isOpened) assertAlike(equalized, model, 1e-5);
      model.dispose();
      equalized.dispose();
    }),
    { numRuns: 100, seed: 1 },
  );
  assert.ok(changed.nets > 50, `${changed.nets} nets had something to equalize`);
});
