import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { parseSwap, qatRules, rewriteModel } from "./mod.ts";

tf.env().set("PROD", true);
const { layers } = tfl;

Deno.test("qatRules() leave the names of a model's outputs as they are where it has several", () => {
  const x = tfl.input({ shape: [8, 8, 4], name: "x" });
  const trunk = layers.conv2d({ filters: 4, kernelSize: 1, name: "trunk" });
  const value = trunk.apply(x) as tfl.SymbolicTensor;
  const heads = [
    layers.dense({ units: 2, activation: "softmax", name: "soft" }),
    layers.separableConv2d({ filters: 3, kernelSize: 3, activation: "relu", name: "separable" }),
    layers.separableConv2d({ filters: 3, kernelSize: 3, name: "bare" }),
    layers.activation({ activation: "linear", name: "identity" }),
    layers.conv2d({ filters: 2, kernelSize: 1, activation: "swish", name: "swish" }),
    layers.leakyReLU({ name: "leaky" }),
  ];
  const pooled = layers.maxPooling2d({ poolSize: 2 }).apply(value) as tfl.SymbolicTensor;
  const outputs = [...heads.map((head) => head.apply(value)), layers.reLU({ name: "behind_pool" }).apply(pooled)];
  const model = tfl.model({ inputs: x, outputs: outputs as tfl.SymbolicTensor[] });
  const names = [...heads.map(({ name }) => name), "behind_pool"];
  const { model: rewritten, log } = rewriteModel(model, qatRules([parseSwap("leaky_relu:relu")]));
  assert.deepEqual(rewritten.outputNames, names);
  assert.ok(log.some((entry) => !entry.ok && entry.because === `"identity" is the name of an output`));
  const input = tf.randomUniform([2, 8, 8, 4], -1, 1, "float32", 7);
  const answers = [model, rewritten].map((each) => each.predict(input) as tf.Tensor[]);
  const kept = names.map((_, i) => i).filter((i) => names[i] !== "leaky");
  for (const i of kept) assert.deepEqual(answers[1][i].dataSync(), answers[0][i].dataSync(), names[i]);
});

/** Heads of one output, which is called "cls", by how they come about. */
const HEADS: Readonly<Record<string, () => tfl.layers.Layer>> = {
  "a dense layer": () => layers.dense({ units: 3, name: "cls" }),
  "a fused softmax": () => layers.dense({ units: 3, activation: "softmax", name: "cls" }),
  "a fused swish": () => layers.dense({ units: 3, activation: "swish", name: "cls" }),
  "a softmax layer": () => layers.softmax({ name: "cls" }),
  "a linear activation": () => layers.activation({ activation: "linear", name: "cls" }),
  "a LeakyReLU": () => layers.leakyReLU({ name: "cls" }),
  "a dropout": () => layers.dropout({ rate: 0.5, name: "cls" }),
  "a model": () => nested("cls", layers.dense({ units: 3, activation: "softmax", name: "dense" })),
  "a model whose last layer is called as it is": () =>
    nested("cls", layers.dense({ units: 3, activation: "sigmoid", name: "cls" })),
  "a model whose first layer is called as it is": () =>
    nested(
      "cls",
      layers.dense({ units: 2, name: "cls" }),
      layers.dense({ units: 2, activation: "softmax", name: "s" }),
    ),
  "a model in a model": () =>
    nested("cls", nested("inner", layers.dense({ units: 3, activation: "softmax", name: "dense" }))),
};

function nested(name: string, ...inner: tfl.layers.Layer[]): tfl.LayersModel {
  const x = tfl.input({ shape: [4] });
  const y = inner.reduce((value, layer) => layer.apply(value) as tfl.SymbolicTensor, x);
  return tfl.model({ inputs: x, outputs: y, name });
}

for (const [what, makeHead] of Object.entries(HEADS)) {
  Deno.test(`qatRules() leave the name of the only output as it is where it is ${what}`, () => {
    const x = tfl.input({ shape: [4], name: "x" });
    const trunk = layers.dense({ units: 4, name: "dense" }).apply(x) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: x, outputs: makeHead().apply(trunk) as tfl.SymbolicTensor });
    const { model: rewritten } = rewriteModel(model, qatRules([]));
    assert.deepEqual([model.outputNames, rewritten.outputNames], [["cls"], ["cls"]]);
    const input = tf.randomUniform([5, 4], -1, 1, "float32", 7);
    const [before, after] = [model, rewritten].map((each) => (each.predict(input) as tf.Tensor).dataSync());
    assert.deepEqual(after, before);
  });
}
