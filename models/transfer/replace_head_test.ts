import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, seedWeights } from "../../tests/_support/small_models.ts";
import { attachDetection, detectionOf } from "../detection.ts";
import { residualNet } from "./_test_nets.ts";
import { replaceHead } from "./replace_head.ts";

const { layers } = tfl;

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** TF.js's own initializer of recurrent kernels needs methods of tensors that are not there. */
const PLAIN = { recurrentInitializer: "glorotUniform" } as const;

/** Names and classes of the layers behind the one called `name`. */
function behind(model: tfl.LayersModel, name: string): readonly string[] {
  const at = model.layers.findIndex((layer) => layer.name === name);
  return model.layers.slice(at + 1).map((layer) => `${layer.name}: ${layer.getClassName()}`);
}

Deno.test("replaceHead() puts a dense layer and a softmax in the place of those that there are, and keeps all before", () => {
  const model = residualNet({ seed: 4 });
  const { name } = model.outputs[0].sourceLayer;
  const replaced = replaceHead(model, { outputs: 7, seed: 1 });
  assert.deepEqual(replaced.outputs[0].shape, [null, 7]);
  assert.deepEqual(behind(replaced, "pool"), ["fc: Dense", "softmax: Activation"]);
  assert.equal(replaced.outputs[0].sourceLayer.name, name);
  const kept = replaced.layers.filter((layer) => layer.name !== "fc");
  for (const layer of kept) {
    const before = model.getLayer(layer.name).getWeights().map((weight) => weight.dataSync());
    assert.deepEqual(layer.getWeights().map((weight) => weight.dataSync()), before, layer.name);
  }
  // Uniform in ±√(6 / (fan-in + fan-out)), and no bias.
  const [kernel, bias] = replaced.getLayer("fc").getWeights().map((weight) => [...weight.dataSync()]);
  const most = Math.sqrt(6 / (4 + 7));
  assert.ok(kernel.every((value) => Math.abs(value) <= most) && kernel.some((value) => Math.abs(value) > 0.8 * most));
  assert.deepEqual(bias, new Array(7).fill(0));
});

Deno.test("replaceHead() starts the head from weights that the seed and the layer's name decide", () => {
  const kernelOf = (
    seed: number,
    prefix = "",
  ) => [
    ...replaceHead(residualNet({ prefix }), { outputs: 4, seed }).getLayer(`${prefix}fc`).getWeights()[0].dataSync(),
  ];
  assert.deepEqual(kernelOf(1), kernelOf(1));
  assert.notDeepEqual(kernelOf(1), kernelOf(2));
  assert.notDeepEqual(kernelOf(1), kernelOf(1, "m_"));
});

Deno.test("replaceHead() starts from the bias that it is told, and lets a hundredth of the kernel stand", () => {
  const [plain, biased] = [{}, { bias: [5, -6] }].map((more) =>
    replaceHead(residualNet(), { outputs: 2, activation: "linear", seed: 3, ...more }).getLayer("softmax")
      .getWeights().map((weight) => [...weight.dataSync()])
  );
  assert.deepEqual(biased[1], [5, -6]);
  plain[0].forEach((value, i) => assert.ok(Math.abs(biased[0][i] - value / 100) < 1e-8));
});

Deno.test("replaceHead() keeps the pooling behind a convolution that answers, and what the convolution is activated by", () => {
  const model = seedWeights(tfl.sequential({
    layers: [
      layers.conv2d({ name: "body", filters: 4, kernelSize: 3, inputShape: [8, 8, 3] }),
      layers.conv2d({ name: "conv10", filters: 10, kernelSize: 1, activation: "relu", strides: 2 }),
      layers.batchNormalization({ name: "bn10" }),
      layers.globalAveragePooling2d({ name: "pool" }),
      layers.reshape({ name: "row", targetShape: [1, 1, 10] }),
      layers.activation({ name: "answer", activation: "softmax" }),
      layers.flatten({ name: "flat" }),
    ],
  }));
  const replaced = replaceHead(model, { outputs: 3, activation: "sigmoid" });
  assert.deepEqual(behind(replaced, "body"), [
    "conv10: Conv2D",
    "pool: GlobalAveragePooling2D",
    "row: Reshape",
    "flat_linear: Flatten",
    "flat: Activation",
  ]);
  const { activation, strides, filters } = replaced.getLayer("conv10").getConfig();
  assert.deepEqual([activation, strides, filters], ["relu", [2, 2], 3]);
  assert.deepEqual(replaced.outputs[0].shape, [null, 3]);
  const y = tf.tidy(() => [...(replaced.predict(tf.ones([1, 8, 8, 3])) as tf.Tensor).dataSync()]);
  assert.ok(y.every((value) => value > 0 && value < 1));
});

Deno.test("replaceHead() ends in numbers as they are, and renames nothing, where that is asked for", () => {
  const dense = layers.dense({ name: "fc", units: 9, activation: "softmax", inputShape: [4] });
  const replaced = replaceHead(tfl.sequential({ layers: [dense] }), { outputs: 2, activation: "linear" });
  assert.deepEqual(behind(replaced, replaced.layers[0].name), ["fc: Dense"]);
  assert.equal(replaced.getLayer("fc").getConfig().activation, "linear");
});

Deno.test("replaceHead() answers at each position of a sequence, also where a dense layer is applied step by step", () => {
  for (
    const last of [
      layers.dense({ name: "fc", units: 5 }),
      layers.timeDistributed({
        name: "fc",
        layer: layers.dense({ name: "inner", units: 5, activation: "softmax" }),
      }),
    ]
  ) {
    const model = tfl.sequential({
      layers: [layers.lstm({ ...PLAIN, units: 4, returnSequences: true, inputShape: [6, 2] }), last],
    });
    const replaced = replaceHead(model, { outputs: 3 });
    assert.deepEqual(replaced.outputs[0].shape, [null, 6, 3]);
    const sums = tf.tidy(() => [...tf.sum(replaced.predict(tf.ones([1, 6, 2])) as tf.Tensor, -1).dataSync()]);
    assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-6));
  }
});

Deno.test("replaceHead() answers behind layers that end a mask of steps, which TF.js hands on all the same", () => {
  const net = (rnn: tfl.layers.Layer) =>
    tfl.sequential({
      layers: [
        layers.masking({ maskValue: 0, inputShape: [6, 2] }),
        rnn,
        layers.dense({ name: "fc", units: 5, activation: "softmax" }),
      ],
    });
  for (const rnn of [layers.lstm({ ...PLAIN, units: 4 }), layers.gru({ ...PLAIN, units: 4 })]) {
    const replaced = replaceHead(net(rnn), { outputs: 3 });
    const x = tf.concat([tf.ones([2, 4, 2]), tf.zeros([2, 2, 2])], 1);
    const answer = replaced.predict(x) as tf.Tensor;
    assert.deepEqual(answer.shape, [2, 3]);
    assert.ok([...tf.sum(answer, -1).dataSync()].every((sum) => Math.abs(sum - 1) < 1e-6));
  }
});

/** Two grids of boxes of a small net, with two anchors and one. */
function detector(): tfl.LayersModel {
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const x = apply(layers.conv2d({ name: "body", filters: 4, kernelSize: 3, strides: 2, padding: "same" }), image);
  const grid = (name: string, filters: number) => apply(layers.conv2d({ name, filters, kernelSize: 1 }), x);
  const model = tfl.model({ inputs: image, outputs: [grid("boxes_32", 2 * 25), grid("boxes_16", 25)], name: "yolo" });
  attachDetection(model, { kind: "yolov3", anchors: [[[3, 4], [5, 6]], [[1, 2]]], classes: 20 });
  return model;
}

Deno.test("replaceHead() gives a detector boxes of other classes with the anchors that it has", () => {
  const replaced = replaceHead(detector(), { outputs: 3, seed: 2 });
  assert.deepEqual(replaced.outputs.map(({ shape }) => shape[3]), [2 * 8, 8]);
  assert.deepEqual(detectionOf(replaced), { kind: "yolov3", anchors: [[[3, 4], [5, 6]], [[1, 2]]], classes: 3 });
  const [kernel, bias] = replaced.getLayer("boxes_32").getWeights().map((weight) => [...weight.dataSync()]);
  // One in a hundred boxes is there: log(0.01 / 0.99).
  assert.ok(Math.abs(bias[4] + 4.59512) < 1e-5 && Math.abs(bias[12] + 4.59512) < 1e-5);
  assert.equal(bias.filter((value) => value !== 0).length, 2);
  assert.ok(kernel.every((value) => Math.abs(value) < 0.06));
});

/** A net that ends in `end`, of a row of 4. */
function endingIn(end: (row: tfl.SymbolicTensor) => tfl.SymbolicTensor): tfl.LayersModel {
  const row = tfl.input({ shape: [4], name: "row" });
  return tfl.model({ inputs: row, outputs: end(row), name: "net" });
}

const dense = (name: string, units = 4) => layers.dense({ name, units });

const REFUSED: Readonly<Record<string, readonly [tfl.LayersModel, RegExp]>> = {
  "a sum": [
    endingIn((x) => apply(layers.add({ name: "sum" }), apply(dense("a"), x), apply(dense("b"), x))),
    /^Cannot replace the head of "net": "sum" \(Add\), on the way back from its output "sum", reads 2 values, needed is/,
  ],
  "a net without weights": [
    endingIn((x) => apply(layers.softmax({ name: "end" }), x)),
    /"row" \(InputLayer\), on the way back from its output "end", is an input/,
  ],
  "weights of another kind": [
    endingIn((x) =>
      apply(layers.lstm({ ...PLAIN, name: "lstm", units: 2 }), apply(layers.reshape({ targetShape: [2, 2] }), x))
    ),
    /"lstm" \(LSTM\), .* has weights of another kind/,
  ],
  "a layer that is called twice": [
    endingIn((x) => {
      const shared = dense("shared");
      return apply(shared, apply(shared, x));
    }),
    /"shared_1" \(Dense\), .* is called more than once/,
  ],
  "a reshape that mixes answers": [
    endingIn((x) => apply(layers.reshape({ name: "square", targetShape: [2, 2] }), apply(dense("a"), x))),
    /"square" \(Reshape\) gives \[2,2\], needed is one whose last side is the 4 numbers/,
  ],
};

for (const [what, [model, message]] of Object.entries(REFUSED)) {
  Deno.test(`replaceHead() refuses ${what} in one line`, () => {
    assert.throws(() => replaceHead(model, { outputs: 3 }), { name: "RangeError", message });
  });
}

Deno.test("replaceHead() refuses a head that something else reads too, and numbers of outputs that are none", () => {
  const row = tfl.input({ shape: [4], name: "row" });
  const fc = apply(dense("fc"), row);
  const two = tfl.model({ inputs: row, outputs: [fc, apply(layers.softmax({ name: "end" }), fc)], name: "net" });
  assert.throws(() => replaceHead(two, { outputs: 3 }), /"fc" is read more than once/);
  for (const outputs of [0, 2.5, NaN, 1e9]) {
    assert.throws(() => replaceHead(residualNet(), { outputs }), {
      name: "RangeError",
      message:
        `Cannot replace the head of "net": ${outputs} outputs are asked for, a whole number from 1 to 1000000 is needed`,
    });
  }
});
