/** Biases on the accumulator's grid: QuantizedWeights' own, and the one that batch normalization is folded into. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose, randomValues } from "../_test_support.ts";
import { INT8_SYMMETRIC, type QuantScheme } from "../../numbers/scheme.ts";
import { saveAndLoad, useLayers, valuesOf } from "./_test_support.ts";
import { FakeQuantize } from "./fake_quantize_layer.ts";
import { FreezableBatchNormalization } from "./freezable_batch_normalization.ts";
import { quantizedLayer } from "./quantized_layer.ts";
import { QuantizedWeights } from "./quantized_weights.ts";
import { SharedCall } from "./shared_call.ts";

const { layers } = tfl;

/** A grid of inputs with steps of 1/2. */
const HALVES = { scale: 0.5, zeroPoint: 128 };

function quantizer(name: string, fixed = HALVES): FakeQuantize {
  return new FakeQuantize({ name, fixed });
}

/** A dense layer whose weights have scale 0.01, so that biases behind `HALVES` lie on steps of 0.005. */
function denseOf(
  bias: number,
  { name = "fc", scheme }: { name?: string; scheme?: QuantScheme } = {},
): QuantizedWeights {
  const layer = layers.dense({
    name,
    units: 1,
    kernelInitializer: tfl.initializers.constant({ value: 1.27 }),
    biasInitializer: tfl.initializers.constant({ value: bias }),
  });
  return new QuantizedWeights({ layer, weights: [{ name: "kernel", axis: 1 }], ...(scheme && { scheme }) });
}

function chain(...parts: tfl.layers.Layer[]): tfl.Sequential {
  return tfl.sequential({ layers: [layers.inputLayer({ inputShape: [2] }), ...parts] });
}

/** What a model of two inputs answers to zeros: its bias, as it is used. */
function biasIn(model: tfl.LayersModel): number {
  return valuesOf(model.predict(tf.zeros([1, ...model.inputs[0].shape.slice(1) as number[]])))[0];
}

function symbolic(layer: tfl.layers.Layer, ...inputs: tfl.SymbolicTensor[]): tfl.SymbolicTensor {
  // A layer with one output, called with symbolic tensors, returns one.
  return layer.apply(inputs.length === 1 ? inputs[0] : inputs) as tfl.SymbolicTensor;
}

for (const scheme of [undefined, INT8_SYMMETRIC]) {
  const grain = scheme === undefined ? "channel" : "tensor";
  Deno.test(`QuantizedWeights rounds its bias to input scale times weight scale when there is one a ${grain}`, async () => {
    await useLayers();
    const round = (bias: number) => biasIn(chain(quantizer("q"), denseOf(bias, scheme && { scheme })));
    assertClose([round(0.012), round(0.013), round(-0.0026)], [0.01, 0.015, -0.005], 1e-6);
  });
}

Deno.test("QuantizedWeights keeps its bias when the quantizer before it or itself is disabled", async () => {
  await useLayers();
  const [input, dense] = [quantizer("q"), denseOf(0.012)];
  const model = chain(input, dense);
  assertClose([biasIn(model)], [0.01], 1e-6);
  input.enabled = false;
  assertClose([biasIn(model)], [0.012], 1e-6);
  input.enabled = true;
  dense.enabled = false;
  assertClose([biasIn(model)], [0.012], 1e-6);
});

Deno.test("QuantizedWeights follows the scale of the quantizer before it when that is observed", async () => {
  await useLayers();
  const input = new FakeQuantize({ name: "q" });
  const model = chain(input, denseOf(0.012));
  input.setRange({ min: -63.5, max: 64 });
  assertClose([biasIn(model)], [0.01], 1e-6);
  input.setRange({ min: -31.75, max: 32 });
  assertClose([biasIn(model)], [0.0125], 1e-6);
});

Deno.test("QuantizedWeights finds its input's grid when layers that move values stand between", async () => {
  await useLayers();
  const model = tfl.sequential({
    layers: [
      layers.inputLayer({ inputShape: [4, 4, 1] }),
      quantizer("q"),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.dropout({ rate: 0.5 }),
      layers.flatten(),
      denseOf(0.012),
    ],
  });
  assertClose([biasIn(model)], [0.01], 1e-6);
  assertClose([biasIn(await saveAndLoad(model))], [0.01], 1e-6);
});

Deno.test("QuantizedWeights finds its input's grid when a functional model is saved and loaded", async () => {
  await useLayers();
  const x = tfl.input({ shape: [2] });
  const y = symbolic(denseOf(0.012), symbolic(quantizer("q"), x));
  const model = tfl.model({ inputs: x, outputs: y });
  assertClose([biasIn(model)], [0.01], 1e-6);
  assertClose([biasIn(await saveAndLoad(model))], [0.01], 1e-6);
});

Deno.test("QuantizedWeights keeps its bias when its input's grid is not known", async () => {
  await useLayers();
  const x = tfl.input({ shape: [2] });
  const q = symbolic(quantizer("q"), x);
  const unknown = {
    "nothing comes before": x,
    "a sum comes before": symbolic(layers.add(), q, q),
    "other weights come before": symbolic(denseOf(0.5, { name: "first" }), q),
    "batch normalization comes before": symbolic(new FreezableBatchNormalization(), q),
    "TF.js's batch normalization comes before": symbolic(layers.batchNormalization(), q),
    "a layer with weights that is not quantized comes before": symbolic(layers.prelu(), q),
  };
  for (const [when, before] of Object.entries(unknown)) {
    const dense = denseOf(0.012);
    tfl.model({ inputs: x, outputs: symbolic(dense, before) });
    const [bias] = [...(dense.call(tf.zeros([1, before.shape[1] ?? 0])) as tf.Tensor).dataSync()];
    assertClose([bias], [0.012], 1e-6);
    assert.equal(dense.biasFolding(), undefined, when);
  }
});

Deno.test("QuantizedWeights rounds its bias when it is used twice on one grid, and not when the grids differ", async () => {
  await useLayers();
  const x = tfl.input({ shape: [2] });
  const [one, other] = [symbolic(quantizer("q1"), x), symbolic(quantizer("q2"), x)];
  const dense = denseOf(0.012);
  symbolic(dense, one);
  symbolic(dense, symbolic(layers.dropout({ rate: 0.1 }), one));
  assert.notEqual(dense.biasFolding(), undefined);
  symbolic(dense, other);
  assert.equal(dense.biasFolding(), undefined);
});

Deno.test("QuantizedWeights leaves its bias to the batch normalization behind it, TF.js's own as well", async () => {
  await useLayers();
  const x = tfl.input({ shape: [2] });
  for (
    const behind of [new FreezableBatchNormalization({ name: "ours" }), layers.batchNormalization({ name: "theirs" })]
  ) {
    const dense = denseOf(0.012, { name: `before_${behind.name}` });
    symbolic(behind, symbolic(dense, symbolic(quantizer(`q_${behind.name}`), x)));
    const [bias] = [...(dense.call(tf.zeros([1, 2])) as tf.Tensor).dataSync()];
    assertClose([bias], [0.012], 1e-6);
  }
});

Deno.test("SharedCall rounds the bias to the grid of what it reads, and the first call to that of its own", async () => {
  await useLayers();
  const x = tfl.input({ shape: [2] });
  const dense = denseOf(0.012);
  const first = symbolic(dense, symbolic(quantizer("halves"), x));
  const second = symbolic(
    new SharedCall({ name: "fc_1" }),
    symbolic(quantizer("ones", { scale: 1, zeroPoint: 128 }), x),
    first,
  );
  const model = tfl.model({ inputs: x, outputs: [first, second] });
  const answers = (model.predict(tf.zeros([1, 2])) as tf.Tensor[]).map((y) => y.dataSync()[0]);
  assertClose(answers, [0.01, 0.01], 1e-6); // steps of 0.005 and of 0.01
  const [one, other] = [dense, second.sourceLayer].map((layer) => quantizedLayer(layer)?.biasFolding?.());
  assertClose([one, other].map((folding) => folding!.round(tf.tensor1d([0.016])).dataSync()[0]), [0.015, 0.02], 1e-6);
});

Deno.test("QuantizedWeights keeps a bias beyond int32 to float32's precision when weights are next to nothing", async () => {
  await useLayers();
  for (const [weight, bias] of [[1e-30, 3], [0, 1000], [1e-30, -1e-3], [0, 0]]) {
    const model = chain(quantizer("q", { scale: 2 ** -23, zeroPoint: 0 }), denseOf(bias));
    const [dense] = model.layers.filter((layer) => layer instanceof QuantizedWeights);
    dense.layer.setWeights([tf.fill([2, 1], weight), tf.tensor1d([bias])]);
    dense.observeWeights();
    assertClose([biasIn(model)], [bias], 2 ** -23);
  }
});

Deno.test("QuantizedWeights passes the gradient to its bias unchanged when the bias is rounded", async () => {
  await useLayers();
  const dense = denseOf(0.012);
  const model = chain(quantizer("q"), dense);
  const bias = dense.layer.weights[1].read() as tf.Variable; // what an optimizer is given
  const x = tf.ones([3, 2]);
  const { value, grads } = tf.variableGrads(() => tf.sum(model.apply(x, { training: true }) as tf.Tensor), [bias]);
  assert.deepEqual(Object.values(grads).map((grad) => [...grad.dataSync()]), [[3]]);
  assertClose(value.dataSync(), [3 * (2 * 1.27 + 0.01)], 1e-6);
});

interface Folding {
  readonly bias?: readonly number[];
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly epsilon: number;
}

/** conv → BN over [1, 1, 1] pictures: what it answers to 0 is the folded bias. Weights' scales: (channel + 1) / 127. */
function convBatchNorm({ bias, gamma, beta, mean, variance, epsilon }: Folding) {
  const channels = gamma.length;
  const conv = layers.conv2d({ name: "conv", filters: channels, kernelSize: 1, useBias: bias !== undefined });
  const quantized = new QuantizedWeights({ layer: conv, weights: [{ name: "kernel", axis: 3 }] });
  const norm = new FreezableBatchNormalization({ name: "bn", epsilon });
  const model = tfl.sequential({
    layers: [layers.inputLayer({ inputShape: [1, 1, 1] }), quantizer("q"), quantized, norm],
  });
  const kernel = tf.tensor4d(gamma.map((_, c) => c + 1), [1, 1, 1, channels]);
  conv.setWeights([kernel, ...(bias ? [tf.tensor1d([...bias])] : [])]);
  quantized.observeWeights();
  norm.setWeights([gamma, beta, mean, variance].map((values) => tf.tensor1d([...values])));
  const foldedBias = (kwargs = {}) => valuesOf(model.apply(tf.zeros([2, 1, 1, 1]), kwargs)).slice(channels);
  return { model, norm, quantized, foldedBias };
}

/** The bias that the file holds, in float64. */
function expectedBias({ bias, gamma, beta, mean, variance, epsilon }: Folding): number[] {
  return gamma.map((g, c) => {
    const factor = g / Math.sqrt(variance[c] + epsilon);
    const folded = beta[c] + factor * ((bias?.[c] ?? 0) - mean[c]);
    // Where nothing is left of the weights, the bias has as many codes as there are.
    const step = Math.max(0.5 * (c + 1) / 127 * Math.abs(factor), Math.abs(folded) / 2 ** 30);
    return Math.round(folded / step) * step;
  });
}

const FOLDING: Folding = {
  bias: [0.3, -0.2, 5, 0.111, 0.7],
  gamma: [1.3, -0.7, 0, 2.5, 1e-42],
  beta: [0.5, 0.25, -0.123, 0.01, 0.131],
  mean: [0.2, -1.1, 3, 0.015, -0.2],
  variance: [0.8, 1.7, 0.5, 0, 0.3],
  epsilon: 0.001,
};

const { bias: _, ...WITHOUT_BIAS } = FOLDING;

for (const [what, folding] of [["a bias", FOLDING], ["no bias", WITHOUT_BIAS]] as const) {
  Deno.test(`FreezableBatchNormalization rounds the folded bias when the convolution before it has ${what}`, async () => {
    await useLayers();
    const { foldedBias, norm } = convBatchNorm(folding);
    assertClose(foldedBias(), expectedBias(folding), 2e-6);
    norm.frozen = true;
    assertClose(foldedBias({ training: true }), expectedBias(folding), 2e-6);
  });
}

Deno.test("FreezableBatchNormalization rounds nothing when the layers before it are disabled", async () => {
  await useLayers();
  const { foldedBias, quantized } = convBatchNorm(FOLDING);
  quantized.enabled = false;
  const { bias = [], gamma, beta, mean, variance, epsilon } = FOLDING;
  const exact = gamma.map((g, c) => beta[c] + g / Math.sqrt(variance[c] + epsilon) * (bias[c] - mean[c]));
  assertClose(foldedBias(), exact, 2e-6);
  assert.notDeepEqual(foldedBias(), expectedBias(FOLDING));
});

Deno.test("FreezableBatchNormalization and the convolution round nothing when training uses the batch's statistics", async () => {
  await useLayers();
  const { foldedBias } = convBatchNorm(FOLDING);
  // The same picture throughout: each channel is its own mean, so beta remains.
  assertClose(foldedBias({ training: true }), FOLDING.beta, 1e-6);
});

Deno.test("FreezableBatchNormalization rounds when it has no offset or no factor of its own", async () => {
  await useLayers();
  for (const args of [{ center: false }, { scale: false }, { center: false, scale: false }]) {
    const conv = layers.conv2d({ filters: 1, kernelSize: 1, kernelInitializer: "ones", biasInitializer: "ones" });
    const norm = new FreezableBatchNormalization({ epsilon: 0.21, ...args });
    const model = tfl.sequential({
      layers: [
        layers.inputLayer({ inputShape: [1, 1, 1] }),
        quantizer("q"),
        new QuantizedWeights({ layer: conv, weights: [{ name: "kernel", axis: 3 }] }),
        norm,
      ],
    });
    // Bias 1, factor 1 / 1.1; on steps of 0.5 / 127 / 1.1 it has code 254, whatever the mean.
    assertClose([biasIn(model)], [1 / Math.sqrt(1.21)], 1e-6);
    norm.weights.at(-2)?.write(tf.tensor1d([0.003]));
    assertClose([biasIn(model)], [253 * 0.5 / 127 / Math.sqrt(1.21)], 1e-6);
  }
});

Deno.test("FreezableBatchNormalization has the gradients of one that does not round when it is frozen", async () => {
  await useLayers();
  const { model, norm, quantized } = convBatchNorm(FOLDING);
  norm.frozen = true;
  const x = tf.tensor4d(randomValues(6, { seed: 5, span: 40 }), [6, 1, 1, 1]);
  const variables = [...quantized.layer.weights, ...norm.weights.slice(0, 2)].map((w) => w.read() as tf.Variable);
  const gradsOf = () => {
    // A sum: its gradients do not depend on the offset, so rounding may not show at all.
    const { grads } = tf.variableGrads(() => tf.sum(model.apply(x, { training: true }) as tf.Tensor), variables);
    return variables.map(({ name }) => [...grads[name].dataSync()]);
  };
  const rounding = gradsOf();
  quantized.biasFolding = () => undefined;
  assert.deepEqual(rounding, gradsOf());
  assert.ok(rounding.flat().some((value) => value !== 0));
});

Deno.test("FreezableBatchNormalization leaks no tensors when it rounds", async () => {
  await useLayers();
  const { model } = convBatchNorm(FOLDING);
  const x = tf.zeros([2, 1, 1, 1]);
  const run = () => tf.dispose(model.predict(x));
  run();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) run();
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("FreezableBatchNormalization rounds its offset as the bias of a convolution of its own when it is alone", async () => {
  await useLayers();
  // gamma 1.27 and variance 1: weights of scale 0.01, so that offsets behind HALVES lie on steps of 0.005.
  const norm = (beta: number, alone: number | boolean, gamma = 1.27) =>
    new FreezableBatchNormalization({
      alone,
      epsilon: 0,
      betaInitializer: tfl.initializers.constant({ value: beta }),
      gammaInitializer: tfl.initializers.constant({ value: gamma }),
    });
  const offset = (...args: Parameters<typeof norm>) => biasIn(chain(quantizer("q"), norm(...args)));
  assertClose([offset(0.012, true), offset(0.013, true), offset(0.012, false)], [0.01, 0.015, 0.012], 1e-6);
  // With 63.5 codes the weights have twice the scale, and offsets lie on steps of 0.01.
  assertClose([offset(0.012, 63.5), offset(0.016, 63.5)], [0.01, 0.02], 1e-6);
  // Where gamma is 0 nothing has to be shared with weights.
  assertClose([offset(0.012, true, 0), offset(-0.0001, true, 0)], [0.012, -0.0001], 1e-7);
  const [before, layer] = [quantizer("q"), norm(0.012, true)];
  const model = chain(before, layer);
  before.enabled = false;
  assertClose([biasIn(model)], [0.012], 1e-6);
  assert.equal(layer.getConfig().alone, 127);
});

Deno.test("SharedCall gives the mask of what it reads as the layer that it calls makes it", async () => {
  await useLayers();
  class Masked extends QuantizedWeights {
    override computeMask(_: tf.Tensor | tf.Tensor[], mask?: tf.Tensor | tf.Tensor[]): tf.Tensor {
      assert.ok(!Array.isArray(mask));
      return mask === undefined ? tf.zeros([1]) : tf.mul(mask, 2);
    }
  }
  const layer = new Masked({ layer: tfl.layers.dense({ units: 2 }), weights: [{ name: "kernel", axis: 1 }] });
  const x = tfl.input({ shape: [3] });
  const call = new SharedCall({ name: "again" });
  call.apply([x, layer.apply(x) as tfl.SymbolicTensor]);
  const read = tf.ones([1, 3]);
  const maskOf = (mask?: tf.Tensor[]) => [...(call.computeMask([read, read], mask) as tf.Tensor).dataSync()];
  assert.deepEqual(maskOf([tf.tensor1d([1, 0]), tf.tensor1d([7, 7])]), [2, 0]);
  assert.deepEqual(maskOf(), [0]);
});
