/** Nets that float steps are tried on: random ones of all that scales pass, and of what they do not pass. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { inputNames } from "../../models/ports.ts";
import { apply, inputFor, randomTensor, seedWeights } from "../../tests/_support/small_models.ts";
import { groupConv2d } from "../../src/grouped/mod.ts";
import { fromModel, toModel } from "../../src/rewrite/mod.ts";
import type { NamedBatch } from "../calibrate.ts";
import { targetOf } from "../targets/mod.ts";
import type { StepContext } from "./step.ts";

const { layers } = tfl;

type Value = tfl.SymbolicTensor;
type Make = (name: string) => tfl.layers.Layer;

/** Layers that keep the shape [4, 4, 4]; those under `SHARED` may be called again. */
const ONE: Readonly<Record<string, Make>> = {
  conv: (name) => layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", name }),
  bare: (name) => layers.conv2d({ filters: 4, kernelSize: 1, useBias: false, name }),
  conv_relu: (name) => layers.conv2d({ filters: 4, kernelSize: 1, activation: "relu", name }),
  conv_relu6: (name) => layers.conv2d({ filters: 4, kernelSize: 1, activation: "relu6", name }),
  conv_tanh: (name) => layers.conv2d({ filters: 4, kernelSize: 1, activation: "tanh", name }),
  grouped: (name) => groupConv2d({ filters: 4, kernelSize: 3, groups: 2, padding: "same", name }),
  depthwise: (name) => layers.depthwiseConv2d({ kernelSize: 3, padding: "same", name }),
  separable: (name) => layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, padding: "same", name }),
  dense: (name) => layers.dense({ units: 4, name }),
  norm: (name) => layers.batchNormalization({ name }),
  plain_norm: (name) => layers.batchNormalization({ scale: false, center: false, epsilon: 0.1, name }),
  layer_norm: (name) => layers.layerNormalization({ name }),
  relu: (name) => layers.reLU({ name }),
  relu6: (name) => layers.reLU({ maxValue: 6, name }),
  leaky: (name) => layers.leakyReLU({ alpha: 0.2, name }),
  prelu: (name) => layers.prelu({ name }),
  sigmoid: (name) => layers.activation({ activation: "sigmoid", name }),
  max: (name) => layers.maxPooling2d({ poolSize: 2, strides: 1, padding: "same", name }),
  average: (name) => layers.averagePooling2d({ poolSize: 2, strides: 1, padding: "same", name }),
  up: (name) => layers.upSampling2d({ size: [1, 1], name }),
  dropout: (name) => layers.dropout({ rate: 0.5, name }),
  reshape: (name) => layers.reshape({ targetShape: [4, 4, 4], name }),
  permute: (name) => layers.permute({ dims: [2, 1, 3], name }),
};

const SHARED = ["conv", "depthwise", "dense", "grouped", "norm", "separable"] as const;

const SEVERAL: Readonly<Record<string, (name: string, a: Value, b: Value) => Value>> = {
  add: (name, a, b) => apply(layers.add({ name }), a, b),
  maximum: (name, a, b) => apply(layers.maximum({ name }), a, b),
  multiply: (name, a, b) => apply(layers.multiply({ name }), a, b),
  concat: (name, a, b) =>
    apply(
      layers.conv2d({ filters: 4, kernelSize: 1, name: `${name}_conv` }),
      apply(layers.concatenate({ name }), a, b),
    ),
  // Shuffles channels: [4, 4, 8] → [4, 4, 4] of twice the height.
  fold: (name, a, b) => {
    const both = apply(layers.concatenate({ name: `${name}_both` }), a, b);
    const tall = apply(layers.reshape({ targetShape: [8, 4, 4], name }), both);
    return apply(layers.maxPooling2d({ poolSize: [2, 1], name: `${name}_pool` }), tall);
  },
  excite: (name, a) => {
    const mean = apply(layers.globalAveragePooling2d({ name: `${name}_mean` }), a);
    const gate = apply(layers.dense({ units: 4, activation: "sigmoid", name: `${name}_gate` }), mean);
    const wide = apply(layers.reshape({ targetShape: [1, 1, 4], name: `${name}_wide` }), gate);
    return apply(layers.multiply({ name }), a, wide);
  },
};

interface Part {
  readonly type: string;
  readonly shared: boolean;
  /** How far back the values that it reads are. */
  readonly back: readonly [number, number];
}

/** A net drawn at random. */
export interface RandomNet {
  readonly parts: readonly Part[];
  /** Which values are outputs besides the last. */
  readonly outputs: readonly number[];
  readonly flat: boolean;
  readonly seed: number;
}

/** Random nets. */
export const RANDOM_NETS: fc.Arbitrary<RandomNet> = fc.record({
  parts: fc.array(
    fc.record({
      type: fc.constantFrom(...Object.keys(ONE), ...Object.keys(ONE), ...Object.keys(SEVERAL)),
      shared: fc.boolean(),
      back: fc.tuple(fc.nat(1), fc.nat(3)),
    }),
    { minLength: 3, maxLength: 12 },
  ),
  outputs: fc.array(fc.nat(12), { maxLength: 1 }),
  flat: fc.boolean(),
  seed: fc.nat(1000),
});

/** Builds a net, with weights of which some channels are much larger than others. */
export function buildNet({ parts, outputs, flat, seed }: RandomNet): tfl.LayersModel {
  const image = tfl.input({ shape: [4, 4, 3], name: "image" });
  const values = [apply(layers.conv2d({ filters: 4, kernelSize: 1, name: "first" }), image)];
  const shared = new Map<string, tfl.layers.Layer>();
  parts.forEach(({ type, back, ...part }, i) => {
    const [a, b] = back.map((distance) => values[Math.max(0, values.length - 1 - distance)]);
    const name = `${type}_${i}`;
    if (type in SEVERAL) return void values.push(SEVERAL[type](name, a, b));
    const isShared = part.shared && SHARED.some((one) => one === type);
    const layer = isShared ? shared.get(type) ?? ONE[type](name) : ONE[type](name);
    if (isShared) shared.set(type, layer);
    values.push(apply(layer, a));
  });
  const last = values[values.length - 1];
  const end = flat
    ? apply(layers.dense({ units: 3, name: "end" }), apply(layers.flatten({ name: "flat" }), last))
    : last;
  const others = outputs.map((i) => values[i % values.length]).filter((value) => value !== end);
  const model = seedWeights(tfl.model({ inputs: image, outputs: [end, ...others], name: "random" }), seed);
  unbalance(model, seed);
  // Read and built anew, with copies of what TF.js 4.22 frees too early where one layer reads it twice.
  return toModel(fromModel(model));
}

/** Multiplies every kernel's input channels by 2^-3 … 2^3. */
function unbalance(model: tfl.LayersModel, seed: number): void {
  model.weights.filter(({ originalName }) => originalName.includes("kernel")).forEach((variable, i) => {
    const shape = variable.shape.map((dim, axis) => axis === variable.shape.length - 2 ? dim ?? 1 : 1);
    variable.write(tf.tidy(() => tf.mul(variable.read(), tf.pow(8, randomTensor(shape, seed + i)))));
  });
}

/** What steps get in tests: the batches given, for target "x86". */
export function contextOf(batches: readonly NamedBatch[], target = "x86"): StepContext {
  return {
    batches: async function* () {
      yield* batches;
    },
    samples: batches.reduce((sum, { size }) => sum + size, 0),
    seed: 0,
    target: targetOf(target),
  };
}

/** Batches of random numbers that `model` can read. */
export function randomBatches(
  model: tfl.LayersModel,
  { count = 1, size = 4, seed = 5 }: { readonly count?: number; readonly size?: number; readonly seed?: number } = {},
): readonly NamedBatch[] {
  return Array.from({ length: count }, (_, i) => {
    const tensors = inputFor(model, seed + i).map(({ shape: [, ...shape] }, k) =>
      randomTensor([size, ...shape], seed + 100 * i + k)
    );
    const inputs = Object.fromEntries(inputNames(model).map((name, k) => [name, tensors[k].dataSync<"float32">()]));
    return { inputs, size };
  });
}
