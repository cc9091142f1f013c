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
} from "../tests/_support/small_models.ts";
import {
  FakeQuantize,
  FreezableBatchNormalization,
  PER_TENSOR,
  QuantizedWeights,
  setQatPhase,
} from "../src/quant/mod.ts";
import { fromModel, rewriteModel, swapActivation } from "../src/rewrite/mod.ts";
import { calibrate, uncalibratedIn } from "./calibrate.ts";
import { type PrepareOptions, prepareQat } from "./prepare.ts";
import { keepFloat, PER_TENSOR_WEIGHTS, type RecipeRule } from "./recipe.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

/** The wiring of a model, a line a layer: `conv(image_quant)`. */
function wiring(model: tfl.LayersModel): string[] {
  return fromModel(model).nodes.map((node) => `${node.name}(${node.inbound.join(", ")})`);
}

function prepare(model: tfl.LayersModel, options?: PrepareOptions) {
  const prepared = prepareQat(model, options);
  return { ...prepared, wiring: wiring(prepared.model) };
}

function layerOf(model: tfl.LayersModel, name: string): FakeQuantize {
  const layer = model.getLayer(name);
  assert.ok(layer instanceof FakeQuantize, name);
  return layer;
}

async function calibrated(model: tfl.LayersModel, options?: PrepareOptions): Promise<tfl.LayersModel> {
  const prepared = prepareQat(model, options).model;
  await calibrate(prepared, [inputFor(model, 11), inputFor(model, 12)]);
  return prepared;
}

function sequence(...parts: tfl.layers.Layer[]): tfl.Sequential {
  return seedWeights(tfl.sequential({ layers: parts }));
}

Deno.test("prepareQat() quantizes inputs, ends of units and softmax, and no layer of the same scale", () => {
  assert.deepEqual(prepare(sequentialModel()).wiring, [
    "conv1_input()",
    "conv1_input_quant(conv1_input)",
    "conv1(conv1_input_quant)",
    "bn1(conv1)",
    "act1(bn1)",
    "act1_quant(act1)",
    "pool1(act1_quant)",
    "dw(pool1)",
    "dw_relu(dw)",
    "dw_relu_quant(dw_relu)",
    "flat(dw_relu_quant)",
    "drop(flat)",
    "fc_linear(drop)",
    "fc_linear_quant(fc_linear)",
    "fc(fc_linear_quant)",
    "fc_quant(fc)",
  ]);
});

Deno.test("prepareQat() gives every reader of a skip connection the quantized value", () => {
  const { model, wiring } = prepare(skipModel());
  for (const line of ["conv_b(relu_a_quant)", "sum(relu_a_quant, conv_b_quant)", "cat(up, relu_a_quant)"]) {
    assert.ok(wiring.includes(line), line);
  }
  assert.ok(wiring.includes("up(avg_quant)"));
  assert.deepEqual(model.outputNames, ["score_quant", "conv_map_quant"]);
});

Deno.test("prepareQat() closes Q/DQ around float islands, with none inside and none at a float output", () => {
  const { wiring, islands, model } = prepare(islandModel());
  assert.deepEqual(wiring.slice(2), [
    "conv1(image_quant)",
    "conv1_quant(conv1)",
    "selu(conv1_quant)",
    "lone_bn(selu)",
    "lone_bn_quant(lone_bn)",
    "conv2(lone_bn_quant)",
    "conv2_quant(conv2)",
    "elu(conv2_quant)",
    "flat(elu)",
  ]);
  assert.deepEqual(islands, [
    { layer: "selu", because: "ONNX Runtime has no int8 kernel for Selu" },
    { layer: "lone_bn", because: '"selu" before it is in float' },
    { layer: "elu", because: "ONNX Runtime has no int8 kernel for Elu" },
    { layer: "flat", because: '"elu" before it is in float' },
  ]);
  assert.deepEqual(model.outputNames, ["flat"]);
});

Deno.test("prepareQat() keeps a value in float between float layers that int8 layers read too", () => {
  const input = tfl.input({ shape: [4], name: "x" });
  const selu = apply(
    layers.activation({ activation: "selu", name: "selu" }),
    apply(layers.dense({ units: 4, name: "a" }), input),
  );
  const elu = apply(layers.elu({ name: "elu" }), selu);
  const dense = apply(layers.dense({ units: 4, name: "b" }), selu);
  const outputs = apply(layers.add({ name: "sum" }), elu, dense);
  const { wiring } = prepare(tfl.model({ inputs: input, outputs }));
  for (const line of ["elu(selu)", "b(selu_quant)", "sum(elu_quant, b_quant)"]) assert.ok(wiring.includes(line), line);
});

Deno.test("prepareQat() leaves indices that an Embedding reads alone", () => {
  const model = sequence(
    layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 4, name: "words" }),
    layers.flatten({ name: "flat" }),
    layers.dense({ units: 2, name: "fc" }),
  );
  const { wiring, islands } = prepare(model);
  assert.deepEqual(wiring.slice(1), [
    "words(words_input)",
    "words_quant(words)",
    "flat(words_quant)",
    "fc(flat)",
    "fc_quant(fc)",
  ]);
  assert.deepEqual(islands.map(({ layer }) => layer), ["words"]);
});

Deno.test("prepareQat() puts a ReLU behind a float layer on a grid, which does its work", () => {
  const { wiring, islands } = prepare(
    sequence(
      layers.conv2dTranspose({ filters: 2, kernelSize: 3, inputShape: [4, 4, 2], name: "up" }),
      layers.reLU({ name: "relu" }),
      layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }),
    ),
  );
  assert.deepEqual(wiring.slice(1, 4), ["up(up_input)", "relu(up)", "relu_quant(relu)"]);
  assert.deepEqual(islands.map(({ layer }) => layer), ["up"]);
});

Deno.test("prepareQat() gives a ReLU that reads a grid one of its own", () => {
  const input = tfl.input({ shape: [4, 4, 2], name: "image" });
  const conv = apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }), input);
  const outputs = [conv, apply(layers.reLU({ name: "relu" }), conv)];
  const { wiring, ungrouped, model } = prepare(tfl.model({ inputs: input, outputs }));
  assert.deepEqual(wiring.slice(3), ["conv_quant(conv)", "relu(conv_quant)", "relu_quant(relu)"]);
  assert.equal(layerOf(model, "relu_quant").nonNegative, true);
  assert.match(ungrouped[0].because, /"conv" is a model output/);
});

Deno.test("prepareQat() starts ranges after ReLU at 0 and fixes those of softmax and sigmoid", () => {
  const { model, quantizers } = prepare(sequentialModel());
  assert.deepEqual(quantizers.filter((q) => q.nonNegative).map((q) => q.of), ["act1", "dw_relu", "fc"]);
  assert.deepEqual(layerOf(model, "fc_quant").readGrid(), {
    scale: 1 / 256,
    zeroPoint: 0,
    qmin: 0,
    qmax: 255,
    granularity: PER_TENSOR,
  });
  assert.equal(layerOf(model, "act1_quant").nonNegative, true);
  assert.equal(layerOf(model, "fc_linear_quant").nonNegative, false);
  assert.deepEqual(layerOf(prepareQat(skipModel()).model, "score_quant").fixed, {
    scale: 1 / 256,
    zeroPoint: 0,
  });
});

Deno.test("prepareQat() wraps weights per output channel with the scales max|w| / 127", () => {
  const model = sequentialModel();
  const prepared = prepareQat(model).model;
  for (
    const [name, weight, channels] of [
      ["conv1", "kernel", 4],
      ["dw", "depthwise_kernel", 8],
      ["fc_linear", "kernel", 5],
    ] as const
  ) {
    const layer = prepared.getLayer(name);
    assert.ok(layer instanceof QuantizedWeights);
    const kernel = Array.from(model.getLayer(name.replace("_linear", "")).getWeights()[0].dataSync());
    const expected = Array.from(
      { length: channels },
      (_, c) =>
        Math.fround(kernel.reduce((max, w, i) => i % channels === c ? Math.max(max, Math.abs(w)) : max, 0) / 127),
    );
    assert.deepEqual(Array.from(layer.readGrid(weight).scale as Float32Array), expected, name);
  }
});

Deno.test("prepareQat() quantizes weights per tensor when asked to", () => {
  const layer = prepareQat(sequentialModel(), { recipe: { rules: [PER_TENSOR_WEIGHTS] } }).model.getLayer("conv1");
  assert.ok(layer instanceof QuantizedWeights);
  assert.deepEqual(layer.readGrid("kernel").granularity, PER_TENSOR);
});

Deno.test("prepareQat() copies the statistics of BatchNormalization to one that can be frozen", () => {
  const model = sequentialModel();
  const norm = prepareQat(model).model.getLayer("bn1");
  assert.ok(norm instanceof FreezableBatchNormalization);
  const values = (layer: tfl.layers.Layer) => layer.getWeights().map((weight) => Array.from(weight.dataSync()));
  assert.deepEqual(values(norm), values(model.getLayer("bn1")));
});

Deno.test("prepareQat() leaves BatchNormalization over another axis as it is", () => {
  const model = sequence(layers.batchNormalization({ axis: 1, inputShape: [2, 3], name: "bn" }));
  assert.equal(prepareQat(model).model.getLayer("bn").getClassName(), "BatchNormalization");
});

Deno.test("prepareQat() swaps LeakyReLU unless told otherwise", () => {
  assert.equal(prepareQat(nestedModel()).model.getLayer("leaky").getClassName(), "ReLU");
  const { model, wiring } = prepare(nestedModel(), { swap: [] });
  assert.equal(model.getLayer("leaky").getClassName(), "LeakyReLU");
  assert.ok(wiring.includes("leaky(bn_quant)") && wiring.includes("leaky_quant(leaky)"));
});

Deno.test("prepareQat() keeps layers in float by name, by the name before splitting and by pattern", () => {
  const sep = layers.separableConv2d({
    filters: 2,
    kernelSize: 3,
    activation: "relu",
    inputShape: [5, 5, 2],
    name: "sep",
  });
  const model = sequence(
    sep,
    layers.flatten(),
    layers.dense({ units: 2, name: "fc" }),
    layers.dense({ units: 2, name: "fc2" }),
  );
  const islands = (...rules: RecipeRule[]) =>
    prepareQat(model, { recipe: { rules } }).islands.map(({ layer }) => layer);
  const like = (pattern: string): RecipeRule => ({ match: { pattern }, then: { float: true }, required: true });
  assert.deepEqual(islands(...keepFloat("fc")), ["fc"]);
  assert.deepEqual(islands(...keepFloat("sep")), ["sep_depthwise", "sep_pointwise"]);
  assert.deepEqual(islands(like("^fc")), ["fc", "fc2"]);
  assert.equal(prepareQat(model, { recipe: { rules: keepFloat("fc") } }).model.getLayer("fc").getClassName(), "Dense");
  assert.throws(() => islands(...keepFloat("fd")), {
    name: "RangeError",
    message: /none is called "fd" \(did you mean "fc"\?\)/,
  });
  assert.throws(() => islands(like("^fd")), { name: "RangeError", message: /none has a name like \/\^fd\// });
});

Deno.test("prepareQat() says why BatchNormalization after a layer kept in float is in float as well", () => {
  const { islands, wiring } = prepare(sequentialModel(), { recipe: { rules: keepFloat("conv1") } });
  assert.deepEqual(islands, [
    { layer: "conv1", because: "it was asked to stay in float" },
    { layer: "bn1", because: '"conv1" before it is in float' },
  ]);
  assert.deepEqual(wiring.slice(0, 6), [
    "conv1_input()",
    "conv1(conv1_input)",
    "bn1(conv1)",
    "act1(bn1)",
    "act1_quant(act1)",
    "pool1(act1_quant)",
  ]);
});

Deno.test("prepareQat() refuses a model that is prepared already", () => {
  const { model } = prepareQat(sequentialModel());
  assert.throws(() => prepareQat(model), { name: "TypeError", message: /"conv1_input_quant" is a FakeQuantize/ });
});

for (const make of [sequentialModel, skipModel, nestedModel, islandModel]) {
  Deno.test(`prepareQat() of ${make.name}() answers as the float model does while quantization is disabled`, () => {
    const model = make();
    const float = rewriteModel(model, [swapActivation()]).model;
    const { model: prepared } = prepareQat(model);
    setQatPhase(prepared, { fakeQuantizing: false });
    const inputs = inputFor(model);
    assertClose(predict(prepared, inputs), predict(float, inputs), 1e-5);
  });

  Deno.test(`prepareQat() of ${make.name}() answers nearly as the float model does once calibrated`, async () => {
    const model = make();
    const prepared = await calibrated(model, { swap: [] });
    const inputs = inputFor(model, 11);
    const [actual, expected] = [predict(prepared, inputs), predict(model, inputs)];
    assert.notDeepEqual(actual, expected);
    // A handful of roundings by half a step of 1/255 of the range each.
    assertClose(actual, expected, 0.05);
  });

  Deno.test(`prepareQat() of ${make.name}() keeps its state through save and load`, async () => {
    const prepared = await calibrated(make());
    const loaded = await saveAndLoad(prepared);
    const inputs = inputFor(prepared);
    assert.deepEqual(predict(loaded, inputs), predict(prepared, inputs));
    assert.deepEqual(uncalibratedIn(loaded), []);
    assert.deepEqual(wiring(loaded), wiring(prepared));
  });
}

Deno.test("prepareQat() makes the same model twice", () => {
  const [a, b] = [prepareQat(skipModel()), prepareQat(skipModel())];
  assert.deepEqual(fromModel(a.model), fromModel(b.model));
  assert.deepEqual({ ...a, model: null }, { ...b, model: null });
});

Deno.test("prepareQat() leaks nothing and leaves the original usable", () => {
  const model = nestedModel();
  const inputs = inputFor(model);
  const expected = predict(model, inputs);
  const before = tf.memory().numTensors;
  const { model: prepared } = prepareQat(model);
  assert.ok(tf.memory().numTensors > before);
  prepared.dispose();
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(predict(model, inputs), expected);
});

Deno.test("prepareQat() makes models that print a summary and train with fit()", async () => {
  const lines: string[] = [];
  const original = sequentialModel();
  // TF.js's own fit draws masks and the order of samples without a seed.
  Reflect.set(original.getLayer("drop"), "seed", 7);
  const { model } = prepareQat(original);
  model.summary(100, undefined, (line) => lines.push(String(line)));
  assert.ok(lines.some((line) => line.includes("act1_quant (FakeQuantize)")));
  model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
  const y = tf.oneHot(tf.tensor1d([0, 3], "int32"), 5);
  const history = await model.fit(randomTensor([2, 8, 8, 3]), y, { epochs: 8, verbose: 0, shuffle: false });
  const losses = history.history.loss.map(Number);
  assert.ok(losses.every(Number.isFinite) && losses[7] < losses[0], String(losses));
  assert.deepEqual(uncalibratedIn(model), []);
});

function assertClose(actual: readonly Float32Array[], expected: readonly Float32Array[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((values, i) => {
    const size = Math.max(...expected[i].map(Math.abs));
    const worst = Math.max(...values.map((value, j) => Math.abs(value - expected[i][j])));
    assert.ok(worst <= tolerance * size, `output ${i} differs by ${worst} of ${size}`);
  });
}

async function saveAndLoad(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  assert.ok(saved !== undefined);
  return await tfl.loadLayersModel(tf.io.fromMemory(saved));
}

Deno.test("prepareQat() leaves batch norm that cannot be folded in float where weights have one scale a tensor", () => {
  const model = () =>
    seedWeights(tfl.sequential({
      layers: [
        layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], activation: "relu", name: "first" }),
        layers.batchNormalization({ name: "bn" }),
        layers.conv2d({ filters: 4, kernelSize: 3, name: "second" }),
      ],
    }));
  const { islands } = prepare(model(), { target: "qnnpack" });
  const because = 'target "qnnpack" has one scale a weight tensor, and it would need one a channel';
  assert.deepEqual(islands, [{ layer: "bn", because }]);
  assert.deepEqual(prepare(model(), { target: "x86" }).islands, []);
});

Deno.test("prepareQat() says in its own words that TF.js cannot make a layer again", () => {
  const inner = tfl.sequential({
    layers: [layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [4, 4, 3], name: "conv" })],
  });
  // The model inside knows how many channels there are, what reads it does not.
  const input = tfl.input({ shape: [4, 4, null], name: "image" });
  const model = tfl.model({ inputs: input, outputs: apply(inner, input), name: "open" });
  assert.throws(() => prepareQat(model), /^RangeError: Cannot quantize "open": The channel dimension/);
});
