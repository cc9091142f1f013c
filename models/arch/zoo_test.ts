/** What architectures that others published are made of: as many weights, the same places, the settings of their papers. */
import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { withoutDraws } from "../../tests/_support/without_draws.ts";
import { summarize } from "../summary.ts";
import { ARCH_NAMES, ARCHITECTURES, type ArchName, type ArchOptions, buildArchitecture } from "./mod.ts";

tf.env().set("PROD", true);
await tf.setBackend("cpu");

/** What is known of an architecture, whose pictures have 1000 classes where nothing else is said. */
interface Claim {
  /** A picture of another size, and how many weights there are of 10 classes. */
  readonly other: { readonly inputShape: readonly number[]; readonly weights: number };
  /** Epsilon and momentum of batch normalization. Absent: there is none. */
  readonly norm?: readonly [epsilon: number, momentum: number];
  /** Where ReLU cuts. Default: at 0 alone. */
  readonly cut?: number;
  /** What share of values dropout leaves out. Absent: there is none. */
  readonly dropout?: number;
  /** Outputs of layers at the published size, after the source's table. */
  readonly shapes: Readonly<Record<string, string>>;
}

/** Counts of 10 classes, at a size that is no multiple of 32: torchvision's, of `mobilenet_v1` and `efficientnet_lite0` by hand. */
const ZOO: Readonly<Partial<Record<ArchName, Claim>>> = {
  resnet34: {
    other: { inputShape: [75, 100, 3], weights: 21_289_802 },
    norm: [1e-5, 0.9],
    shapes: {
      pool1: "56x56x64",
      stage1_block3_relu2: "56x56x64",
      stage2_block4_relu2: "28x28x128",
      stage3_block6_relu2: "14x14x256",
      stage4_block3_relu2: "7x7x512",
    },
  },
  resnet50: {
    other: { inputShape: [75, 100, 3], weights: 23_528_522 },
    norm: [1e-5, 0.9],
    shapes: {
      pool1: "56x56x64",
      stage1_block3_relu3: "56x56x256",
      stage2_block1_relu1: "56x56x128",
      stage2_block1_relu2: "28x28x128",
      stage2_block4_relu3: "28x28x512",
      stage3_block6_relu3: "14x14x1024",
      stage4_block3_relu3: "7x7x2048",
    },
  },
  resnext50_32x4d: {
    other: { inputShape: [75, 100, 3], weights: 23_000_394 },
    norm: [1e-5, 0.9],
    shapes: {
      stage1_block1_relu1: "56x56x128",
      stage1_block3_relu3: "56x56x256",
      stage2_block1_relu1: "56x56x256",
      stage2_block1_relu2: "28x28x256",
      stage4_block3_relu2: "7x7x1024",
      stage4_block3_relu3: "7x7x2048",
    },
  },
  resnext101_32x8d: {
    other: { inputShape: [75, 100, 3], weights: 86_762_826 },
    norm: [1e-5, 0.9],
    shapes: {
      stage1_block3_relu2: "56x56x256",
      stage2_block4_relu3: "28x28x512",
      stage3_block23_relu2: "14x14x1024",
      stage4_block3_relu2: "7x7x2048",
      stage4_block3_relu3: "7x7x2048",
    },
  },
  mobilenet_v1: {
    other: { inputShape: [75, 100, 3], weights: 4_231_976 - 1025 * 990 },
    norm: [1e-3, 0.99],
    cut: 6,
    dropout: 1e-3,
    shapes: {
      conv1: "112x112x32",
      block1_pointwise: "112x112x64",
      block3_pointwise: "56x56x128",
      block5_pointwise: "28x28x256",
      block11_pointwise: "14x14x512",
      block13_pointwise: "7x7x1024",
    },
  },
  mobilenet_v3_small: {
    other: { inputShape: [75, 100, 3], weights: 1_528_106 },
    norm: [1e-3, 0.99],
    dropout: 0.2,
    shapes: {
      conv1_hard_swish: "112x112x16",
      block1_squeeze_relu: "1x1x8",
      block1_project: "56x56x16",
      block3_add: "28x28x24",
      block6_add: "14x14x40",
      block8_add: "14x14x48",
      block9_excite: "1x1x288",
      block11_add: "7x7x96",
      conv2_hard_swish: "7x7x576",
      hidden_hard_swish: "1024",
    },
  },
  efficientnet_lite0: {
    other: { inputShape: [75, 100, 3], weights: 4_652_008 - 1281 * 990 },
    norm: [1e-3, 0.99],
    cut: 6,
    dropout: 0.2,
    shapes: {
      conv1: "112x112x32",
      block1_project: "112x112x16",
      block3_add: "56x56x24",
      block5_add: "28x28x40",
      block8_add: "14x14x80",
      block11_add: "14x14x112",
      block15_add: "7x7x192",
      block16_project: "7x7x320",
      conv2: "7x7x1280",
    },
  },
  squeezenet: {
    other: { inputShape: [75, 100, 3], weights: 727_626 },
    dropout: 0.5,
    shapes: {
      conv1: "111x111x64",
      pool1: "55x55x64",
      fire3_concat: "55x55x128",
      pool2: "27x27x128",
      fire5_concat: "27x27x256",
      pool3: "13x13x256",
      fire9_concat: "13x13x512",
    },
  },
  googlenet: {
    other: { inputShape: [75, 100, 3], weights: 5_610_154 },
    norm: [1e-3, 0.9],
    dropout: 0.2,
    shapes: {
      conv1: "112x112x64",
      pool1: "56x56x64",
      pool2: "28x28x192",
      inception3a_concat: "28x28x256",
      inception3b_concat: "28x28x480",
      pool3: "14x14x480",
      inception4e_concat: "14x14x832",
      pool4: "7x7x832",
      inception5b_concat: "7x7x1024",
    },
  },
  inception_v3: {
    other: { inputShape: [75, 100, 3], weights: 21_806_058 },
    norm: [1e-3, 0.9],
    dropout: 0.5,
    shapes: {
      conv1: "149x149x32",
      conv2: "147x147x32",
      conv3: "147x147x64",
      pool1: "73x73x64",
      conv5: "71x71x192",
      pool2: "35x35x192",
      mixed1_concat: "35x35x256",
      mixed3_concat: "35x35x288",
      mixed4_concat: "17x17x768",
      mixed8_concat: "17x17x768",
      mixed9_concat: "8x8x1280",
      mixed11_concat: "8x8x2048",
    },
  },
  densenet121: {
    other: { inputShape: [75, 100, 3], weights: 6_964_106 },
    norm: [1e-5, 0.9],
    shapes: {
      pool1: "56x56x64",
      block1_concat: "56x56x256",
      block1_pool: "28x28x128",
      block2_concat: "28x28x512",
      block2_pool: "14x14x256",
      block3_concat: "14x14x1024",
      block3_pool: "7x7x512",
      block4_concat: "7x7x1024",
    },
  },
  vgg16: {
    other: { inputShape: [75, 100, 3], weights: 134_301_514 },
    dropout: 0.5,
    shapes: {
      conv1_2: "224x224x64",
      conv2_2: "112x112x128",
      conv3_3: "56x56x256",
      conv4_3: "28x28x512",
      conv5_3: "14x14x512",
      pool5: "7x7x512",
      hidden2: "4096",
    },
  },
};

function buildQuickly(name: string, options: ArchOptions): tfl.LayersModel {
  return withoutDraws(() => buildArchitecture(name, options));
}

function countTrained(name: string, options: Omit<ArchOptions, "seed">): number {
  const model = buildQuickly(name, { ...options, seed: 1 });
  const { trainable } = summarize(model);
  model.dispose();
  return trainable;
}

for (const name of ARCH_NAMES) {
  const { published } = ARCHITECTURES[name];
  if (published === undefined) continue;
  const { by, weights, inputShape, outputs } = published;
  Deno.test(`${name} has as many weights as ${by}`, () => {
    assert.equal(countTrained(name, { inputShape, outputs }), weights);
  });
}

for (const [name, { other, norm, cut, dropout, shapes }] of Object.entries(ZOO)) {
  Deno.test(`${name} has its weights for other pictures and classes, and the places and settings of its source`, () => {
    assert.equal(countTrained(name, { inputShape: other.inputShape, outputs: 10 }), other.weights);
    const { inputShape, outputs } = ARCHITECTURES[name as ArchName].published!;
    const model = buildQuickly(name, { inputShape, outputs, seed: 1 });
    const shapeOf = (layer: string) => summarize(model).layers.find((row) => row.name === layer)?.shapes[0].join("x");
    assert.deepEqual(Object.fromEntries(Object.keys(shapes).map((layer) => [layer, shapeOf(layer)])), shapes);
    assert.deepEqual(model.outputs[0].shape, [null, 1000]);
    assert.equal(model.layers.at(-1)?.name, "softmax");
    const settings = (className: string, ...keys: readonly string[]) => {
      const own = model.layers.filter((layer) => layer.getClassName() === className);
      return [...new Set(own.map((layer) => JSON.stringify(keys.map((key) => layer.getConfig()[key]))))];
    };
    const asked = norm === undefined ? [] : [JSON.stringify(norm)];
    assert.deepEqual(settings("BatchNormalization", "epsilon", "momentum"), asked);
    assert.deepEqual(settings("ReLU", "maxValue"), [JSON.stringify([cut ?? null])]);
    assert.deepEqual(settings("Dropout", "rate"), dropout === undefined ? [] : [JSON.stringify([dropout])]);
    const made = model.layers.map((layer) => layer.name).filter((layer) =>
      /^(?!conv|mixed|hidden|dropout).*_\d+$/.test(layer)
    );
    assert.deepEqual(made, [], "names that TF.js made up");
    model.dispose();
  });

  Deno.test(`${name} draws every weight from a seed of its own, which depends on the run's`, () => {
    const seedsOf = (seed: number) => {
      const model = buildQuickly(name, { inputShape: ZOO[name as ArchName]!.other.inputShape, outputs: 3, seed });
      const weighted = model.layers.filter((layer) => /Conv2D|Dense/.test(layer.getClassName()));
      const seeds = weighted.map((layer) => {
        const { kernelInitializer, depthwiseInitializer } = layer.getConfig();
        const { config } = (depthwiseInitializer ?? kernelInitializer) as {
          readonly config: { readonly seed: number };
        };
        return config.seed;
      });
      model.dispose();
      return seeds;
    };
    const [a, b, c] = [3, 3, 4].map(seedsOf);
    assert.deepEqual(a, b);
    assert.equal(new Set([...a, ...c]).size, 2 * a.length);
  });
}

/** torchvision's counts at its `width_mult`; Keras' at its `alpha`, less the statistics of batch normalization. */
const WIDTHS: Readonly<Partial<Record<ArchName, Readonly<Record<number, number>>>>> = {
  mobilenet_v1: { 0.25: 475_544 - 5_472, 0.5: 1_342_536 - 10_944, 0.75: 2_601_976 - 16_416 },
  mobilenet_v2: { 0.35: 1_677_128, 0.5: 1_968_680, 0.75: 2_636_424, 1.4: 6_108_776 },
  mobilenet_v3_small: { 0.5: 917_264, 0.75: 1_653_920 },
};

Deno.test("buildArchitecture() gives mobile nets the weights of their width, and others no width", () => {
  for (const [name, counts] of Object.entries(WIDTHS)) {
    for (const [width, weights] of Object.entries(counts)) {
      const options = { inputShape: [32, 32, 3], outputs: 1000, width: Number(width) };
      assert.equal(countTrained(name, options), weights, `${name} at ${width}`);
    }
  }
  const build = (name: ArchName, width: number) => () =>
    buildQuickly(name, { inputShape: [32, 32, 3], outputs: 10, width, seed: 1 });
  assert.throws(build("resnet18", 0.5), /a width of 0.5 is asked for, it comes in one width only/);
  for (const width of [0, -1, NaN, Infinity, 8.1]) {
    assert.throws(build("mobilenet_v2", width), /a width of .* is asked for, needed is a number above 0 and up to 8/);
  }
});

Deno.test("buildArchitecture() refuses pictures that an architecture has no pixel left of, and takes the least", () => {
  for (const [name, { leastSide }] of Object.entries(ARCHITECTURES)) {
    if (leastSide === undefined) continue;
    const build = (side: number) => buildQuickly(name, { inputShape: [side, side, 3], outputs: 2, seed: 1 });
    assert.deepEqual(build(leastSide).outputs[0].shape, [null, 2]);
    assert.throws(() => build(leastSide - 1), new RegExp(`at least ${leastSide}x${leastSide} are needed`));
  }
});

Deno.test("squeezenet cuts its answers at 0 before a softmax, and nowhere else", () => {
  const namesOf = (head: ArchOptions["head"]) =>
    buildQuickly("squeezenet", { inputShape: [32, 32, 3], outputs: 2, head, seed: 1 }).layers.map(({ name }) => name);
  assert.deepEqual(namesOf("softmax").slice(-5), ["dropout", "dense", "dense_relu", "global_pool", "softmax"]);
  assert.deepEqual(namesOf("linear").slice(-3), ["dropout", "dense", "global_pool"]);
  assert.deepEqual(namesOf("sigmoid").slice(-3), ["dense", "global_pool", "sigmoid"]);
  const model = buildQuickly("squeezenet", {
    inputShape: [32, 32, 3],
    outputs: 2,
    head: "linear",
    bias: [3, -4],
    seed: 1,
  });
  const answers = tf.tidy(() => [...(model.predict(tf.ones([1, 32, 32, 3])) as tf.Tensor).dataSync()]);
  assert.deepEqual(answers, [3, -4]);
});

Deno.test("transformer_encoder has as many weights in its blocks as PyTorch's nn.TransformerEncoder of the same size", () => {
  const model = buildQuickly("transformer_encoder", {
    inputShape: [7],
    tokens: { size: 11 },
    outputs: 3,
    perPosition: true,
    seed: 1,
  });
  const { layers, trainable } = summarize(model);
  const blocks = layers.filter(({ name }) => /^(layer\d|norm$)/.test(name));
  assert.equal(blocks.reduce((sum, { parameters }) => sum + parameters, 0), 18_915_328);
  assert.equal(trainable, 18_915_328 + (11 + 7) * 512 + 512 * 3 + 3);
  assert.deepEqual(model.outputs[0].shape, [null, 7, 3]);
  model.dispose();
});
