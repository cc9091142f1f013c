import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../../src/numbers/random.ts";
import { answersOf, apart, residualNet } from "./_test_nets.ts";
import { settleNorms } from "./settle_norms.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** So many pictures, by the name of the input. */
function pictures(size: number, seed: number) {
  const random = new Random(seed);
  return { inputs: { image: Float32Array.from({ length: size * 72 }, () => random.between(0, 2)) }, size };
}

Deno.test("settleNorms() finds the statistics of what layers are given, over all batches, and changes no answer", async () => {
  const model = residualNet();
  const before = await answersOf(model);
  const batches = [pictures(11, 1), pictures(3, 2)];
  settleNorms(model, ["conv_bn", "depthwise_bn"], batches);
  assert.ok(apart(await answersOf(model), before) < 1e-5);
  // Against the convolution of all samples together.
  const all = Float32Array.from(batches.flatMap(({ inputs }) => [...inputs.image]));
  const y = tf.tidy(() => model.getLayer("conv").apply(tf.tensor(all, [14, 6, 6, 2])) as tf.Tensor);
  const { mean, variance } = tf.moments(y, [0, 1, 2]);
  const [, , ownMean, ownVariance] = model.getLayer("conv_bn").getWeights();
  assert.ok(apart(ownMean.dataSync<"float32">(), mean.dataSync<"float32">()) < 1e-5);
  assert.ok(apart(ownVariance.dataSync<"float32">(), variance.dataSync<"float32">()) < 1e-5);
});

Deno.test("settleNorms() leaves other layers alone, and all of them where there is no batch", () => {
  const model = residualNet();
  const weights = () => model.getLayer("skip_bn").getWeights().map((weight) => [...weight.dataSync()]);
  const before = weights();
  settleNorms(model, ["conv_bn"], [pictures(2, 1)]);
  settleNorms(model, ["skip_bn"], []);
  assert.deepEqual(weights(), before);
});
