/** What is read of models without their weights, and copies of what a layer reads twice. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { apply, inputFor, predict, seedWeights } from "../../tests/_support/small_models.ts";
import { activationOf, isRelu } from "./activation.ts";
import { dropIdentity } from "./drop_identity.ts";
import { fromModel, type LayerConfig, modelCalls, rewrite, valueNames, withCopies } from "./mod.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

/** image → conv → (conv + conv) and relu(conv): TF.js 4.22 frees what the Add reads twice before the ReLU reads it. */
function readTwice({ isReadElsewhere }: { readonly isReadElsewhere: boolean }): tfl.LayersModel {
  const image = tfl.input({ shape: [4, 4, 2], name: "image" });
  const conv = apply(layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" }), image);
  const sum = apply(layers.add({ name: "sum" }), conv, conv);
  const relu = apply(layers.reLU({ name: "relu" }), isReadElsewhere ? conv : sum);
  return seedWeights(tfl.model({ inputs: image, outputs: isReadElsewhere ? [sum, relu] : relu, name: "twice" }));
}

Deno.test("withCopies() copies what is read twice by one layer and again by another, and nothing else", () => {
  const plain = readTwice({ isReadElsewhere: false });
  assert.equal(withCopies(plain), plain);
  const model = readTwice({ isReadElsewhere: true });
  model.setUserDefinedMetadata({ note: "kept" });
  const copied = withCopies(model);
  assert.notEqual(copied, model);
  assert.deepEqual(copied.getUserDefinedMetadata(), { note: "kept" });
  assert.equal(copied.layers.length, model.layers.length + 1);
  const inputs = inputFor(model);
  const conv = tfl.model({ inputs: model.inputs, outputs: model.getLayer("conv").output });
  const [known] = predict(conv, inputs);
  const [sum, relu] = predict(copied, inputs);
  assert.deepEqual(sum, known.map((x) => 2 * x));
  assert.deepEqual(relu, known.map((x) => Math.max(x, 0)));
});

Deno.test("valueNames() and modelCalls() name calls and values in their order, without reading a weight", () => {
  const model = readTwice({ isReadElsewhere: true });
  assert.deepEqual(valueNames(model, model.outputs), ["sum", "relu"]);
  assert.deepEqual(valueNames(model, model.inputs), ["image"]);
  const calls = modelCalls(model).map(({ name, inbound }) => [name, ...inbound]);
  assert.deepEqual(calls, [["image"], ["conv", "image"], ["sum", "conv", "conv"], ["relu", "conv"]]);
  // Weights that are gone are not read.
  model.dispose();
  assert.deepEqual(valueNames(model, model.outputs), ["sum", "relu"]);
});

Deno.test("activationOf() tells ReLUs apart by where they end, whether that is null or left out", () => {
  const configs: readonly LayerConfig[] = [{}, { maxValue: null }, { maxValue: 6 }, { maxValue: 2 }];
  const names = configs.map((config) => activationOf({ className: "ReLU", config })?.name);
  assert.deepEqual(names, ["relu", "relu", "relu6", "clipped_relu"]);
  assert.ok(isRelu({ className: "ReLU", config: {} }) && !isRelu({ className: "Softmax", config: {} }));
});

Deno.test("dropIdentity keeps padding whose amounts a file leaves out", () => {
  const padding = layers.zeroPadding2d({ padding: 0, inputShape: [4, 4, 2], name: "pad" });
  const graph = fromModel(
    seedWeights(tfl.sequential({ layers: [padding, layers.conv2d({ filters: 2, kernelSize: 1, name: "conv" })] })),
  );
  const names = (paddings: number[]) => {
    const nodes = graph.nodes.map((node) =>
      node.name === "pad" ? { ...node, layer: { ...node.layer, config: { padding: paddings } } } : node
    );
    return rewrite({ ...graph, nodes }, [dropIdentity]).graph.nodes.map(({ name }) => name);
  };
  assert.deepEqual(names([0, 0]), ["pad_input", "conv"]);
  assert.deepEqual(names([0, 1]), ["pad_input", "pad", "conv"]);
  assert.deepEqual(names([]), ["pad_input", "pad", "conv"]);
});
