/** What the built-in architectures are made of, layer by layer, as their papers or a pencil have it. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { summarize } from "../summary.ts";
import { type ArchName, type ArchOptions, buildArchitecture } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

const OPTIONS = { inputShape: [32, 32, 3], outputs: 10, seed: 1 };

/** Names, shapes and weights of layers that have weights, or make images smaller. */
function outline(name: ArchName, inputShape: readonly number[] = OPTIONS.inputShape): readonly string[] {
  return summarize(buildArchitecture(name, { ...OPTIONS, inputShape })).layers
    .filter(({ parameters, name }) => parameters > 0 && !name.includes("bn") || name.includes("pool"))
    .map(({ name, shapes: [shape], parameters }) => `${name} ${shape.join("x")} ${parameters}`);
}

Deno.test("cifar_cnn has two convolutions at each of three sizes", () => {
  assert.deepEqual(outline("cifar_cnn"), [
    "conv1 32x32x32 864",
    "conv2 32x32x32 9216",
    "pool1 16x16x32 0",
    "conv3 16x16x64 18432",
    "conv4 16x16x64 36864",
    "pool2 8x8x64 0",
    "conv5 8x8x128 73728",
    "conv6 8x8x128 147456",
    "global_pool 128 0",
    "dense 10 1290",
  ]);
});

Deno.test("tiny_yolo halves images three times, and pools a fourth time without", () => {
  assert.deepEqual(outline("tiny_yolo"), [
    "conv1 32x32x16 432",
    "pool1 16x16x16 0",
    "conv2 16x16x32 4608",
    "pool2 8x8x32 0",
    "conv3 8x8x64 18432",
    "pool3 4x4x64 0",
    "conv4 4x4x128 73728",
    "pool4 4x4x128 0",
    "conv5 4x4x256 294912",
    "conv6 4x4x128 32768",
    "conv7 4x4x256 294912",
    "global_pool 256 0",
    "dense 10 2570",
  ]);
});

Deno.test("mlp has two hidden layers of 64 units", () => {
  assert.deepEqual(outline("mlp", [7]), ["hidden1 64 448", "hidden2 64 4096", "dense 10 650"]);
});

Deno.test("resnet20 has three blocks at each of three sizes, and convolves skips where the size changes", () => {
  const blocks = [[1, 32, 16, 16], [2, 16, 32, 16], [3, 8, 64, 32]].flatMap(([stage, side, filters, before]) =>
    [1, 2, 3].flatMap((block) => {
      const isWider = stage > 1 && block === 1;
      const shape = `${side}x${side}x${filters}`;
      const name = `stage${stage}_block${block}`;
      return [
        `${name}_conv1 ${shape} ${9 * (isWider ? before : filters) * filters}`,
        `${name}_conv2 ${shape} ${9 * filters * filters}`,
        ...(isWider ? [`${name}_skip_conv ${shape} ${before * filters}`] : []),
      ];
    })
  );
  assert.deepEqual(
    outline("resnet20").toSorted(),
    [
      "conv1 32x32x16 432",
      "global_pool 64 0",
      "dense 10 650",
      ...blocks,
    ].toSorted(),
  );
});

Deno.test("resnet20 adds what each block reads to what it computes, then cuts at 0", () => {
  const { layers } = summarize(buildArchitecture("resnet20", OPTIONS));
  const readsOf = (name: string) => layers.find((layer) => layer.name === name)?.reads;
  let before = "relu1";
  for (const stage of [1, 2, 3]) {
    for (const block of [1, 2, 3]) {
      const name = `stage${stage}_block${block}`;
      const skip = stage > 1 && block === 1 ? `${name}_skip_bn` : before;
      assert.deepEqual(readsOf(`${name}_add`), [`${name}_bn2`, skip]);
      assert.deepEqual(readsOf(`${name}_conv1`), [before]);
      assert.deepEqual(readsOf(`${name}_relu2`), [`${name}_add`]);
      if (skip !== before) assert.deepEqual(readsOf(`${name}_skip_conv`), [before]);
      before = `${name}_relu2`;
    }
  }
});

Deno.test("resnet18 halves photographs five times, and has two blocks at each of four sizes", () => {
  const blocks = [[1, 56, 64, 64], [2, 28, 128, 64], [3, 14, 256, 128], [4, 7, 512, 256]].flatMap(
    ([stage, side, filters, before]) =>
      [1, 2].flatMap((block) => {
        const isWider = stage > 1 && block === 1;
        const shape = `${side}x${side}x${filters}`;
        const name = `stage${stage}_block${block}`;
        return [
          `${name}_conv1 ${shape} ${9 * (isWider ? before : filters) * filters}`,
          `${name}_conv2 ${shape} ${9 * filters * filters}`,
          ...(isWider ? [`${name}_skip_conv ${shape} ${before * filters}`] : []),
        ];
      }),
  );
  assert.deepEqual(
    outline("resnet18", [224, 224, 3]).toSorted(),
    [
      "conv1 112x112x64 9408",
      "pool1_pad 114x114x64 0",
      "pool1 56x56x64 0",
      "global_pool 512 0",
      "dense 10 5130",
      ...blocks,
    ].toSorted(),
  );
  // torchvision's count.
  const { trainable } = summarize(buildArchitecture("resnet18", { ...OPTIONS, outputs: 1000 }));
  assert.equal(trainable, 11_689_512);
});

/** Table 5 of the paper at 224×224: blocks, the side and channels of each stage's output. */
const SHUFFLENET_STAGES = {
  shufflenet_v2: [[4, 28, 116], [8, 14, 232], [4, 7, 464]],
  shufflenet_v2_x0_5: [[4, 28, 48], [8, 14, 96], [4, 7, 192]],
} as const;

Deno.test("shufflenet_v2 has the stages of its paper, and keeps half of the channels in all blocks but the first", () => {
  for (const [name, stages] of Object.entries(SHUFFLENET_STAGES)) {
    const { layers } = summarize(buildArchitecture(name, { ...OPTIONS, inputShape: [224, 224, 3] }));
    const find = (layer: string) => layers.find((known) => known.name === layer);
    let before = "pool1";
    for (const [s, [count, side, channels]] of stages.entries()) {
      for (let b = 1; b <= count; b++) {
        const block = `stage${s + 2}_block${b}`;
        assert.deepEqual(find(`${block}_shuffle`)?.shapes, [[side, side, channels]]);
        const skip = b === 1 ? `${block}_skip_conv_relu` : `${block}_half1`;
        assert.deepEqual(find(`${block}_concat`)?.reads, [skip, `${block}_conv2_relu`]);
        assert.deepEqual(find(`${block}_conv1`)?.reads, [b === 1 ? before : `${block}_half2`]);
        assert.deepEqual(find(`${block}_half2`)?.reads, b === 1 ? undefined : [before]);
        before = `${block}_shuffle`;
      }
    }
    assert.deepEqual(find("conv5")?.reads, [before]);
    assert.deepEqual(find("conv5")?.shapes, [[7, 7, 1024]]);
  }
});

Deno.test("unet goes down and up again, with what was there on the way down beside it", () => {
  for (const name of ["unet", "unet_transposed"] as const) {
    const model = buildArchitecture(name, { ...OPTIONS, inputShape: [32, 40, 1], outputs: 3, head: "map" });
    const { layers } = summarize(model);
    const concats = layers.filter(({ className }) => className === "Concatenate")
      .map(({ name, reads, shapes: [shape] }) => `${name} ${reads} ${shape.join("x")}`);
    const up = (i: number) => name === "unet" ? `up${i}_up_conv_relu` : `up${i}_up`;
    assert.deepEqual(concats, [
      `up3_concat down3_conv2_relu,${up(3)} 8x10x128`,
      `up2_concat down2_conv2_relu,${up(2)} 16x20x64`,
      `up1_concat down1_conv2_relu,${up(1)} 32x40x32`,
    ]);
    assert.deepEqual(model.outputs.map(({ shape, sourceLayer }) => [sourceLayer.name, ...shape]), [
      ["map", null, 32, 40, 3],
    ]);
    model.dispose();
  }
});

Deno.test("unet refuses pictures that it cannot halve three times, and other ends", () => {
  const build = (change: Partial<ArchOptions>) =>
    buildArchitecture("unet", { ...OPTIONS, inputShape: [32, 32, 3], head: "map", ...change });
  assert.throws(() => build({ inputShape: [32, 36, 3] }), /images are 32x36, sides that are multiples of 8 are needed/);
  assert.throws(() => build({ head: "softmax" }), /classes of a sample are asked for, it ends in classes of pixels/);
  assert.throws(() => build({ outputs: 1 }), /map of 1 outputs is asked for, at least 2 are needed/);
  assert.throws(() => buildArchitecture("resnet18", { ...OPTIONS, head: "boxes" }), /boxes are asked for, it ends in/);
  assert.throws(() => buildArchitecture("resnet18", { ...OPTIONS, anchors: [[[1, 1]]] }), /it ends in no boxes/);
});

/** Table 2 of the paper at 224×224: expansion, side and channels of each block's output, and whether it adds its input. */
const MOBILENET_BLOCKS: readonly (readonly [expansion: number, side: number, channels: number, adds: boolean])[] = [
  [1, 112, 16, false],
  [6, 56, 24, false],
  [6, 56, 24, true],
  [6, 28, 32, false],
  [6, 28, 32, true],
  [6, 28, 32, true],
  [6, 14, 64, false],
  [6, 14, 64, true],
  [6, 14, 64, true],
  [6, 14, 64, true],
  [6, 14, 96, false],
  [6, 14, 96, true],
  [6, 14, 96, true],
  [6, 7, 160, false],
  [6, 7, 160, true],
  [6, 7, 160, true],
  [6, 7, 320, false],
];

Deno.test("mobilenet_v2 has the blocks of its paper", () => {
  const model = buildArchitecture("mobilenet_v2", { ...OPTIONS, inputShape: [224, 224, 3] });
  const shapeOf = (name: string) => model.layers.find((layer) => layer.name === name)?.outputShape;
  assert.deepEqual(shapeOf("conv1"), [null, 112, 112, 32]);
  let [side, channels] = [112, 32];
  MOBILENET_BLOCKS.forEach(([expansion, newSide, newChannels, adds], i) => {
    const name = `block${i + 1}`;
    const inside = channels * expansion;
    assert.deepEqual(shapeOf(`${name}_expand`), expansion === 1 ? undefined : [null, side, side, inside]);
    assert.deepEqual(shapeOf(`${name}_depthwise`), [null, newSide, newSide, inside]);
    assert.deepEqual(shapeOf(`${name}_project`), [null, newSide, newSide, newChannels]);
    assert.deepEqual(shapeOf(`${name}_add`), adds ? [null, newSide, newSide, newChannels] : undefined, name);
    [side, channels] = [newSide, newChannels];
  });
  assert.deepEqual([shapeOf("block18_project"), shapeOf("conv2")], [undefined, [null, 7, 7, 1280]]);
  assert.deepEqual([shapeOf("global_pool"), shapeOf("dense")], [[null, 1280], [null, 10]]);
});

/** Epsilon of batch normalization where `zoo_test.ts` does not say it: TensorFlow's of most, torchvision's, darknet's (of detectors the smallest: all are made of the same parts). */
const EPSILON: Readonly<Partial<Record<ArchName, number>>> = {
  cifar_cnn: 1e-3,
  tiny_yolo: 1e-3,
  resnet20: 1e-3,
  resnet18: 1e-5,
  mobilenet_v2: 1e-5,
  shufflenet_v2: 1e-5,
  shufflenet_v2_x0_5: 1e-5,
  mlp: 1e-3,
  yolov3_tiny: 1e-5,
  unet: 1e-3,
  unet_transposed: 1e-3,
};

/** The options of an architecture, as small as may be. */
function smallest(name: string): ArchOptions {
  if (name === "mlp") return { ...OPTIONS, inputShape: [5] };
  if (name.startsWith("unet")) return { ...OPTIONS, head: "map" };
  return name.includes("yolov") ? { ...OPTIONS, head: "boxes" } : OPTIONS;
}

/** Settings of layers by their classes, in which one is as another of its class. */
function settingsOf(layers: readonly tfl.layers.Layer[], className: string, ...keys: readonly string[]) {
  const own = layers.filter((layer) => layer.getClassName() === className).map((layer) => layer.getConfig());
  return [...new Set(own.map((config) => JSON.stringify(keys.map((key) => config[key]))))];
}

for (const [name, epsilon] of Object.entries(EPSILON)) {
  Deno.test(`${name} has the settings of its layers that are no sizes`, () => {
    const { layers, outputs } = buildArchitecture(name, smallest(name));
    const heads = outputs.map(({ sourceLayer }) =>
      sourceLayer.getClassName() === "Softmax" ? layers.at(-2)! : sourceLayer
    );
    const body = layers.filter((layer) => !heads.includes(layer));
    assert.deepEqual(settingsOf(layers, "BatchNormalization", "epsilon", "momentum"), [`[${epsilon},0.9]`]);
    for (const className of ["Conv2D", "DepthwiseConv2D"]) {
      const settings = settingsOf(body, className, "useBias");
      assert.ok(settings.every((text) => text === "[false]"), `${className}: ${settings}`);
    }
    const expected = {
      LeakyReLU: [name.includes("yolo"), "alpha", 0.1],
      Dropout: [name === "mobilenet_v2", "rate", 0.2],
    } as const;
    for (const [className, [has, key, value]] of Object.entries(expected)) {
      assert.deepEqual(settingsOf(layers, className, key), has ? [`[${value}]`] : []);
    }
    const most = name === "mobilenet_v2" ? "[6]" : "[null]";
    assert.ok(settingsOf(layers, "ReLU", "maxValue").every((text) => text === most));
    for (const head of heads) assert.equal(head.getConfig().useBias, true, head.name);
  });
}

Deno.test("buildArchitecture() holds the head to the least that it needs", () => {
  const build = (options: object) => () =>
    buildArchitecture("mlp", { inputShape: [3], outputs: 2, seed: 0, ...options });
  for (const head of ["sigmoid", "linear"]) {
    assert.deepEqual(build({ head, outputs: 1 })().outputs[0].shape, [null, 1]);
    assert.throws(
      build({ head, outputs: 0 }),
      new RegExp(`: ${head} of 0 outputs is asked for, at least 1 are needed$`),
    );
  }
  assert.deepEqual(build({ outputs: 2 })().outputs[0].shape, [null, 2]);
  for (const outputs of [1, 0, -1, 2.5, NaN]) assert.throws(build({ outputs }), RangeError);
  for (const bias of [[], [1], [1, 2, 3], [1, NaN], [Infinity, 1]]) assert.throws(build({ bias }), RangeError);
  for (const inputShape of [[], [0], [-1], [1.5], [3, 3], [3, 3, 3]]) assert.throws(build({ inputShape }), RangeError);
  assert.deepEqual(build({ inputShape: [1] })().inputs[0].shape, [null, 1]);
});

Deno.test("buildArchitecture() starts the head within Glorot's bounds, and from no bias", () => {
  const model = buildArchitecture("mlp", { inputShape: [3], outputs: 2, seed: 5 });
  const [kernel, bias] = model.getLayer("dense").getWeights().map((weight) => weight.dataSync());
  const bound = Math.sqrt(6 / (64 + 2));
  const largest = Math.max(...kernel.map(Math.abs));
  assert.ok(largest <= bound && largest > 0.9 * bound, `${largest} of ${bound}`);
  assert.deepEqual([...bias], [0, 0]);
});
