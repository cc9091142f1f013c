/** What must hold of every file, tried on random nets of shared layers, layers of two outputs, constants and repeated reads. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { toOnnx } from "../export/to_onnx.ts";
import { outputNames } from "../models/ports.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { FakeQuantize } from "../src/quant/mod.ts";
import { ConstantValue, fromModel, toModel } from "../src/rewrite/mod.ts";
import { type HostTensor, Session } from "../src/runtime/session.ts";
import { applyBoth, ChannelSplit } from "./_support/channel_split.ts";
import { apply, predict, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

/** Every value is [4, 4, 2]. */
const SHAPE = [4, 4, 2] as const;

type Value = tfl.SymbolicTensor;

/** Layers that may be called again, by name: all calls of one net with the same name share the layer. */
const SHARED: Readonly<Record<string, () => tfl.layers.Layer>> = {
  conv: () => layers.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "conv" }),
  conv_relu: () => layers.conv2d({ filters: 2, kernelSize: 1, activation: "relu", name: "conv_relu" }),
  depthwise: () => layers.depthwiseConv2d({ kernelSize: 3, padding: "same", name: "depthwise" }),
  separable: () => layers.separableConv2d({ filters: 2, kernelSize: 3, padding: "same", name: "separable" }),
  norm: () => layers.batchNormalization({ name: "norm" }),
  relu: () => layers.reLU({ name: "relu" }),
  prelu: () => layers.prelu({ name: "prelu" }),
  tanh: () => layers.activation({ activation: "tanh", name: "tanh" }),
  linear: () => layers.activation({ activation: "linear", name: "linear" }),
  dropout: () => layers.dropout({ rate: 0.5, name: "dropout" }),
  max: () => layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same", name: "max" }),
};

/** Layers of several inputs. */
const MERGES: Readonly<Record<string, (name: string) => tfl.layers.Layer>> = {
  add: (name) => layers.add({ name }),
  multiply: (name) => layers.multiply({ name }),
};

interface Step {
  readonly type: string;
  /** How far back the inputs are; layers of one input take the first. */
  readonly back: readonly number[];
}

interface Net {
  readonly steps: readonly Step[];
  /** Which values are outputs, besides the last; counted from the input. */
  readonly outputs: readonly number[];
  /** What the net is quantized for. */
  readonly target: string;
}

const NETS: fc.Arbitrary<Net> = fc.record({
  steps: fc.array(
    fc.record({
      type: fc.constantFrom(...Object.keys(SHARED), ...Object.keys(MERGES), "split", "constant"),
      back: fc.array(fc.nat(3), { minLength: 2, maxLength: 4 }),
    }),
    { minLength: 2, maxLength: 9 },
  ),
  outputs: fc.array(fc.nat(12), { maxLength: 2 }),
  target: fc.constantFrom("x86", "x86-u8u8", "qnnpack"),
});

function build({ steps, outputs }: Net): tfl.LayersModel {
  const image = tfl.input({ shape: [...SHAPE], name: "image" });
  const values: Value[] = [image];
  const made = new Map<string, tfl.layers.Layer>();
  steps.forEach(({ type, back }, i) => {
    const read = back.map((distance) => values[Math.max(0, values.length - 1 - distance)]);
    const name = `${type}_${i}`;
    if (type in MERGES) values.push(apply(MERGES[type](name), ...read));
    else if (type === "constant") values.push(apply(new ConstantValue({ name, shape: [...SHAPE] }), image));
    else if (type === "split") values.push(...halves(name, read[0]));
    else {
      const layer = made.get(type) ?? SHARED[type]();
      made.set(type, layer);
      values.push(apply(layer, read[0]));
    }
  });
  const picked = [values.length - 1, ...outputs.map((i) => i % values.length)];
  const unique = [...new Set(picked)].map((i) => values[i]);
  return seedWeights(tfl.model({ inputs: image, outputs: unique, name: "random" }));
}

/** x with itself behind → two values again, the second and first half of x's channels doubled. */
function halves(name: string, x: Value): readonly Value[] {
  const doubled = apply(
    layers.concatenate({ name: `${name}_doubled` }),
    x,
    apply(layers.activation({ activation: "relu", name: `${name}_r` }), x),
  );
  return applyBoth(new ChannelSplit({ name }), doubled);
}

function run(bytes: Uint8Array, x: tf.Tensor): readonly Float32Array[] {
  const session = new Session(bytes, { precise: true });
  try {
    const feed: HostTensor = { dtype: "float32", shape: x.shape, data: x.dataSync<"float32">() };
    const answers = session.run({ [session.inputs[0].name]: feed });
    return session.outputs.map(({ name }) => answers[name].data as Float32Array);
  } finally {
    session.dispose();
  }
}

/**
 * Asserts answers that differ by a step of the output's grid at the most. Where it has none they may differ by float's
 * rounding, of differences too: batch normalization takes the mean of values that are close to it.
 */
function assertAlike(actual: readonly Float32Array[], expected: readonly Float32Array[], model: tfl.LayersModel): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((values, i) => {
    const { sourceLayer } = model.outputs[i];
    const size = Math.max(...expected[i].map(Math.abs), 1e-6);
    const step = sourceLayer instanceof FakeQuantize && sourceLayer.enabled
      ? sourceLayer.readGrid().scale
      : 5e-5 * size;
    const worst = Math.max(...values.map((value, k) => Math.abs(value - expected[i][k])));
    assert.ok(worst <= step * 1.001, `output ${i} differs by ${worst}, a step is ${step}`);
  });
}

Deno.test("toOnnx() writes random nets of calls as they are simulated, and as they are in float", async () => {
  await registerBackend();
  await tf.setBackend(BACKEND);
  await fc.assert(
    fc.asyncProperty(NETS, async (net) => {
      // Read and built anew: TF.js frees what the second of several layers is still to read where the first reads it twice.
      const model = toModel(fromModel(build(net)));
      const x = randomTensor([5, ...SHAPE], 3);
      const float = await toOnnx(model);
      const { model: prepared } = prepareQat(model, { target: net.target });
      assertAlike(run(float.bytes, x), predict(model, [x]), model);
      // The only output may get the name of an activation that was fused into its layer.
      if (model.outputs.length > 1) assert.deepEqual(outputNames(prepared), outputNames(model));
      await calibrate(prepared, [randomTensor([16, ...SHAPE], 4)]);
      const int8 = await toOnnx(prepared);
      assertAlike(run(int8.bytes, x), predict(prepared, [x]), prepared);
      prepared.dispose();
      model.dispose();
      tf.dispose(x);
    }),
    { numRuns: 60, seed: 1 },
  );
});
