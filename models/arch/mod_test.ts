import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { lossView } from "../../train/loss_view.ts";
import { headOf } from "../../tasks/loss.ts";
import { softmaxCrossEntropy } from "../../tasks/classification/cross_entropy.ts";
import { ARCH_NAMES, type ArchName, buildArchitecture } from "./mod.ts";

tf.env().set("PROD", true);

const SMALL = { inputShape: [32, 32, 3], outputs: 10, seed: 3 } as const;

/** Those of pictures that answer for a sample as a whole. */
type Classifier = Extract<
  ArchName,
  "cifar_cnn" | "tiny_yolo" | "resnet20" | "resnet18" | "mobilenet_v2" | "shufflenet_v2" | "shufflenet_v2_x0_5"
>;

/**
 * Trainable weights: cifar_cnn and tiny_yolo counted by hand; resnet20's published 269,722 (with skips that have no
 * weights) plus those of its two skips; torchvision's counts of ResNet-18, MobileNetV2 and ShuffleNetV2 with 10
 * classes in place of 1000.
 */
const TRAINABLE: Readonly<Record<Classifier, number>> = {
  cifar_cnn: 27 * 32 + 288 * 32 + 288 * 64 + 576 * 64 + 576 * 128 + 1152 * 128 + 2 * 448 + 1290,
  tiny_yolo: 27 * 16 + 144 * 32 + 288 * 64 + 576 * 128 + 1152 * 256 + 256 * 128 + 1152 * 256 + 2 * 880 + 2570,
  resnet20: 269_722 + 16 * 32 + 32 * 64 + 2 * (32 + 64),
  resnet18: 11_689_512 - 513 * 1000 + 513 * 10,
  mobilenet_v2: 3_504_872 - 1_281 * 1000 + 1_281 * 10,
  shufflenet_v2: 2_278_604 - 1_025 * 1000 + 1_025 * 10,
  shufflenet_v2_x0_5: 1_366_792 - 1_025 * 1000 + 1_025 * 10,
};

function countWeights(weights: readonly tfl.LayerVariable[]): number {
  return weights.reduce((sum, { shape }) => sum + shape.reduce<number>((n, dim) => n * (dim ?? 1), 1), 0);
}

for (const name of Object.keys(TRAINABLE)) {
  Deno.test(`buildArchitecture() gives ${name} its weights and ends it in dense and softmax`, () => {
    const model = buildArchitecture(name, SMALL);
    assert.equal(countWeights(model.trainableWeights), TRAINABLE[name as keyof typeof TRAINABLE]);
    assert.deepEqual(model.layers.slice(-2).map((layer) => layer.name), ["dense", "softmax"]);
    assert.deepEqual(model.outputs[0].shape, [null, 10]);
    assert.equal(lossView(model, { softmax: headOf(softmaxCrossEntropy()) }).layers.at(-1)?.name, "dense");
    const names = model.layers.map((layer) => layer.name);
    assert.deepEqual(names.filter((layer) => /_\d+$/.test(layer)), [], "names that TF.js made up");
    model.dispose();
  });

  Deno.test(`buildArchitecture() starts ${name} from weights that depend on seed and layer alone`, () => {
    const [a, b, c] = [3, 3, 4].map((seed) => buildArchitecture(name, { ...SMALL, seed }));
    const kernels = (model: tfl.LayersModel) =>
      model.weights.filter(({ name }) => name.includes("kernel"))
        .map((weight) => [...weight.read().dataSync().slice(0, 1000)]);
    assert.deepEqual(kernels(a), kernels(b));
    const [ofA, ofC] = [kernels(a), kernels(c)];
    ofA.forEach((kernel, i) => assert.notDeepEqual(kernel, ofC[i]));
    assert.equal(new Set(ofA.map((kernel) => kernel[0])).size, ofA.length, "no two layers start alike");
    tf.dispose([a, b, c].flatMap((model) => model.weights.map((weight) => weight.read())));
  });
}

Deno.test("buildArchitecture() keeps the scale of activations when signals pass through fresh layers", () => {
  // He's initialization keeps the mean square through conv + ReLU; depthwise layers see one channel each.
  const model = buildArchitecture("mobilenet_v2", SMALL);
  for (const weight of model.weights.filter(({ name }) => name.includes("kernel") && !name.includes("dense"))) {
    const [kh, kw, channels] = weight.shape.map((dim) => dim ?? 0);
    const fanIn = kh * kw * (weight.name.includes("depthwise") ? 1 : channels);
    const meanSquare = tf.tidy(() => tf.mean(tf.square(weight.read())).dataSync()[0]);
    // TF.js cuts the normal off at two sigma, which leaves 0.774 of the variance; small kernels scatter.
    assert.ok(Math.abs(meanSquare * fanIn / 2 - 0.774) < 0.2, `${weight.name}: ${meanSquare * fanIn / 2}`);
  }
  model.dispose();
});

Deno.test("buildArchitecture() takes other image shapes and class counts", () => {
  for (const name of Object.keys(TRAINABLE)) {
    const model = buildArchitecture(name, { inputShape: [13, 9, 1], outputs: 3, seed: 0 });
    const y = tf.tidy(() => (model.predict(tf.zeros([2, 13, 9, 1])) as tf.Tensor).dataSync());
    assert.equal(y.length, 6);
    assert.ok(Math.abs(y[0] + y[1] + y[2] - 1) < 1e-6);
    model.dispose();
  }
});

Deno.test("buildArchitecture() takes pictures of 4 pixels a side, and none of 3", () => {
  const build = (height: number, width: number) =>
    buildArchitecture("cifar_cnn", { inputShape: [height, width, 1], outputs: 2, seed: 0 });
  assert.deepEqual(build(4, 4).outputs[0].shape, [null, 2]);
  for (const [height, width] of [[3, 4], [4, 3]]) assert.throws(() => build(height, width), RangeError);
});

Deno.test("buildArchitecture() says what is needed when name, shape, classes or seed is wrong", () => {
  assert.throws(() => buildArchitecture("mobilenetv2", SMALL), {
    name: "RangeError",
    message: `Cannot build the architecture "mobilenetv2": needed is one of ${ARCH_NAMES.slice(0, 20).join(", ")}, … ` +
      `(${ARCH_NAMES.length} in all) (did you mean "mobilenet_v2"?)`,
  });
  assert.throws(
    () => buildArchitecture("resnet20", { ...SMALL, outputs: 1 }),
    /softmax of 1 outputs is asked for, at least 2/,
  );
  assert.throws(() => buildArchitecture("mlp", SMALL), /the input is \[32,32,3\], needed are positive \[columns\]/);
  assert.throws(
    () => buildArchitecture("resnet20", { ...SMALL, bias: [1] }),
    /the bias starts from \[1\], needed are 10/,
  );
  assert.throws(() => buildArchitecture("resnet20", { ...SMALL, inputShape: [0, 32, 3] }), /the input is \[0,32,3\]/);
  assert.throws(() => buildArchitecture("resnet20", { ...SMALL, inputShape: [3, 32, 3] }), /images are 3x32/);
  assert.throws(() => buildArchitecture("resnet20", { ...SMALL, seed: -1 }), RangeError);
});

Deno.test("buildArchitecture() ends in the head that is asked for, whose bias starts where it is told to", () => {
  const options = { inputShape: [6], outputs: 2, seed: 1 };
  const lastOf = (head?: "sigmoid" | "linear") =>
    buildArchitecture("mlp", { ...options, ...(head === undefined ? {} : { head }) }).layers.at(-1)!.name;
  assert.deepEqual([lastOf(), lastOf("sigmoid"), lastOf("linear")], ["softmax", "sigmoid", "dense"]);
  const model = buildArchitecture("mlp", { ...options, head: "linear", bias: [3, -4] });
  assert.deepEqual([...model.getLayer("dense").getWeights()[1].dataSync()], [3, -4]);
  // Nothing has been learned: whatever is asked, the answer is near the bias.
  const answers = tf.tidy(
    () => [...(model.predict(tf.randomNormal([20, 6], 0, 1, "float32", 1)) as tf.Tensor).dataSync()],
  );
  assert.ok(answers.every((value, i) => Math.abs(value - [3, -4][i % 2]) < 0.05), `${answers}`);
  // Hidden layers of 64 with batch norm, and a dense layer: by hand.
  assert.equal(countWeights(model.trainableWeights), 6 * 64 + 128 + 64 * 64 + 128 + 64 * 2 + 2);
});
