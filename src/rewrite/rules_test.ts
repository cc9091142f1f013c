import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {
  apply,
  inputFor,
  nestedModel,
  predict,
  seedWeights,
  sequentialModel,
  skipModel,
} from "../../tests/_support/small_models.ts";
import { dropIdentity } from "./drop_identity.ts";
import { fromModel } from "./from_model.ts";
import { hoistRelu } from "./hoist_relu.ts";
import { nodeOf } from "./layer_graph.ts";
import { formatRewrite, rewrite, type Rule } from "./rule.ts";
import { fixInputShape, rewriteModel, withOutputs } from "./mod.ts";
import { splitActivation } from "./split_activation.ts";
import { splitMerge } from "./split_merge.ts";
import { splitSeparable } from "./split_separable.ts";
import { splitSwish } from "./split_swish.ts";
import { toModel } from "./to_model.ts";
import { parseSwap, swapActivation } from "./swap_activation.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

function assertClose(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  actual.forEach((values, i) => {
    const size = Math.max(...expected[i].map(Math.abs), 1e-30);
    values.forEach((value, j) =>
      assert.ok(Math.abs(value - expected[i][j]) <= 1e-5 * size, `${value} ${expected[i][j]}`)
    );
  });
}

/** Rewrites, checks that the answers stay the same to 1e-5, and returns what came out. */
function rewriteSame(model: tfl.LayersModel, rules: readonly Rule[]) {
  const result = rewriteModel(model, rules);
  const inputs = inputFor(model);
  assertClose(predict(result.model, inputs), predict(model, inputs));
  return { ...result, names: result.model.layers.map((layer) => `${layer.name}:${layer.getClassName()}`) };
}

function sequence(...parts: tfl.layers.Layer[]): tfl.Sequential {
  return seedWeights(tfl.sequential({ layers: parts }));
}

Deno.test("rewrite() applies rules in order, to the layers that they add too, and logs all of it", () => {
  const model = sequence(
    layers.separableConv2d({ filters: 3, kernelSize: 3, activation: "elu", inputShape: [5, 5, 2], name: "sep" }),
    layers.flatten({ name: "flat" }),
  );
  const { graph, log } = rewrite(fromModel(model), [splitSeparable, splitActivation]);
  assert.deepEqual(graph.nodes.map((n) => n.name), [
    "sep_input",
    "sep_depthwise",
    "sep_pointwise",
    "sep_pointwise_elu",
    "flat",
  ]);
  assert.deepEqual(log.map(formatRewrite), [
    'sep: split_separable: becomes "sep_depthwise" and "sep_pointwise"',
    'sep_pointwise: split_activation: elu is a layer of its own, "sep_pointwise_elu"',
  ]);
});

Deno.test("rewrite() leaves the graph that it was given as it was", () => {
  const graph = fromModel(sequentialModel());
  const before = JSON.stringify(graph);
  rewrite(graph, [splitActivation, dropIdentity]);
  assert.equal(JSON.stringify(graph), before);
});

Deno.test("splitActivation gives fused activations layers of their own and changes no answer", () => {
  const { names, model } = rewriteSame(sequentialModel(), [splitActivation]);
  assert.deepEqual(names.slice(-6), [
    "dw:DepthwiseConv2D",
    "dw_relu:Activation",
    "flat:Flatten",
    "drop:Dropout",
    "fc_linear:Dense",
    "fc:Activation",
  ]);
  assert.deepEqual(model.outputNames, ["fc"]);
});

Deno.test("splitActivation finds a free name", () => {
  const { names } = rewriteSame(
    sequence(
      layers.dense({ units: 2, activation: "relu", inputShape: [3], name: "fc" }),
      layers.dense({ units: 2, name: "fc_relu" }),
    ),
    [splitActivation],
  );
  assert.deepEqual(names.slice(1), ["fc:Dense", "fc_relu_1:Activation", "fc_relu:Dense"]);
});

for (
  const config of [
    { depthMultiplier: 1, useBias: true, strides: 1, padding: "same" },
    { depthMultiplier: 3, useBias: false, strides: 2, padding: "valid" },
  ] as const
) {
  Deno.test(`splitSeparable changes no answer when the layer has ${JSON.stringify(config)}`, () => {
    const { names } = rewriteSame(
      sequence(layers.separableConv2d({ filters: 4, kernelSize: 3, inputShape: [7, 6, 2], name: "sep", ...config })),
      [splitSeparable],
    );
    assert.deepEqual(names.slice(1), ["sep_depthwise:DepthwiseConv2D", "sep:Conv2D"]);
  });
}

Deno.test("splitSeparable refuses a dilated layer, because DepthwiseConv2D ignores dilation", () => {
  const sep = layers.separableConv2d({
    filters: 1,
    kernelSize: 3,
    dilationRate: 2,
    inputShape: [7, 7, 1],
    name: "sep",
  });
  const { log } = rewriteSame(sequence(sep), [splitSeparable]);
  assert.deepEqual(log.map((entry) => entry.ok), [false]);
  assert.match(formatRewrite(log[0]), /sep: split_separable: not applied, because its dilation rate is \[2,2\]/);
});

Deno.test("TF.js's DepthwiseConv2D still ignores its dilation rate", () => {
  const make = (dilationRate: number) =>
    sequence(layers.depthwiseConv2d({ kernelSize: 3, dilationRate, padding: "same", inputShape: [7, 7, 1] }));
  const inputs = inputFor(make(1));
  assert.deepEqual(predict(make(2), inputs), predict(make(1), inputs));
});

Deno.test("splitMerge makes chains of two, from left to right", () => {
  const inputs = ["a", "b", "c", "d"].map((name) => tfl.input({ shape: [3], name }));
  for (const merge of [layers.add({ name: "m" }), layers.multiply({ name: "m" })]) {
    const model = tfl.model({ inputs, outputs: apply(merge, ...inputs) });
    const { graph } = rewrite(fromModel(model), [splitMerge]);
    const wiring = graph.nodes.slice(4).map((node) => [node.name, ...node.inbound]);
    assert.deepEqual(wiring, [["m_1", "a", "b"], ["m_2", "m_1", "c"], ["m", "m_2", "d"]]);
    const chained = toModel(graph);
    assert.deepEqual(predict(chained, inputFor(model)), predict(model, inputFor(model)));
  }
});

Deno.test("splitSwish turns swish into sigmoid and a product, and declines inside other layers", () => {
  const { names, log } = rewriteSame(
    sequence(
      layers.dense({ units: 3, inputShape: [2], activation: "swish", name: "fc" }),
      layers.activation({ activation: "swish", name: "act" }),
      layers.reshape({ targetShape: [1, 3], name: "shape" }),
      layers.simpleRNN({ units: 2, activation: "swish", recurrentInitializer: "zeros", name: "rnn" }),
    ),
    [splitActivation, splitSwish],
  );
  assert.deepEqual(names.slice(2), [
    "fc_swish_sigmoid:Activation",
    "fc_swish:Multiply",
    "act_sigmoid:Activation",
    "act:Multiply",
    "shape:Reshape",
    "rnn:SimpleRNN",
  ]);
  assert.deepEqual(log.slice(-1).map(formatRewrite), [
    'rnn: split_swish: not applied, because swish is applied inside "rnn" (SimpleRNN), not to its output',
  ]);
});

Deno.test("dropIdentity removes what does nothing and keeps what does something", () => {
  const { names, log } = rewriteSame(
    sequence(
      layers.zeroPadding2d({ padding: 0, inputShape: [4, 4, 2], name: "pad0" }),
      layers.zeroPadding2d({ padding: 1, name: "pad1" }),
      layers.activation({ activation: "linear", name: "linear" }),
      layers.dropout({ rate: 0, name: "drop0" }),
      layers.dropout({ rate: 0.1, name: "drop" }),
      layers.maxPooling2d({ poolSize: 1, strides: 1, name: "pool1" }),
      layers.maxPooling2d({ poolSize: 1, strides: 2, name: "pool2" }),
      layers.upSampling2d({ size: [1, 1], name: "up" }),
      layers.cropping2D({ cropping: [[0, 0], [0, 0]], name: "crop0" }),
      layers.cropping2D({ cropping: [[0, 1], [0, 0]], name: "crop1" }),
      layers.flatten({ name: "flat" }),
    ),
    [dropIdentity],
  );
  assert.deepEqual(names.slice(1).map((name) => name.split(":")[0]), ["pad1", "drop", "pool2", "crop1", "flat"]);
  assert.equal(log.length, 6);
});

Deno.test("dropIdentity refuses where an input would become an output, or one value two outputs", () => {
  const input = tfl.input({ shape: [3] });
  const linear = (name: string) => layers.activation({ activation: "linear", name });
  const dense = apply(layers.dense({ units: 2, name: "fc" }), input);
  const outputs = [apply(linear("a"), input), dense, apply(linear("b"), dense)];
  const { log, model } = rewriteModel(tfl.model({ inputs: input, outputs }), [dropIdentity]);
  assert.deepEqual(log.map((entry) => [entry.layer, entry.ok]), [["a", false], ["b", false]]);
  assert.deepEqual(model.outputNames, ["a", "fc", "b"]);
});

Deno.test("dropIdentity refuses where a layer would read one value twice", () => {
  const input = tfl.input({ shape: [3] });
  const dense = apply(layers.dense({ units: 3, name: "fc" }), input);
  const sum = apply(layers.add({ name: "sum" }), dense, apply(layers.activation({ activation: "linear" }), dense));
  const model = seedWeights(tfl.model({ inputs: input, outputs: apply(layers.concatenate(), sum, dense) }));
  assert.deepEqual(rewriteSame(model, [dropIdentity]).log.map((entry) => entry.ok), [false]);
});

Deno.test("hoistRelu moves ReLU before pools and padding and changes no answer", () => {
  const { names, log } = rewriteSame(
    sequence(
      layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 2], name: "conv" }),
      layers.maxPooling2d({ poolSize: 3, strides: 1, padding: "same", name: "pool" }),
      layers.zeroPadding2d({ padding: 1, name: "pad" }),
      layers.reLU({ maxValue: 0.5, name: "relu" }),
      layers.flatten({ name: "flat" }),
    ),
    [hoistRelu],
  );
  assert.deepEqual(names.slice(1).map((name) => name.split(":")[0]), ["conv", "relu", "pool", "pad", "flat"]);
  assert.deepEqual(log.map(formatRewrite), ['relu: hoist_relu: moved before "pool", "pad"']);
});

Deno.test("hoistRelu stays where the pool's values are also read elsewhere or no layer could absorb it", () => {
  const input = tfl.input({ shape: [4, 4, 2] });
  const pool = apply(layers.maxPooling2d({ name: "pool" }), apply(layers.conv2d({ filters: 2, kernelSize: 1 }), input));
  const relu = apply(layers.reLU({ name: "relu" }), pool);
  const early = apply(layers.reLU(), apply(layers.maxPooling2d({}), input));
  const shared = apply(layers.conv2d({ filters: 2, kernelSize: 1 }), input);
  const late = apply(layers.reLU(), apply(layers.maxPooling2d({}), shared));
  const outputs = [pool, relu, early, late, apply(layers.flatten(), shared)];
  const { log } = rewriteSame(seedWeights(tfl.model({ inputs: input, outputs })), [hoistRelu]);
  assert.deepEqual(log, []);
});

Deno.test("swapActivation replaces LeakyReLU by ReLU, in nested models too, and keeps the layer's name", () => {
  const { model, log } = rewriteModel(nestedModel(), [swapActivation()]);
  assert.equal(model.getLayer("leaky").getClassName(), "ReLU");
  assert.deepEqual(log.map(formatRewrite), ["leaky: swap_activation: leaky_relu (alpha 0.1) becomes relu"]);
});

Deno.test("swapActivation keeps whether a layer trains, and tells slopes in six digits", () => {
  const net = tfl.sequential({
    layers: [
      layers.dense({ units: 2, inputShape: [3] }),
      layers.leakyReLU({ alpha: 1 / 3, trainable: false, name: "leaky" }),
      layers.dense({ units: 2 }),
    ],
  });
  const { model, log } = rewriteModel(net, [swapActivation()]);
  assert.equal(model.getLayer("leaky").trainable, false);
  assert.deepEqual(log.map(formatRewrite), ["leaky: swap_activation: leaky_relu (alpha 0.333333) becomes relu"]);
});

Deno.test("swapActivation computes max(x, 0), capped at 6 for relu6", () => {
  for (const [to, expected] of [["relu", [0, 0, 5, 7]], ["relu6", [0, 0, 5, 6]]] as const) {
    const swapped = rewriteModel(withFlatInput(), [swapActivation({ from: "prelu", to })]).model;
    assert.deepEqual([...predict(swapped, [tf.tensor([-3, 0, 5, 7], [1, 2, 2])])[0]], expected);
  }
});

function withFlatInput(): tfl.LayersModel {
  return tfl.sequential({ layers: [layers.prelu({ inputShape: [2, 2] }), layers.flatten()] });
}

Deno.test("swapActivation knows layers, Activation layers and fused forms", () => {
  const model = sequence(
    layers.dense({ units: 2, activation: "elu", inputShape: [3], name: "fused" }),
    layers.activation({ activation: "elu", name: "named" }),
    layers.elu({ name: "own" }),
    layers.dense({ units: 1, name: "fc" }),
  );
  const { graph } = rewrite(fromModel(model), [swapActivation({ from: "elu", to: "relu6" })]);
  assert.equal(nodeOf(graph, "fused").layer.config.activation, "relu6");
  assert.deepEqual(
    [nodeOf(graph, "named"), nodeOf(graph, "own")].map((node) => [node.layer.className, node.layer.config.maxValue]),
    [
      ["ReLU", 6],
      ["ReLU", 6],
    ],
  );
});

Deno.test("swapActivation refuses the model's answer and activations inside other layers", () => {
  const model = sequence(
    layers.timeDistributed({ layer: layers.leakyReLU(), inputShape: [3, 2], name: "steps" }),
    layers.leakyReLU({ name: "answer" }),
  );
  const { log } = rewriteModel(model, [swapActivation()]);
  assert.deepEqual(log.map((entry) => [entry.layer, entry.ok]), [["steps", false], ["answer", false]]);
  assert.match(formatRewrite(log[0]), /inside "steps" \(TimeDistributed\)/);
  assert.match(formatRewrite(log[1]), /"answer" is the model's answer/);
});

Deno.test("withOutputs() keeps what the outputs need, in the order asked for", () => {
  const model = skipModel();
  const part = withOutputs(model, ["avg", "conv_b"]);
  assert.deepEqual(part.outputNames, ["avg", "conv_b"]);
  assert.deepEqual(part.layers.map((layer) => layer.name).sort(), [
    "avg",
    "conv_a",
    "conv_b",
    "image",
    "relu_a",
    "relu_sum",
    "sum",
  ]);
  const all = withOutputs(model, ["conv_map", "score"]);
  assert.deepEqual(predict(all, inputFor(model)), predict(model, inputFor(model)).toReversed());
  assert.throws(() => withOutputs(model, ["avgg"]), { name: "RangeError", message: /"avgg" in model "skip"/ });
});

Deno.test("parseSwap() explains what it cannot read", () => {
  assert.deepEqual(parseSwap(" LEAKY_RELU : relu "), { from: "leaky_relu", to: "relu" });
  assert.throws(() => parseSwap("leaky_relu"), { name: "RangeError", message: /"leaky_relu": two names are needed/ });
  assert.throws(() => parseSwap("leaky:relu:relu"), /two names are needed/);
  assert.throws(() => parseSwap("hard_swish:relu"), /Cannot swap "hard_swish": needed is one of leaky_relu, prelu/);
  assert.throws(() => parseSwap("elu:tanh"), /Cannot swap to "tanh": needed is one of relu, relu6/);
  assert.throws(() => parseSwap("relu:relu"), /for itself/);
});

/** Two pictures and what `layer` makes of both, added. */
function siamese(layer: tfl.layers.Layer): tfl.LayersModel {
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [4, 4, 2], name }));
  const sum = apply(layers.add({ name: "sum" }), ...inputs.map((input) => apply(layer, input)));
  return seedWeights(tfl.model({ inputs, outputs: sum }));
}

Deno.test("splitActivation and splitSeparable split all calls of a shared layer, which share its parts", () => {
  const layer = layers.separableConv2d({ filters: 3, kernelSize: 3, activation: "elu", name: "sep" });
  const { names, log, model } = rewriteSame(siamese(layer), [splitSeparable, splitActivation]);
  assert.deepEqual(names.filter((name) => !name.endsWith(":InputLayer")).sort(), [
    "sep_1_pointwise_elu:Activation",
    "sep_depthwise:DepthwiseConv2D",
    "sep_pointwise:Conv2D",
    "sep_pointwise_elu:Activation",
    "sum:Add",
  ]);
  assert.deepEqual(log.map(formatRewrite), [
    'sep: split_separable: becomes "sep_depthwise" and "sep_pointwise"',
    'sep_pointwise: split_activation: elu is layers of its own, "sep_pointwise_elu", "sep_1_pointwise_elu"',
  ]);
  assert.equal(model.weights.length, 3);
});

Deno.test("swapActivation swaps a fused activation in all calls of its layer, and declines where one is the answer", () => {
  const swap = [swapActivation({ from: "relu", to: "relu6" })];
  const { graph, log } = rewrite(fromModel(siamese(layers.dense({ units: 2, activation: "relu", name: "fc" }))), swap);
  assert.equal(nodeOf(graph, "fc").layer.config.activation, "relu6");
  assert.equal(nodeOf(graph, "fc").layer, nodeOf(graph, "fc_1").layer);
  assert.deepEqual(log.map(formatRewrite), ['fc: swap_activation: relu becomes relu6 in all 2 calls of "fc"']);
  const input = tfl.input({ shape: [2], name: "x" });
  const dense = layers.dense({ units: 2, activation: "relu", name: "fc" });
  const twice = tfl.model({ inputs: input, outputs: apply(dense, apply(dense, input)) });
  assert.match(
    formatRewrite(rewrite(fromModel(twice), swap).log[0]),
    /fc: .*not applied, because "fc_1" is the model's/,
  );
});

Deno.test("swapActivation makes own layers of the calls of a shared activation that has weights", () => {
  const { graph } = rewrite(fromModel(siamese(layers.prelu({ name: "act" }))), [
    swapActivation({ from: "prelu", to: "relu" }),
  ]);
  const calls = ["act", "act_1"].map((name) => nodeOf(graph, name).layer);
  assert.deepEqual(calls.map(({ name, className, weights }) => [name, className, weights.length]), [
    ["act", "ReLU", 0],
    ["act_1", "ReLU", 0],
  ]);
});

Deno.test("fixInputShape() fixes what an input leaves open, and refuses names and shapes that do not fit", () => {
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [null, null, 2], name }));
  const conv = layers.conv2d({ filters: 1, kernelSize: 3, name: "conv" });
  const model = seedWeights(tfl.model({ inputs, outputs: inputs.map((input) => apply(conv, input)) }));
  const fixed = fixInputShape(model, { a: [5, 6, 2], b: [8, 8, 2] });
  assert.deepEqual(fixed.outputs.map(({ shape }) => shape), [[null, 3, 4, 1], [null, 6, 6, 1]]);
  assert.deepEqual(fixed.getWeights().map((w) => [...w.dataSync()]), model.getWeights().map((w) => [...w.dataSync()]));
  assert.throws(() => fixInputShape(model, [5, 6, 2]), /one shape is given for the inputs a, b/);
  assert.throws(() => fixInputShape(model, { aa: [5, 6, 2] }), /no input "aa", needed is one of a, b/);
  assert.throws(() => fixInputShape(model, { a: [5, 6] }), /input "a": \[5,6\] is given, 3 whole numbers/);
});
