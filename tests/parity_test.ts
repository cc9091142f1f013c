/**
 * The simulated model is the deployed one: TF.js with fake quantization against the exported file in ONNX Runtime.
 *
 * Codes are compared layer by layer, each layer given the same input.
 *
 * - Deployed, on integer kernels, against evaluation, which has their arithmetic: no code differs.
 * - Run as it is written, in float32, against the arithmetic of training: the file computes what was simulated, biases
 *   included. What remains differs by one code, where a value lies within float32's error of a tie: batch normalization is
 *   folded into the weights and the engine keeps channels in blocks, so sums are rounded in another order (1e-6 to 7e-6 of
 *   the outputs).
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { readMnist } from "../data/sources/mnist.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { layersIn, QuantizedWeights, setQatPhase } from "../src/quant/mod.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { type PrepareOptions, prepareQat } from "../quantize/prepare.ts";
import { PER_TENSOR_WEIGHTS } from "../quantize/recipe.ts";
import { compareLayers, type Difference, FUSED, runFile, total, UNFUSED } from "./_support/parity.ts";
import { fill, FOLDED_MODELS, pictures, PLAIN_MODELS, type Weights } from "./_support/parity_models.ts";
import { sharedPath, testWithShared } from "./_support/shared.ts";

/**
 * Bound on the share of codes that differ by other orders of summation, beyond the one that a small sample may hold.
 * Measured over 80 models of these kinds: 5e-6 at most.
 */
const SUMMATION_SHARE = 2e-5;

async function prepared(model: tfl.LayersModel, x: tf.Tensor, options: PrepareOptions = {}): Promise<tfl.LayersModel> {
  const { model: ready } = prepareQat(model, options);
  // A moving average: ranges that end on values of the data would make ties of them.
  await calibrate(ready, [x, tf.mul(x, 0.83)], { beforeTraining: true });
  return ready;
}

/** Runs `run` while inference has the arithmetic that training has. */
async function trainingArithmetic<T>(run: () => Promise<T>): Promise<T> {
  await registerBackend({ integerKernels: false });
  try {
    return await run();
  } finally {
    await registerBackend({ integerKernels: true });
  }
}

/** Asserts that evaluation has the codes of the deployed file, and training those of the file as written, but for ties. */
async function assertAgrees(model: tfl.LayersModel, x: tf.Tensor): Promise<void> {
  assertEqual(await compareLayers(model, x, FUSED));
  const written = await trainingArithmetic(() => compareLayers(model, x, UNFUSED));
  assertFew(written, SUMMATION_SHARE);
}

function assertEqual(differences: readonly Difference[]): void {
  assert.deepEqual(differences.filter(({ different }) => different > 0), []);
  assert.ok(total(differences).compared > 0);
}

function assertFew(differences: readonly Difference[], share: number): void {
  const { compared, different, largest } = total(differences);
  assert.ok(different <= 1 + share * compared, `${different} of ${compared} codes differ`);
  assert.ok(largest <= 1, `a code differs by ${largest}`);
}

const GRAINS: Readonly<Record<string, PrepareOptions>> = {
  channel: {},
  tensor: { recipe: { rules: [PER_TENSOR_WEIGHTS] } },
};

for (const weights of ["usual", "worst"] satisfies Weights[]) {
  for (const [grain, options] of Object.entries(GRAINS)) {
    const how = `with ${weights} weights, one scale a ${grain}`;
    for (const [name, make] of Object.entries(PLAIN_MODELS)) {
      Deno.test(`toOnnx() writes the codes that were simulated when the model has ${name}, ${how}`, async () => {
        await registerBackend();
        const x = pictures(8);
        const model = await prepared(fill(make(), weights), x, options);
        assertEqual(await compareLayers(model, x, FUSED));
        await trainingArithmetic(async () => {
          assertEqual(await compareLayers(model, x, UNFUSED));
          const [deployed] = await runFile(model, x, UNFUSED);
          assert.deepEqual((model.predictOnBatch(x) as tf.Tensor).dataSync(), deployed);
        });
      });
    }
    for (const [name, make] of Object.entries(FOLDED_MODELS)) {
      Deno.test(`toOnnx() writes the codes that were simulated but for ties when the model has ${name}, ${how}`, async () => {
        await registerBackend();
        const x = pictures(8);
        const model = await prepared(fill(make(), weights), x, options);
        await assertAgrees(model, x);
      });
    }
  }
}

Deno.test("compareLayers() finds differences when the simulation does not round biases", async () => {
  await registerBackend();
  const x = pictures(8);
  for (const make of [PLAIN_MODELS["a separable convolution"], FOLDED_MODELS["convolutions and batch normalization"]]) {
    const model = await prepared(fill(make(), "usual"), x);
    const unrounded = () => withoutRounding(model, () => compareLayers(model, x, UNFUSED));
    assert.ok(total(await trainingArithmetic(unrounded)).different > 0);
  }
});

/** Runs `compare` on a simulation that leaves biases alone; the file still rounds them. */
async function withoutRounding<T>(model: tfl.LayersModel, compare: () => Promise<T>): Promise<T> {
  const weighted = layersIn(model).filter((layer) => layer instanceof QuantizedWeights);
  for (const layer of weighted) layer.biasFolding = () => undefined;
  try {
    return await compare();
  } finally {
    for (const layer of weighted) Reflect.deleteProperty(layer, "biasFolding");
  }
}

Deno.test("toOnnx() writes the codes that were simulated when the model was trained, frozen and trained on", async () => {
  await registerBackend();
  const x = pictures(16);
  const { model } = prepareQat(fill(FOLDED_MODELS["skips and pools"](), "usual"));
  model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
  const y = tf.oneHot(tf.tensor1d(Array.from({ length: 16 }, (_, i) => i % 10), "int32"), 10);
  for (const phase of [{}, { observing: false, trainingBatchNorm: false }]) {
    setQatPhase(model, phase);
    await model.fit(x, y, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
  }
  await assertAgrees(model, x);
});

testWithShared(
  "lenet_mnist answers as simulated when it is deployed and reads real digits",
  "data/mnist",
  async (dir) => {
    const path = sharedPath("models/lenet_mnist");
    assert.ok(path, "there is no ../shared/models/lenet_mnist");
    await registerBackend();
    const { test } = await readMnist(dir);
    const count = 200;
    const x = tf.tensor(Float32Array.from(test.images.slice(0, count * 784), (pixel) => pixel / 255), [
      count,
      28,
      28,
      1,
    ]);
    const model = await prepared((await loadLayersModel(path)).model, x);
    await assertAgrees(model, x);
  },
);

for (const name of ["emotion_mobilenet_v1_025", "faceapi_expression"]) {
  testWithShared(`${name} has the codes that were simulated when it is deployed`, `models/${name}`, async (path) => {
    await registerBackend();
    const { model: float } = await loadLayersModel(path);
    // All dimensions but the batch are known.
    const x = tf.randomUniform([2, ...float.inputs[0].shape.slice(1) as number[]], 0, 1, "float32", 3);
    const model = await prepared(float, x);
    await assertAgrees(model, x);
  });
}
