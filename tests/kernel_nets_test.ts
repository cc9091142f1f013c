/**
 * Evaluation has the codes of the deployed file, in nets of the operators whose integer kernels round in ways of their own.
 *
 * Codes are compared exactly, layer by layer, each layer given what the file computed before it. Ranges start and end on
 * values of the data, so that scales have ratios like 5/3 and ties are common.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { groupConv2d } from "../src/grouped/mod.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { Random } from "../src/numbers/random.ts";
import { fit } from "../train/fit.ts";
import { qatSchedule } from "../train/schedule.ts";
import { compareLayers, FUSED, total } from "./_support/parity.ts";
import { apply, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

type Value = tfl.SymbolicTensor;

/** Every value of a random net is [8, 8, channels]; 24 channels fill no whole number of blocks of 16. */
const CHANNELS = [8, 24] as const;

/** Targets, and whether their files need to be told on x86 that activations are int8. */
const TARGETS = { "x86": false, "x86-portable": false, "x86-u8u8": false, "fbgemm": false, "arm": true } as const;

/** What may stand in a net; each keeps the shape. */
const STEPS: readonly ((x: Value, other: Value, channels: number) => Value)[] = [
  (x, other) => apply(layers.add(), x, other),
  (x, other) => apply(layers.reLU(), apply(layers.add(), x, other)),
  (x, other) => apply(layers.add(), other, x, other),
  (x, other) => apply(layers.multiply(), x, other),
  (x) => apply(layers.averagePooling2d({ poolSize: 2, strides: 1, padding: "same" }), x),
  (x) => apply(layers.averagePooling2d({ poolSize: 3, strides: 1, padding: "same" }), x),
  (x) => apply(layers.averagePooling2d({ poolSize: 2 }), apply(layers.upSampling2d({ size: [2, 2] }), x)),
  (x) => apply(layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same" }), x),
  (x, other, channels) =>
    apply(layers.multiply(), x, apply(layers.reshape({ targetShape: [1, 1, channels] }), averageOf(other))),
  (x, _, filters) => apply(layers.conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu" }), x),
  (x, _, filters) => apply(layers.batchNormalization(), apply(layers.conv2d({ filters, kernelSize: 1 }), x)),
  (x) => apply(layers.reLU(), apply(layers.batchNormalization(), apply(depthwise(), x))),
  (x) => apply(layers.batchNormalization(), x),
  (x, other, filters) => apply(layers.conv2d({ filters, kernelSize: 1 }), apply(layers.concatenate(), x, other)),
];

function depthwise(): tfl.layers.Layer {
  return layers.depthwiseConv2d({ kernelSize: 3, padding: "same", useBias: false });
}

function averageOf(x: Value): Value {
  return apply(layers.globalAveragePooling2d({}), x);
}

/** A net of `length` steps, each of the last value and an earlier one, and a head. */
function randomNet(seed: number, length: number): tfl.LayersModel {
  const random = new Random(seed);
  const channels = CHANNELS[seed % CHANNELS.length];
  const image = tfl.input({ shape: [8, 8, 3], name: "image" });
  const values = [apply(layers.conv2d({ filters: channels, kernelSize: 3, padding: "same" }), image)];
  for (let i = 0; i < length; i++) {
    const step = STEPS[random.below(STEPS.length)];
    values.push(step(values[values.length - 1], values[random.below(values.length)], channels));
  }
  const head = apply(layers.dense({ units: 5, activation: "softmax" }), averageOf(values[values.length - 1]));
  return seedWeights(tfl.model({ inputs: image, outputs: head }), seed);
}

async function assertSameCodes(build: () => tfl.LayersModel, target: keyof typeof TARGETS = "x86"): Promise<void> {
  await registerBackend({ debug: true });
  await tf.setBackend(BACKEND);
  const model = build();
  const prepared = prepareQat(model, { target }).model;
  const shape = model.inputs[0].shape.slice(1).map((dim) => dim ?? 1);
  await calibrate(prepared, [randomTensor([16, ...shape], 7)]);
  const x = randomTensor([32, ...shape], 8);
  const differences = await compareLayers(prepared, x, { ...FUSED, int8Activations: TARGETS[target] });
  assert.deepEqual(differences.filter(({ different }) => different > 0), []);
  assert.ok(total(differences).compared > 0);
  tf.dispose(x);
}

for (const [i, target] of (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).entries()) {
  for (const seed of [i, i + 10]) {
    Deno.test(`evaluation has the codes of the file for ${target} when the net is random, seed ${seed}`, async () => {
      await assertSameCodes(() => randomNet(seed, 8), target);
    });
  }
}

for (const target of ["x86", "x86-portable", "arm"] as const) {
  Deno.test(`evaluation has the codes of the file for ${target} when convolutions come in groups`, async () => {
    await assertSameCodes(() => {
      const image = tfl.input({ shape: [8, 8, 3], name: "image" });
      const stem = apply(layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu" }), image);
      const grouped = groupConv2d({ filters: 32, groups: 4, kernelSize: 3, padding: "same", useBias: false });
      const normal = apply(layers.reLU(), apply(layers.batchNormalization(), apply(grouped, stem)));
      const strided = apply(groupConv2d({ filters: 24, groups: 8, kernelSize: 3, strides: 2 }), normal);
      const dilated = apply(groupConv2d({ filters: 6, groups: 2, kernelSize: 2, dilationRate: 2 }), strided);
      const head = apply(layers.dense({ units: 5 }), apply(layers.flatten(), dilated));
      return seedWeights(tfl.model({ inputs: image, outputs: head }));
    }, target);
  });
}

Deno.test("evaluation has the codes of the file when a net has 12 additions in a row", async () => {
  await assertSameCodes(() => {
    const image = tfl.input({ shape: [8, 8, 4], name: "image" });
    let [x, other]: Value[] = [image, apply(layers.conv2d({ filters: 4, kernelSize: 1 }), image)];
    for (let i = 0; i < 12; i++) [x, other] = [apply(layers.add({ name: `add${i}` }), x, other), x];
    return seedWeights(tfl.model({ inputs: image, outputs: apply(layers.flatten(), x) }));
  });
});

Deno.test("evaluation has the codes of the file when an average has its input's scale, and sums are ties", async () => {
  await assertSameCodes(() => {
    const image = tfl.input({ shape: [8, 8, 3], name: "image" });
    const wide = apply(layers.upSampling2d({ size: [2, 2] }), image);
    const average = apply(layers.averagePooling2d({ poolSize: 3, strides: 1, padding: "same" }), wide);
    return tfl.model({ inputs: image, outputs: apply(layers.averagePooling2d({ poolSize: 2 }), average) });
  });
});

Deno.test("evaluation has the codes of the file when all places are averaged with no convolution near", async () => {
  for (const shape of [[2, 2, 999], [4, 4, 512], [2, 999], [16, 900]]) {
    await assertSameCodes(() => {
      const image = tfl.input({ shape, name: "image" });
      const sum = apply(layers.add(), image, image);
      const pool = shape.length === 3 ? layers.globalAveragePooling2d({}) : layers.globalAveragePooling1d();
      return tfl.model({ inputs: image, outputs: apply(pool, sum) });
    });
  }
});

Deno.test("evaluation has the codes of the file when a layer is shared, there are islands and several outputs", async () => {
  await assertSameCodes(() => {
    const image = tfl.input({ shape: [8, 8, 3], name: "image" });
    const shared = layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", name: "shared" });
    const island = apply(layers.activation({ activation: "softplus", name: "island" }), apply(shared, image));
    const sum = apply(layers.reLU(), apply(layers.add(), apply(shared, island), image));
    const row = apply(
      layers.conv1d({ filters: 6, kernelSize: 3 }),
      apply(layers.reshape({ targetShape: [64, 3] }), sum),
    );
    const outputs = [averageOf(sum), apply(layers.globalAveragePooling1d({}), row)];
    return seedWeights(tfl.model({ inputs: image, outputs }));
  });
});

Deno.test("training is the same, bit for bit, whether inference computes as integer kernels do", async () => {
  const [kernels, floats] = [await trainedWeights(true), await trainedWeights(false)];
  assert.deepEqual(kernels, floats);
});

async function trainedWeights(integerKernels: boolean): Promise<readonly Float32Array[]> {
  await registerBackend({ debug: true, integerKernels });
  await tf.setBackend(BACKEND);
  try {
    const { model } = prepareQat(randomNet(0, 8));
    const image = randomTensor([8, 8, 8, 3], 7).dataSync<"float32">();
    const batch = { inputs: { image }, targets: { label: Int32Array.of(0, 1, 2, 3, 4, 0, 1, 2) }, size: 8 };
    await fit(model, {
      train: () => [batch, batch, batch],
      epochs: 2,
      stepsPerEpoch: 3,
      optimizer: tf.train.momentum(0.01, 0.9),
      schedule: qatSchedule(),
    });
    return model.getWeights().map((weight) => Float32Array.from(weight.dataSync()));
  } finally {
    await registerBackend({ integerKernels: true });
  }
}
