import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { apply } from "../../tests/_support/small_models.ts";
import { attachDetection } from "../detection.ts";
import { loadDarknet } from "../import/darknet/mod.ts";
import { saveLayersModel } from "../import/layers_model.ts";
import { apart } from "./_test_nets.ts";
import { answersOf, residualNet } from "./_test_nets.ts";
import { loadWeights } from "./load_weights.ts";

const { layers } = tfl;

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** Runs `fn` with a folder that is removed afterwards. */
async function withFolder(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("loadWeights() takes the weights of a layers-model, by its file or its folder", () =>
  withFolder(async (dir) => {
    const other = residualNet({ seed: 50, prefix: "m_" });
    await saveLayersModel(other, dir);
    const wanted = await answersOf(other);
    for (const path of [dir, `${dir}/model.json`]) {
      const { model, layers } = await loadWeights(residualNet(), path);
      assert.ok(apart(await answersOf(model), wanted) < 1e-5);
      assert.equal(layers, 4);
    }
    await assert.rejects(loadWeights(residualNet(), `${dir}/other.json`), { name: "ModelFileError" });
  }));

/** A net of darknet, two grids of boxes of 2 classes with 2 anchors and 1. */
const CFG = `
[net]
width=16
height=16
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=14
size=1
stride=1
pad=1
activation=linear
[yolo]
mask=0,1
anchors=3,4, 5,6, 7,8
classes=2
num=3
[route]
layers=-3
[convolutional]
batch_normalize=1
filters=6
size=3
stride=1
pad=1
activation=leaky
[convolutional]
filters=7
size=1
stride=1
pad=1
activation=linear
[yolo]
mask=2
anchors=3,4, 5,6, 7,8
classes=2
num=3
`;

/** The same net, built here, with as many classes as are asked for. */
function detector(classes: number): tfl.LayersModel {
  const image = tfl.input({ shape: [16, 16, 3], name: "image" });
  const block = (name: string, filters: number, strides: number, x: tfl.SymbolicTensor) => {
    const padded = apply(layers.zeroPadding2d({ name: `${name}_pad`, padding: 1 }), x);
    const conv = layers.conv2d({ name, filters, kernelSize: 3, strides, useBias: false });
    const norm = layers.batchNormalization({ name: `${name}_bn`, epsilon: 1e-5 });
    return apply(layers.leakyReLU({ name: `${name}_leaky`, alpha: 0.1 }), apply(norm, apply(conv, padded)));
  };
  const grid = (name: string, anchors: number, x: tfl.SymbolicTensor) =>
    apply(layers.conv2d({ name, filters: anchors * (5 + classes), kernelSize: 1 }), x);
  const first = block("conv1", 4, 2, image);
  const outputs = [grid("one", 2, first), grid("two", 1, block("conv2", 6, 1, first))];
  const model = tfl.model({ inputs: image, outputs, name: "yolo" });
  attachDetection(model, { kind: "yolov3", anchors: [[[3, 4], [5, 6]], [[7, 8]]], classes });
  return model;
}

/** Numbers of the net's weights: of the first convolution and its boxes, and of the second and its. */
const NUMBERS = 4 * 4 + 27 * 4 + 14 * 5 + 4 * 6 + 36 * 6 + 7 * 7;

/** Writes a file of weights with so many numbers, all of them above 0. */
async function writeWeights(path: string, count: number): Promise<void> {
  const random = new Random(5);
  const header = new Int32Array([0, 2, 0, 0, 0]);
  const numbers = Float32Array.from({ length: count }, () => random.between(0.1, 1));
  await Deno.writeFile(path, Uint8Array.of(...new Uint8Array(header.buffer), ...new Uint8Array(numbers.buffer)));
}

/** Answers to the same picture. */
function answersTo(model: tfl.LayersModel): readonly Float32Array[] {
  return tf.tidy(() => {
    const x = tf.tensor(Float32Array.from({ length: 768 }, (_, i) => Math.sin(i * i)), [1, 16, 16, 3]);
    return (model.predict(x) as tf.Tensor[]).map((answer) => Float32Array.from(answer.dataSync()));
  });
}

Deno.test("loadWeights() reads darknet's weights without a configuration as with it", () =>
  withFolder(async (dir) => {
    const [cfg, weights] = [`${dir}/net.cfg`, `${dir}/alone.weights`];
    await Deno.writeTextFile(cfg, CFG);
    await writeWeights(weights, NUMBERS);
    const wanted = answersTo(await loadDarknet({ cfg, weights }));
    const { model, layers } = await loadWeights(detector(2), weights);
    assert.equal(layers, 4);
    answersTo(model).forEach((answer, i) => assert.ok(apart(answer, wanted[i]) < 1e-4 * Math.max(...wanted[i])));
    // With a configuration beside it the net is read by that.
    await Deno.rename(weights, `${dir}/net.weights`);
    const copied = await loadWeights(detector(2), `${dir}/net.weights`);
    answersTo(copied.model).forEach((answer, i) => assert.ok(apart(answer, wanted[i]) < 1e-4 * Math.max(...wanted[i])));
    assert.ok(copied.distance !== undefined && copied.distance < 1e-5);
  }));

Deno.test("loadWeights() passes over boxes of other classes in darknet's weights, and leaves the heads as they are", () =>
  withFolder(async (dir) => {
    const weights = `${dir}/alone.weights`;
    await writeWeights(weights, NUMBERS);
    const own = detector(5);
    const { model } = await loadWeights(own, weights, { exceptHead: true });
    const { model: whole } = await loadWeights(detector(2), weights);
    const weightsOf = (of: tfl.LayersModel, name: string) =>
      of.getLayer(name).getWeights().map((w) => [...w.dataSync()]);
    for (const name of ["conv1", "conv1_bn", "conv2", "conv2_bn"]) {
      assert.deepEqual(weightsOf(model, name), weightsOf(whole, name), name);
    }
    for (const name of ["one", "two"]) assert.deepEqual(weightsOf(model, name), weightsOf(own, name), name);
    await writeWeights(weights, NUMBERS + 1);
    await assert.rejects(loadWeights(own, weights, { exceptHead: true }), {
      name: "ModelFileError",
      message:
        `Cannot load "${weights}" for "yolo": it has ${NUMBERS + 1} numbers, 364 and 17 for each of the 5 and the ` +
        "classes of a box are needed",
    });
  }));

Deno.test("loadWeights() refuses darknet's weights that are too few or too many, and nets that are none of its", () =>
  withFolder(async (dir) => {
    const weights = `${dir}/alone.weights`;
    await writeWeights(weights, NUMBERS - 1);
    await assert.rejects(loadWeights(detector(2), weights), {
      message: `Cannot load "${weights}": it ends in the kernel of "two", which are 42 numbers where 41 are left`,
    });
    await writeWeights(weights, NUMBERS + 1);
    await assert.rejects(loadWeights(detector(2), weights), { message: /it has 4 bytes more than/ });
    await assert.rejects(loadWeights(residualNet(), weights), {
      message: /"depthwise" is a DepthwiseConv2D, darknet's nets have convolutions there/,
    });
  }));
