import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Attention, PaddingMask } from "../sequences/mod.ts";
import { rewriteModel, splitAttention } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

function attending({ isMasked }: { readonly isMasked: boolean }): tfl.LayersModel {
  const tokens = tfl.input({ shape: [5], dtype: "int32", name: "tokens" });
  const embed = (name: string) =>
    tfl.layers.embedding({ inputDim: 7, outputDim: 6, name }).apply(tokens) as tfl.SymbolicTensor;
  const mask = isMasked ? [new PaddingMask({ name: "mask" }).apply(tokens) as tfl.SymbolicTensor] : [];
  const inputs = [...["queries", "keys", "values"].map(embed), ...mask];
  const attention = new Attention({ heads: 2, name: "attention" });
  return tfl.model({ inputs: tokens, outputs: attention.apply(inputs) as tfl.SymbolicTensor });
}

for (const isMasked of [false, true]) {
  Deno.test(`splitAttention makes three layers that compute the same, ${isMasked ? "with" : "without"} padding`, () => {
    const model = attending({ isMasked });
    const { model: split, log } = rewriteModel(model, [splitAttention]);
    const steps = split.layers.filter(({ name }) => name.startsWith("attention"));
    assert.deepEqual(steps.map((layer) => [layer.name, layer.getClassName()]), [
      ["attention_scores", "AttentionScores"],
      ["attention_weights", isMasked ? "AttentionWeights" : "Softmax"],
      ["attention", "AttentionContext"],
    ]);
    assert.deepEqual(log.map(({ layer, ok }) => [layer, ok]), [["attention", true]]);
    const tokens = tf.tensor2d([[1, 2, 3, 0, 0], [6, 5, 4, 3, 0]], [2, 5], "int32");
    const [a, b] = [model, split].map((model) => (model.predict(tokens) as tf.Tensor).dataSync());
    assert.deepEqual(a, b);
    assert.equal(split.weights.length, model.weights.length);
  });
}
