import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {
  apply,
  inputFor,
  islandModel,
  nestedModel,
  predict,
  randomTensor,
  seedWeights,
  sequentialModel,
  skipModel,
} from "../../tests/_support/small_models.ts";
import { keepOutputs } from "./edit.ts";
import { fromModel } from "./from_model.ts";
import { constantNode } from "./constant_value.ts";
import { callsOf, consumersOf, isOutput, nodeOf, ownCall, producerOf, valuesOf, weightOf } from "./layer_graph.ts";
import { toModel } from "./to_model.ts";
import { shadow } from "../shadow.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

function assertRoundTrip(model: tfl.LayersModel): tfl.LayersModel {
  const copy = toModel(fromModel(model));
  const inputs = inputFor(model);
  assert.deepEqual(predict(copy, inputs), predict(model, inputs));
  return copy;
}

function separable(depthMultiplier: number): tfl.Sequential {
  const layer = layers.separableConv2d({
    filters: 4,
    kernelSize: 3,
    depthMultiplier,
    inputShape: [5, 5, 2],
    name: "sep",
  });
  return seedWeights(tfl.sequential({ layers: [layer] }));
}

for (const make of [sequentialModel, skipModel, nestedModel, islandModel]) {
  Deno.test(`toModel() of fromModel() answers exactly as ${make.name}() does`, () => {
    assertRoundTrip(make());
  });
}

Deno.test("fromModel() names nodes after layers and lists them in topological order", () => {
  const graph = fromModel(skipModel());
  const place = new Map(graph.nodes.map((node, i) => [node.name, i]));
  for (const node of graph.nodes) {
    for (const name of node.inbound) assert.ok(place.get(name)! < place.get(node.name)!, `${name} before ${node.name}`);
  }
  assert.deepEqual(graph.inputs, ["image"]);
  assert.deepEqual(graph.outputs, ["score", "conv_map"]);
  assert.deepEqual(nodeOf(graph, "cat").inbound, ["up", "relu_a"]);
  assert.deepEqual(consumersOf(graph, "relu_a").map((node) => node.name), ["conv_b", "sum", "cat"]);
  assert.ok(isOutput(graph, "conv_map") && !isOutput(graph, "gap"));
});

Deno.test("fromModel() flattens nested models and prefixes only names that clash", () => {
  const names = fromModel(nestedModel()).nodes.map((node) => node.name);
  assert.deepEqual(names, ["inner_image", "conv", "block/conv", "bn", "leaky", "sum", "flat", "conv_fc"]);
});

Deno.test("fromModel() keeps a nested model's layers frozen when the model is", () => {
  const model = nestedModel();
  model.layers[0].trainable = false;
  const graph = fromModel(model);
  assert.equal(nodeOf(graph, "block/conv").layer.config.trainable, false);
  assert.equal(nodeOf(graph, "conv_fc").layer.config.trainable, true);
});

Deno.test("fromModel() copies weights, so that later training does not reach them", () => {
  const model = sequentialModel();
  const kernel = weightOf(nodeOf(fromModel(model), "fc").layer, "kernel");
  const before = kernel.data.slice();
  seedWeights(model, 99);
  assert.deepEqual(kernel.data, before);
  assert.deepEqual(kernel.shape, [2 * 2 * 8, 5]);
});

Deno.test("fromModel() recovers the depth multiplier that SeparableConv2D forgets", () => {
  for (const multiplier of [1, 3]) {
    const model = separable(multiplier);
    assert.equal(fromModel(model).nodes[1].layer.config.depthMultiplier, multiplier);
    assertRoundTrip(model);
  }
});

Deno.test("fromModel() reads DepthwiseConv2D with a regularizer, which TF.js serializes as a constraint", () => {
  const layer = layers.depthwiseConv2d({
    kernelSize: 3,
    depthwiseRegularizer: tfl.regularizers.l2({ l2: 0.1 }),
    inputShape: [4, 4, 2],
  });
  assertRoundTrip(seedWeights(tfl.sequential({ layers: [layer] })));
});

Deno.test("fromModel() reads -1 for the last axis of BatchNormalization, whichever way it is written", () => {
  for (const axis of [-1, 3, [3]]) {
    const model = sequentialModel();
    // What TF.js does with a file of newer Keras: it keeps the list and computes as if it were a number.
    Object.assign(model.getLayer("bn1"), { axis });
    assert.equal(nodeOf(fromModel(model), "bn1").layer.config.axis, -1);
  }
  const first = tfl.sequential({ layers: [layers.batchNormalization({ axis: 1, inputShape: [2, 3, 4], name: "bn" })] });
  assert.equal(nodeOf(fromModel(first), "bn").layer.config.axis, 1);
});

Deno.test("fromModel() makes two nodes of a layer without weights that is called twice", () => {
  const input = tfl.input({ shape: [4], name: "x" });
  const relu = layers.reLU({ name: "relu" });
  const dense = apply(layers.dense({ units: 4, name: "fc" }), apply(relu, input));
  const model = seedWeights(tfl.model({ inputs: input, outputs: apply(relu, dense) }));
  assert.deepEqual(fromModel(model).nodes.map((node) => node.name), ["x", "relu", "fc", "relu_1"]);
  assertRoundTrip(model);
});

Deno.test("fromModel() makes two calls of one layer that has weights, and toModel() one layer of them", () => {
  const input = tfl.input({ shape: [4], name: "x" });
  const dense = layers.dense({ units: 4, name: "fc" });
  const model = seedWeights(tfl.model({ inputs: input, outputs: apply(dense, apply(dense, input)) }));
  const graph = fromModel(model);
  assert.deepEqual(graph.nodes.map(({ name, inbound }) => [name, ...inbound]), [["x"], ["fc", "x"], ["fc_1", "fc"]]);
  assert.equal(nodeOf(graph, "fc").layer, nodeOf(graph, "fc_1").layer);
  assert.deepEqual(callsOf(graph, nodeOf(graph, "fc_1")).map(({ name }) => name), ["fc", "fc_1"]);
  const copy = assertRoundTrip(model);
  assert.deepEqual(copy.weights.map(({ originalName }) => originalName), ["fc/kernel", "fc/bias"]);
});

Deno.test("fromModel() reads a model that is called twice as calls of its layers", () => {
  const body = tfl.sequential({
    name: "body",
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 1, inputShape: [4, 4, 3], name: "conv" }),
      layers.reLU({ name: "r" }),
    ],
  });
  const inputs = ["a", "b"].map((name) => tfl.input({ shape: [4, 4, 3], name }));
  const sum = apply(layers.add({ name: "sum" }), ...inputs.map((input) => apply(body, input)));
  const model = seedWeights(tfl.model({ inputs, outputs: sum }));
  const calls = fromModel(model).nodes.slice(2).map(({ name, layer, inbound }) => [name, layer.name, ...inbound]);
  assert.deepEqual(calls, [
    ["conv", "conv", "a"],
    ["r", "r", "conv"],
    ["body/conv", "conv", "b"],
    ["body/r", "body/r", "body/conv"],
    ["sum", "sum", "r", "body/r"],
  ]);
  assertRoundTrip(model);
});

Deno.test("fromModel() names the values of a layer of several outputs, and toModel() gives them back", () => {
  const input = tfl.input({ shape: [3, 2], name: "x" });
  const lstm = layers.lstm({ units: 2, returnState: true, recurrentInitializer: "zeros", name: "lstm" });
  const states = lstm.apply(input);
  assert.ok(Array.isArray(states) && states.every((state) => state instanceof tfl.SymbolicTensor));
  const outputs = [states[2], apply(layers.add({ name: "sum" }), states[0], states[1])];
  const model = seedWeights(tfl.model({ inputs: input, outputs }));
  const graph = fromModel(model);
  assert.deepEqual(graph.outputs, ["lstm:2", "sum"]);
  assert.deepEqual(nodeOf(graph, "sum").inbound, ["lstm", "lstm:1"]);
  assert.deepEqual(valuesOf(producerOf(graph, "lstm:2")), ["lstm", "lstm:1", "lstm:2"]);
  assert.throws(() => producerOf(graph, "lstm:3"), /Cannot find value "lstm:3".*"lstm" has 3 outputs/);
  assertRoundTrip(model);
});

Deno.test("constantNode() makes a node that reads nothing, and stays so through a model and back", () => {
  const graph = fromModel(tfl.sequential({ layers: [layers.reLU({ inputShape: [2], name: "relu" })] }));
  const constant = constantNode("k", { shape: [2], data: Float32Array.of(10, 20) });
  const sum = ownCall({ name: "sum", className: "Add", config: {}, inbound: ["relu", "k"] });
  const model = toModel({ ...graph, nodes: [...graph.nodes, constant, sum], outputs: ["sum"] });
  assert.deepEqual(predict(model, [tf.tensor2d([[1, 2], [3, -4]])]), [Float32Array.of(11, 22, 13, 20)]);
  const again = nodeOf(fromModel(model), "k");
  assert.deepEqual([again.inbound, weightOf(again.layer, "value").data], [[], Float32Array.of(10, 20)]);
  assert.deepEqual(model.trainableWeights, []);
});

Deno.test("fromModel() refuses models without layers", () => {
  assert.throws(() => fromModel(tfl.sequential({ name: "void" })), /"void": it has no layers yet/);
});

Deno.test("toModel() refuses two layers of one name, and values that nothing gives", () => {
  const graph = fromModel(sequentialModel());
  const twin = { ...nodeOf(graph, "fc"), name: "twin", layer: { ...nodeOf(graph, "fc").layer } };
  assert.throws(() => toModel({ ...graph, nodes: [...graph.nodes, twin] }), /Cannot build "twin".*called "fc" too/);
  const lost = graph.nodes.map((node) => node.name === "flat" ? { ...node, inbound: ["dw:1"] } : node);
  assert.throws(() => toModel({ ...graph, nodes: lost }), /Cannot build "flat": it reads "dw:1"/);
});

Deno.test("toModel() rebuilds recurrent layers and wrappers", () => {
  const model = tfl.sequential({
    layers: [
      layers.timeDistributed({ layer: layers.dense({ units: 3 }), inputShape: [4, 2] }),
      layers.bidirectional({ layer: layers.gru({ units: 2, recurrentInitializer: "zeros" }), mergeMode: "concat" }),
    ],
  });
  assertRoundTrip(seedWeights(model));
});

Deno.test("initial states of recurrent layers are inputs, through a graph, a file and back", async () => {
  const [x, h, c] = [[3, 2], [4], [4]].map((shape) => tfl.input({ shape }));
  const lstm = tfl.layers.lstm({ units: 4, returnState: true, recurrentInitializer: "zeros" });
  const model = tfl.model({ inputs: [x, h, c], outputs: lstm.apply([x, h, c]) as tfl.SymbolicTensor[] });
  const graph = fromModel(model);
  assert.deepEqual(graph.nodes.at(-1)?.inbound, graph.inputs);
  const rebuilt = toModel(graph);
  let warned = 0;
  const restore = shadow(globalThis.console, "warn", () => void warned++);
  const loaded = await tfl.models.modelFromJSON({ modelTopology: Object(rebuilt.toJSON(null, false)) });
  restore();
  assert.equal(warned, 0);
  loaded.setWeights(rebuilt.getWeights());
  const fed = [[2, 3, 2], [2, 4], [2, 4]].map((shape, seed) => tf.randomNormal(shape, 0, 1, "float32", seed));
  const [expected, ...others] = [model, rebuilt, toModel(fromModel(loaded))].map((each) =>
    (each.predict(fed) as tf.Tensor[]).map((tensor) => tensor.arraySync())
  );
  for (const answers of others) assert.deepEqual(answers, expected);
});

Deno.test("toModel() accepts several inputs, in their order", () => {
  const [a, b] = ["a", "b"].map((name) => tfl.input({ shape: [3], name }));
  const model = tfl.model({ inputs: [b, a], outputs: apply(layers.concatenate(), a, b) });
  const copy = assertRoundTrip(model);
  assert.deepEqual(copy.inputNames, ["b", "a"]);
});

Deno.test("toModel() refuses a class that is not registered, and names layer and class", () => {
  const graph = fromModel(sequentialModel());
  const nodes = graph.nodes.map((node) =>
    node.name === "pool1" ? { ...node, layer: { ...node.layer, className: "Magic" } } : node
  );
  assert.throws(() => toModel({ ...graph, nodes }), {
    name: "TypeError",
    message: /"pool1": class "Magic" is unknown/,
  });
});

Deno.test("toModel() leaks nothing and leaves the original usable", () => {
  const model = skipModel();
  const inputs = inputFor(model);
  const expected = predict(model, inputs);
  const before = tf.memory().numTensors;
  const copy = toModel(fromModel(model));
  copy.dispose();
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(predict(model, inputs), expected);
});

Deno.test("toModel() makes a model that survives save and load, nested names included", async () => {
  const model = toModel(fromModel(nestedModel()));
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  assert.ok(saved !== undefined);
  const loaded = await tfl.loadLayersModel(tf.io.fromMemory(saved));
  const input = randomTensor([2, 4, 4, 3]);
  assert.deepEqual(predict(loaded, [input]), predict(model, [input]));
});

Deno.test("toModel() gives a model what was noted of its outputs, as long as it has them", () => {
  const input = tfl.input({ shape: [2], name: "x" });
  const outputs = ["a", "b"].map((name) => apply(layers.dense({ name, units: 1 }), input));
  const model = tfl.model({ inputs: input, outputs });
  model.setUserDefinedMetadata({ detection: { classes: 2 }, other: 1 });
  const graph = fromModel(model);
  const notedOf = (names: readonly string[]) => toModel(keepOutputs(graph, names)).getUserDefinedMetadata();
  assert.deepEqual(toModel(graph).getUserDefinedMetadata(), { detection: { classes: 2 } });
  assert.deepEqual(notedOf(["a", "b"]), { detection: { classes: 2 } });
  assert.deepEqual([notedOf(["a"]), notedOf(["b", "a"])], [undefined, undefined]);
});
