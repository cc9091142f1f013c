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
