import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { runExported } from "../../export/_test_support.ts";
import { predict, randomTensor } from "../../tests/_support/small_models.ts";
import { codesOf, exportFor, NETS, testTarget } from "./_test_nets.ts";

// Samples within the ranges that were observed have codes up to 127, of which no pair of products saturates.
testTarget("fbgemm", { session: { precise: false }, float: { "hard sigmoid": ["hardSigmoid"], relu6: ["relu6"] } });

Deno.test('target "fbgemm" spreads ranges over 127 steps', async () => {
  const { prepared: { model }, x } = await exportFor("fbgemm", NETS.conv);
  const codes = codesOf(predict(model, [x])[0], model);
  assert.deepEqual([Math.min(...codes), Math.max(...codes)], [0, 127]);
});

Deno.test('target "fbgemm" saturates beyond the range at 255, in the file as in the simulation', async () => {
  const { prepared: { model }, exported } = await exportFor("fbgemm", NETS.conv);
  const x = tf.mul(randomTensor([4, 8, 8, 3], 9), 8);
  const simulated = codesOf(predict(model, [x])[0], model);
  assert.equal(Math.max(...simulated), 255);
  assert.deepEqual(codesOf(runExported(exported, [x], { precise: true })[0], model), simulated);
});

Deno.test('target "fbgemm" says why a ReLU6 stays in float', async () => {
  const { prepared: { islands } } = await exportFor("fbgemm", NETS.relu6);
  assert.deepEqual(islands, [{
    layer: "relu6",
    because: 'codes of target "fbgemm" go on beyond its maximum, and clipping them there runs in float',
  }]);
});
