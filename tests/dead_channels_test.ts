/**
 * What is left of a channel without weights: pruned, dead, never trained, or multiplied by a gamma of 0. Its answer is a
 * constant that must be on the output's grid as in float, for weights that stand for nothing have no grid to share.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { runExported } from "../export/_test_support.ts";
import { toOnnx } from "../export/to_onnx.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { prepareQat } from "../quantize/prepare.ts";
import { PER_TENSOR_WEIGHTS } from "../quantize/recipe.ts";
import { BACKEND, registerBackend } from "../src/backend/mod.ts";
import { outputGridOf } from "../src/quant/mod.ts";
import { apply, predict, randomTensor, seedWeights } from "./_support/small_models.ts";

const { layers } = tfl;

/** The answers of channels without weights: on either side of 0, large, small, and none. */
const CONSTANTS = [0.3, -0.3, 7, 0.004, 0];
const CHANNELS = CONSTANTS.length + 1;

/** A net that ends in `CHANNELS` channels, and which of its weights make all but the first constant. */
interface Net {
  readonly build: (x: tfl.SymbolicTensor) => tfl.SymbolicTensor;
  /** Sets every channel's bias or offset, and leaves weights to none, or to the first. */
  readonly kill: (model: tfl.LayersModel, live: boolean) => void;
  /** How far answers may be from those in float, in steps of the output's grid. Default: half a one. */
  readonly steps?: number;
}

/** Where answers are on no grid. */
const FLOAT = { scale: 1e-5, zeroPoint: 0, qmin: -Infinity, qmax: Infinity };

const row = (...parts: readonly tfl.layers.Layer[]) => (x: tfl.SymbolicTensor) =>
  parts.reduce((y, layer) => apply(layer, y), x);

const OFFSETS = [0.5, ...CONSTANTS];

/** Leaves weights to channel 0 alone, where the last axis has the channels. */
function prune(weight: tf.Tensor, live: boolean): tf.Tensor {
  const mask = tf.tensor1d([live ? 1 : 0, ...CONSTANTS.map(() => 0)]);
  return tf.mul(weight, weight.shape.at(-1) === 1 ? tf.reshape(mask, [CHANNELS, 1]) : mask);
}

const pruned = (name: string) => (model: tfl.LayersModel, live: boolean) => {
  const layer = model.getLayer(name);
  const [kernel, ...more] = layer.getWeights();
  const middle = more.slice(0, -1).map((weight) => prune(weight, live));
  const first = middle.length > 0 ? kernel : prune(kernel, live);
  layer.setWeights([first, ...middle, tf.tensor1d(OFFSETS)]);
};

/** A convolution without weights, and an offset behind it. */
const offset = (model: tfl.LayersModel, live: boolean) => {
  const conv = model.getLayer("conv");
  conv.setWeights([prune(conv.getWeights()[0], live)]);
  const [gamma] = model.getLayer("norm").getWeights();
  model.getLayer("norm").setWeights([gamma, tf.tensor1d(OFFSETS), tf.zeros([CHANNELS]), tf.ones([CHANNELS])]);
};

/** Batch normalization of gamma 0 for all but the first. */
const silenced = (model: tfl.LayersModel, live: boolean) => {
  const gamma = tf.tensor1d([live ? 1 : 0, ...CONSTANTS.map(() => 0)]);
  model.getLayer("norm").setWeights([gamma, tf.tensor1d(OFFSETS), tf.fill([CHANNELS], 3), tf.ones([CHANNELS])]);
};

const conv = (options = {}) => layers.conv2d({ name: "conv", filters: CHANNELS, kernelSize: 3, ...options });
const norm = () => layers.batchNormalization({ name: "norm" });

const NETS: Readonly<Record<string, Net>> = {
  "a convolution": { build: row(conv()), kill: pruned("conv") },
  "a depthwise convolution": {
    build: row(layers.depthwiseConv2d({ name: "conv", kernelSize: 3, depthMultiplier: CHANNELS / 2 })),
    kill: (model, live) => {
      const layer = model.getLayer("conv");
      const [kernel] = layer.getWeights();
      const [kh, kw] = kernel.shape;
      const flat = prune(tf.reshape(kernel, [kh, kw, CHANNELS]), live);
      layer.setWeights([tf.reshape(flat, kernel.shape), tf.tensor1d(OFFSETS)]);
    },
  },
  "a separable convolution": {
    build: row(layers.separableConv2d({ name: "conv", filters: CHANNELS, kernelSize: 3 })),
    kill: pruned("conv"),
  },
  "a transposed convolution": {
    build: row(
      layers.conv2dTranspose({ name: "conv", filters: 3, kernelSize: 3 }),
      layers.conv2d({
        name: "after",
        filters: CHANNELS,
        kernelSize: 1,
      }),
    ),
    kill: pruned("after"),
  },
  "a convolution of sequences": {
    build: row(
      layers.reshape({ targetShape: [64, 2] }),
      layers.conv1d({ name: "conv", filters: CHANNELS, kernelSize: 3 }),
    ),
    kill: pruned("conv"),
  },
  "a dense layer": {
    build: row(layers.flatten(), layers.dense({ name: "dense", units: CHANNELS })),
    kill: pruned("dense"),
  },
  "a dense layer of sequences": {
    build: row(layers.reshape({ targetShape: [64, 2] }), layers.dense({ name: "dense", units: CHANNELS })),
    kill: pruned("dense"),
  },
  "a sigmoid head": {
    build: row(layers.flatten(), layers.dense({ name: "dense", units: CHANNELS, activation: "sigmoid" })),
    kill: pruned("dense"),
    // Logits have half a step of their own, of a range of 7.3: seen through a slope of 1/4 another 0.9 of 1/256.
    steps: 1.5,
  },
  "batch normalization behind": { build: row(conv({ useBias: false }), norm()), kill: offset },
  "batch normalization of gamma 0": { build: row(conv(), norm(), layers.reLU({})), kill: silenced },
  "batch normalization alone": { build: row(conv(), layers.reLU({}), norm()), kill: silenced },
};

const GRAINS = { channel: {}, tensor: { recipe: { rules: [PER_TENSOR_WEIGHTS] } } } as const;
const TARGETS = ["x86", "arm", "x86-portable", "x86-u8u8", "fbgemm", "qnnpack"] as const;

for (const [name, { build, kill, steps = 0.5 }] of Object.entries(NETS)) {
  for (const live of name === "a sigmoid head" ? [false] : [true, false]) {
    Deno.test(`channels without weights answer as in float, in training and file, in ${name} with ${live ? "one" : "no"} other`, async () => {
      await registerBackend();
      await tf.setBackend(BACKEND);
      for (const target of TARGETS) {
        for (const [grain, options] of Object.entries(GRAINS)) {
          // Of weights with one scale, a live channel has the say.
          if (target !== "x86" && (live || grain === "tensor")) continue;
          if (live && grain === "tensor") continue;
          const image = tfl.input({ shape: [8, 8, 2], name: "image" });
          const model = seedWeights(tfl.model({ inputs: image, outputs: build(image) }));
          kill(model, live);
          const x = tf.mul(randomTensor([4, 8, 8, 2], 5), 128);
          const { model: prepared } = prepareQat(model, { target, ...options });
          await calibrate(prepared, [x]);
          const [float, simulated] = [model, prepared].map((one) => predict(one, [x])[0]);
          const exported = await toOnnx(prepared);
          const [deployed] = runExported(exported, [x], { precise: true, int8Activations: target === "arm" });
          const { scale, zeroPoint, qmin, qmax } = outputGridOf(prepared.outputs[0].sourceLayer) ?? FLOAT;
          const how = `${target}, a scale a ${grain}`;
          let compared = 0;
          float.forEach((value, i) => {
            const place = `${how}, channel ${i % CHANNELS}: ${value} became ${simulated[i]} and ${deployed[i]}`;
            assert.equal(deployed[i], simulated[i], place);
            if (i % CHANNELS === 0) return;
            compared++;
            const code = Math.min(Math.max(value / scale + zeroPoint, qmin), qmax);
            const off = Math.abs(simulated[i] / scale + zeroPoint - code);
            assert.ok(off < steps + 1e-3, `${place}, ${off} steps away`);
          });
          assert.ok(compared > 0);
        }
      }
    });
  }
}
