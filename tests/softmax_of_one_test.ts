/** Softmax over an axis of length 1 is 1, as a layer, an activation and inside a net, for every target. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { verifyFusion } from "../export/verify.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { TARGETS } from "../quantize/targets/mod.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { FakeQuantize, registerQuantKernels } from "../src/quant/mod.ts";
import { predict, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

// TF.js's types do not list it.
const LOG_SOFTMAX = "logSoftmax" as string as "softmax";

/** Nets by what they are, and what they answer; undefined where softmax is inside. */
const NETS: Readonly<Record<string, { readonly layers: () => tfl.layers.Layer[]; readonly answer?: number }>> = {
  "a layer behind a dense one": {
    layers: () => [layers.dense({ units: 1, inputShape: [3] }), layers.softmax({ name: "softmax" })],
    answer: 1,
  },
  "an activation of a dense layer": {
    layers: () => [layers.dense({ units: 1, activation: "softmax", inputShape: [3] })],
    answer: 1,
  },
  "an activation of a convolution, before a dense layer": {
    layers: () => [
      layers.conv2d({ filters: 1, kernelSize: 2, activation: "softmax", inputShape: [4, 4, 2] }),
      layers.flatten(),
      layers.dense({ units: 3 }),
    ],
  },
  "a layer over sequences, then reshaped": {
    layers: () => [
      layers.dense({ units: 1, inputShape: [5, 2] }),
      layers.softmax({ axis: -1 }),
      layers.flatten(),
    ],
    answer: 1,
  },
  "an activation over volumes": {
    layers: () => [
      layers.reshape({ targetShape: [2, 3, 2, 1], inputShape: [12] }),
      layers.activation({ activation: "softmax" }),
    ],
    answer: 1,
  },
  "a logarithm of it": {
    layers: () => [
      layers.dense({ units: 1, inputShape: [3] }),
      layers.activation({ activation: LOG_SOFTMAX }),
    ],
    answer: 0,
  },
};

for (const [name, { layers: parts, answer }] of Object.entries(NETS)) {
  Deno.test(`a softmax of one value is 1 in training and file, for every target, when it is ${name}`, async () => {
    await registerBackend();
    await tf.setBackend(BACKEND);
    for (const { name: target, file } of TARGETS) {
      const model = seedWeights(tfl.sequential({ layers: parts() }));
      const x = randomTensor([6, ...model.inputs[0].shape.slice(1) as number[]], 3);
      const { model: prepared } = prepareQat(model, { target });
      await calibrate(prepared, [x]);
      const [float, simulated] = [model, prepared].map((one) => predict(one, [x])[0]);
      if (answer !== undefined) {
        assert.deepEqual(new Set([...float, ...simulated].map((y) => y + 0)), new Set([answer]));
      }
      if (file === undefined) continue;
      const exported = await toOnnx(prepared, { debug: true });
      const [deployed] = runExported(exported, [x], file.session);
      assert.deepEqual(deployed, simulated, target);
      const size = Math.max(...float.map(Math.abs));
      simulated.forEach((y, i) => assert.ok(Math.abs(y - float[i]) <= 0.02 * size, `${target}: ${y} for ${float[i]}`));
    }
  });
}

Deno.test("toOnnx() writes a softmax of one value right in a model that was prepared with a grid behind it", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  registerQuantKernels();
  const model = tfl.sequential({
    layers: [
      new FakeQuantize({ name: "q", fixed: { scale: 0.1, zeroPoint: 128 }, batchInputShape: [null, 1] }),
      layers.softmax({ name: "softmax" }),
      new FakeQuantize({ name: "softmax_quant", fixed: { scale: 1 / 256, zeroPoint: 0 } }),
    ],
  });
  const x = tf.tensor2d([[1], [-3], [0]]);
  const exported = await toOnnx(model, { debug: true });
  assert.deepEqual([...runExported(exported, [x])[0]], Array(3).fill(255 / 256));
  const { float } = verifyFusion(exported.bytes, exported.graph, { declined: exported.declined });
  assert.deepEqual(float.map(({ op, layer }) => [op, layer]), [["Pow", "softmax"]]);
  assert.match(float[0].because, /a softmax of one value, 1 by definition/);
});
