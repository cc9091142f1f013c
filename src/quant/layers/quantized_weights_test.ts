import assert from "node:assert/strict";
import { LEAST_SCALE } from "../../numbers/qparams.ts";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { assertClose, randomValues } from "../_test_support.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { INT8_SYMMETRIC, INT8_SYMMETRIC_PER_CHANNEL } from "../../numbers/scheme.ts";
import type { Layer } from "./layer.ts";
import { saveAndLoad, useLayers, valuesOf, weightValues } from "./_test_support.ts";
import { QuantizedWeights } from "./quantized_weights.ts";
import type { QuantizedWeight } from "./weight_channels.ts";

interface Case {
  readonly layer: () => Layer;
  readonly weights: readonly QuantizedWeight[];
  readonly input: number[];
}

const CASES: Readonly<Record<string, Case>> = {
  conv2d: {
    layer: () => tfl.layers.conv2d({ name: "c", filters: 4, kernelSize: 3, activation: "relu" }),
    weights: [{ name: "kernel", axis: 3 }],
    input: [2, 5, 5, 3],
  },
  depthwise: {
    layer: () => tfl.layers.depthwiseConv2d({ name: "d", kernelSize: 3, depthMultiplier: 2 }),
    weights: [{ name: "depthwise_kernel", axis: 2, depthwise: true }],
    input: [2, 5, 5, 3],
  },
  separable: {
    layer: () => tfl.layers.separableConv2d({ name: "s", filters: 4, kernelSize: 3 }),
    weights: [{ name: "depthwise_kernel", axis: 2, depthwise: true }, { name: "pointwise_kernel", axis: -1 }],
    input: [2, 5, 5, 3],
  },
  dense: {
    layer: () => tfl.layers.dense({ name: "f", units: 6 }),
    weights: [{ name: "kernel", axis: 1 }],
    input: [2, 3],
  },
  conv1d: {
    layer: () => tfl.layers.conv1d({ name: "c1", filters: 4, kernelSize: 2 }),
    weights: [{ name: "kernel", axis: 2 }],
    input: [2, 6, 3],
  },
  transpose: {
    layer: () => tfl.layers.conv2dTranspose({ name: "t", filters: 4, kernelSize: 2 }),
    weights: [{ name: "kernel", axis: 2 }],
    input: [2, 4, 4, 3],
  },
};

function inputOf(shape: number[], seed = 5): tf.Tensor {
  return tf.tensor(randomValues(shape.reduce((a, b) => a * b), { seed }), shape);
}

function channelView(shape: number[], { depthwise }: QuantizedWeight): number[] {
  return depthwise ? [shape[0], shape[1], shape[2] * shape[3]] : shape;
}

for (const [name, { layer: make, weights, input }] of Object.entries(CASES)) {
  Deno.test(`QuantizedWeights equals the layer with rounded weights when it wraps ${name}`, async () => {
    await useLayers();
    const x = inputOf(input);
    const wrapped = new QuantizedWeights({ layer: make(), weights });
    const y = valuesOf(wrapped.apply(x));

    const plain = make();
    plain.build(input);
    plain.setWeights(wrapped.layer.weights.map((weight) => {
      const spec = weights.find((candidate) => weight.originalName.endsWith(`/${candidate.name}`));
      const real = weight.read();
      if (spec === undefined) return real;
      const grid = wrapped.readGrid(spec.name);
      const shape = channelView(real.shape, spec);
      const rounded = dequantizeLinear(quantizeLinear(real.dataSync(), grid, { shape }), grid, { shape });
      return tf.tensor(rounded, real.shape);
    }));
    assert.deepEqual(y, valuesOf(plain.apply(x)));
    assert.notDeepEqual(y, valuesOf(wrapped.layer.apply(x)));
  });

  Deno.test(`QuantizedWeights takes max|w| / 127 of each output channel when it wraps ${name}`, async () => {
    await useLayers();
    const wrapped = new QuantizedWeights({ layer: make(), weights });
    wrapped.build(input);
    for (const spec of weights) {
      const real = wrapped.layer.weights.find((weight) => weight.originalName.endsWith(spec.name))!.read();
      const { scale, granularity } = wrapped.readGrid(spec.name);
      const view = tf.reshape(real, channelView(real.shape, spec));
      const last = tf.unstack(view, spec.depthwise ? 2 : (spec.axis + view.rank) % view.rank);
      const expected = last.map((slice) => Math.fround(Math.max(...slice.dataSync().map(Math.abs)) / 127));
      assert.deepEqual(Array.from(scale as Float32Array), expected);
      assert.deepEqual(granularity, { kind: "per-channel", axis: spec.depthwise ? 2 : spec.axis });
    }
  });

  Deno.test(`QuantizedWeights keeps names, state and answers when ${name} is saved and loaded`, async () => {
    await useLayers();
    const wrapped = new QuantizedWeights({ layer: make(), weights, inputShape: input.slice(1) });
    const model = tfl.sequential({ layers: [wrapped] });
    const loaded = await saveAndLoad(model);
    assert.deepEqual(weightValues(loaded), weightValues(model));
    const x = inputOf(input);
    assert.deepEqual(valuesOf(loaded.predict(x)), valuesOf(model.predict(x)));
    const copy = loaded.layers[0];
    assert.ok(copy instanceof QuantizedWeights);
    assert.deepEqual(copy.getConfig(), wrapped.getConfig());
    assert.equal(copy.name, wrapped.layer.name);
  });
}

Deno.test("QuantizedWeights carries the layer's name, weights and their names when built", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.conv2d, layer: CASES.conv2d.layer() });
  layer.apply(tfl.input({ shape: [5, 5, 3] }));
  assert.equal(layer.name, "c");
  assert.deepEqual(layer.trainableWeights.map((w) => w.originalName), ["c/kernel", "c/bias"]);
  assert.deepEqual(layer.nonTrainableWeights.map((w) => w.originalName), ["c/kernel_scale"]);
  assert.deepEqual(layer.nonTrainableWeights[0].shape, [4]);
  layer.trainable = false;
  assert.equal(layer.trainableWeights.length, 0);
  assert.equal(layer.weights.length, 3);
});

Deno.test("QuantizedWeights stays not trainable when the layer was and the model is saved", async () => {
  await useLayers();
  const dense = tfl.layers.dense({ name: "f", units: 2, trainable: false });
  const layer = new QuantizedWeights({ layer: dense, weights: CASES.dense.weights, inputShape: [3] });
  const loaded = await saveAndLoad(tfl.sequential({ layers: [layer] }));
  assert.equal(loaded.trainableWeights.length, 0);
  assert.equal(layer.layer.trainable, false);
  loaded.layers[0].trainable = true;
  assert.deepEqual(loaded.trainableWeights.map((w) => w.originalName), ["f/kernel", "f/bias"]);
});

Deno.test("QuantizedWeights uses one scale when the scheme has no axis", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.depthwise, layer: CASES.depthwise.layer(), scheme: INT8_SYMMETRIC });
  layer.build(CASES.depthwise.input);
  layer.layer.setWeights([tf.fill([3, 3, 3, 2], -12.7), tf.zeros([6])]);
  layer.observeWeights();
  const grid = layer.readGrid("depthwise_kernel");
  assert.deepEqual({ ...grid, scale: Array.from(grid.scale as Float32Array) }, {
    scale: [Math.fround(Math.fround(12.7) / 127)],
    zeroPoint: 0,
    qmin: -127,
    qmax: 127,
    granularity: { kind: "per-tensor" },
  });
});

Deno.test("QuantizedWeights has the least scale when all weights of a channel are 0", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ layer: tfl.layers.dense({ units: 2 }), weights: CASES.dense.weights });
  layer.build([null, 1]);
  layer.layer.setWeights([tf.tensor2d([[0, 2.54]]), tf.zeros([2])]);
  layer.observeWeights();
  assert.deepEqual(Array.from(layer.readGrid("kernel").scale as Float32Array), [LEAST_SCALE, Math.fround(0.02)]);
  assertClose(valuesOf(layer.apply(tf.ones([1, 1]))), [0, 2.54], 1e-6);
});

Deno.test("QuantizedWeights clamps to [-127, 127] when weights grow past a scale that is frozen", async () => {
  await useLayers();
  const dense = tfl.layers.dense({ units: 1, useBias: false });
  const layer = new QuantizedWeights({ layer: dense, weights: CASES.dense.weights });
  layer.build([null, 2]);
  dense.setWeights([tf.tensor2d([[127], [-127]])]);
  layer.observeWeights();
  layer.observing = false;
  dense.setWeights([tf.tensor2d([[400], [-400]])]);
  const run = (x: number[]) => valuesOf(layer.apply(tf.tensor2d([x]), { training: true }))[0];
  assert.deepEqual([run([1, 0]), run([0, 1])], [127, -127]);
  layer.observing = true;
  assertClose([run([1, 0]), run([0, 1])], [400, -400], 1e-6);
});

for (const qmin of [-127, -128]) {
  Deno.test(`QuantizedWeights gives what clamping gives when scales were just taken and codes begin at ${qmin}`, async () => {
    await useLayers();
    const dense = tfl.layers.dense({ units: 500, useBias: false });
    const scheme = { ...INT8_SYMMETRIC_PER_CHANNEL, qmin };
    const layer = new QuantizedWeights({ layer: dense, weights: CASES.dense.weights, scheme });
    layer.build([null, 3]);
    // Magnitudes of all sizes: the smallest scales, a channel of zeros, the largest weight below 0 as often as above.
    const weights = randomValues(1500, { seed: 3 }).map((value, i) => i % 500 === 7 ? 0 : value * 10 ** (i % 50 - 44));
    dense.setWeights([tf.tensor(weights, [3, 500])]);
    const call = () => layer.apply(inputOf([4, 3]), { training: true }) as tf.Tensor;
    // A variable's value is what an optimizer is given.
    const variables = () => layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const run = () => {
      const { grads } = tf.variableGrads(() => tf.sum(call()), variables());
      return [call(), ...Object.values(grads)].map((tensor) => valuesOf(tensor));
    };
    const observed = run();
    layer.observing = false;
    assert.deepEqual(run(), observed);
  });
}

Deno.test("QuantizedWeights keeps its scales when weights change and the call does not train", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.dense, layer: CASES.dense.layer() });
  const x = inputOf(CASES.dense.input);
  layer.apply(x);
  const before = layer.readGrid("kernel");
  layer.layer.setWeights(layer.layer.getWeights().map((weight) => tf.mul(weight, 3)));
  layer.apply(x);
  assert.deepEqual(layer.readGrid("kernel"), before);
  layer.apply(x, { training: true });
  assert.notDeepEqual(layer.readGrid("kernel"), before);
});

Deno.test("QuantizedWeights refuses an input of the wrong width as the layer does when it is built", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.dense, layer: CASES.dense.layer() });
  layer.apply(inputOf([2, 3]));
  assert.throws(() => layer.apply(inputOf([2, 4])), /incompatible with layer f/);
});

Deno.test("QuantizedWeights skips the layer's initializers when weights are about to be loaded", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.dense, layer: CASES.dense.layer() });
  layer.setFastWeightInitDuringBuild(true);
  layer.build(CASES.dense.input);
  assert.ok(layer.layer.getWeights()[0].dataSync().every((value) => value === 0));
});

Deno.test("QuantizedWeights runs the real weights when it is disabled", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.dense, layer: CASES.dense.layer() });
  const x = inputOf(CASES.dense.input);
  layer.apply(x);
  layer.enabled = false;
  assert.deepEqual(valuesOf(layer.apply(x)), valuesOf(layer.layer.apply(x)));
});

Deno.test("QuantizedWeights restores the layer's variables when the layer throws", async () => {
  await useLayers();
  const layer = new QuantizedWeights({ ...CASES.dense, layer: CASES.dense.layer() });
  layer.apply(inputOf(CASES.dense.input));
  const kernel = layer.layer.weights[0];
  const real = kernel.read();
  assert.throws(() => layer.call(tf.zeros([2, 99])));
  assert.equal(kernel.read(), real);
  assert.equal(Object.hasOwn(kernel, "read"), false);
});

Deno.test("QuantizedWeights passes the gradient straight to the real weights when codes are inside", async () => {
  await useLayers();
  const dense = tfl.layers.dense({ units: 2, useBias: false });
  const layer = new QuantizedWeights({ layer: dense, weights: CASES.dense.weights });
  layer.build([null, 2]);
  dense.setWeights([tf.tensor2d([[1.27, 0.3], [-0.5, 2.54]])]);
  layer.observeWeights();
  layer.observing = false;
  dense.setWeights([tf.tensor2d([[5, 0.3], [-0.5, 2.54]])]); // 5 is clipped: no gradient
  const { grads } = tf.variableGrads(
    () => tf.sum(layer.apply(tf.tensor2d([[3, 7]]), { training: true }) as tf.Tensor),
    // A variable's value is what an optimizer is given.
    layer.trainableWeights.map((weight) => weight.read() as tf.Variable),
  );
  assert.deepEqual(Object.values(grads).map((grad) => [...grad.dataSync()]), [[0, 3, 7, 7]]);
});

Deno.test("QuantizedWeights refuses when the weight, the scheme or the loaded layer is wrong", async () => {
  await useLayers();
  const dense = () => tfl.layers.dense({ name: "f", units: 2 });
  const missing = new QuantizedWeights({ layer: dense(), weights: [{ name: "filter", axis: 1 }] });
  assert.throws(() => missing.build([null, 2]), /Cannot quantize "f": it has no weight "filter"/);
  const scheme = { ...INT8_SYMMETRIC, qmax: 128 };
  assert.throws(() => new QuantizedWeights({ layer: dense(), weights: [], scheme }), RangeError);
  const load = (layer: tf.serialization.ConfigDictValue) =>
    QuantizedWeights.fromConfig(QuantizedWeights, { layer, weights: [] });
  assert.throws(() => load({ className: "NoSuchLayer", config: {} }), /class "NoSuchLayer"/);
  assert.throws(() => load({ className: "Zeros", config: {} }), /its layer has class "Zeros", which is no layer/);
  assert.throws(() => load(null), RangeError);
});

Deno.test("QuantizedWeights adds the layer's regularization to the loss when it has some", async () => {
  await useLayers();
  const regularized = tfl.layers.dense({ units: 1, kernelRegularizer: tfl.regularizers.l2({ l2: 1 }), useBias: false });
  const layer = new QuantizedWeights({ layer: regularized, weights: CASES.dense.weights });
  layer.build([null, 2]);
  regularized.setWeights([tf.tensor2d([[3], [4.0001]])]);
  assertClose(layer.calculateLosses().map((loss) => loss.dataSync()[0]), [25.0008], 1e-6);
});
