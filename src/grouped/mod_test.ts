import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../numbers/random.ts";
import { BACKEND, registerBackend } from "../backend/mod.ts";
import { spreadFilter } from "../ops/conv2d_cases.ts";
import { type GroupConvAttrs, groupConvolution } from "./convolve.ts";
import { type GroupConv2D, groupConv2d, type GroupConv2DArgs, registerGroupedLayers } from "./mod.ts";

const backend = await registerBackend();
registerGroupedLayers();

function drawn(shape: readonly (number | null)[], seed: number): tf.Tensor {
  return tf.randomUniform(shape.map((dim) => dim ?? 1), -1, 1, "float32", seed);
}

/** The layer built for pictures of `shape`, with seeded weights. */
function builtFor(args: GroupConv2DArgs, shape: readonly number[]): GroupConv2D {
  const layer = groupConv2d(args);
  layer.build([null, ...shape.slice(1)]);
  layer.setWeights(layer.weights.map((weight, i) => drawn(weight.shape, i + 2)));
  return layer;
}

function callOf(layer: tfl.layers.Layer, x: tf.Tensor): tf.Tensor {
  const y = layer.apply(x);
  assert.ok(y instanceof tf.Tensor);
  return y;
}

/** Computes on a backend and returns the numbers. */
async function computedOn(name: string, run: () => tf.Tensor[]): Promise<readonly number[][]> {
  await tf.setBackend(name);
  try {
    return tf.tidy(() => run().map((tensor) => Array.from(tensor.dataSync())));
  } finally {
    await tf.setBackend(BACKEND);
  }
}

/** The layer's answer, and the gradients of a weighted sum of it by the picture and the weights. */
function layerResults(args: GroupConv2DArgs, shape: readonly number[]): () => tf.Tensor[] {
  return () => {
    const layer = builtFor(args, shape);
    const x = drawn(shape, 1);
    const y = callOf(layer, x);
    const loss = (x: tf.Tensor) => tf.sum(tf.mul(callOf(layer, x), drawn(y.shape, 5))) as tf.Scalar;
    const { grads } = tf.variableGrads(() => loss(x));
    const byWeights = layer.trainableWeights.map(({ name }) => grads[name]);
    return [y, tf.grad(loss)(x), ...byWeights];
  };
}

function assertClose(actual: readonly number[][], expected: readonly number[][]): void {
  assert.deepEqual(actual.map(({ length }) => length), expected.map(({ length }) => length));
  actual.forEach((values, k) => {
    const largest = expected[k].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const wrong = values.findIndex((value, i) => !(Math.abs(value - expected[k][i]) <= 1e-5 * largest));
    assert.ok(wrong < 0, `element ${wrong} of ${k} is ${values[wrong]}, expected ${expected[k][wrong]}`);
  });
}

const CONFIGS: readonly (readonly [GroupConv2DArgs, readonly number[]])[] = [
  [{ filters: 4, kernelSize: 3 }, [2, 5, 6, 3]],
  [{ filters: 6, kernelSize: 3, groups: 2 }, [2, 5, 6, 4]],
  [{ filters: 4, kernelSize: [3, 2], groups: 4, padding: "same", strides: [2, 1], useBias: false }, [2, 7, 6, 4]],
  [{ filters: 8, kernelSize: 1, groups: 2, strides: 2, activation: "relu" }, [2, 5, 6, 4]],
  [{ filters: 6, kernelSize: 3, groups: 3, activation: "tanh", dataFormat: "channelsFirst" }, [2, 6, 5, 4]],
];

for (const [args, shape] of CONFIGS) {
  Deno.test(`GroupConv2D gives what a convolution a group gives, gradients included, of ${JSON.stringify(args)}`, async () => {
    const before = backend.fallbacks();
    const actual = await computedOn(BACKEND, layerResults(args, shape));
    assert.deepEqual(backend.fallbacks(), before, "kernels run on the cpu backend");
    assertClose(actual, await computedOn("cpu", layerResults(args, shape)));
  });
}

Deno.test("GroupConv2D gives channels first what it gives channels last, and says so", () => {
  const args = { filters: 6, kernelSize: [3, 2], groups: 2 } satisfies GroupConv2DArgs;
  const [first, last] = [
    builtFor({ ...args, dataFormat: "channelsFirst" }, [2, 4, 7, 5]),
    builtFor(args, [2, 7, 5, 4]),
  ];
  const x = drawn([2, 7, 5, 4], 1);
  const [expected, actual] = [callOf(last, x), callOf(first, tf.transpose(x, [0, 3, 1, 2]))];
  assert.deepEqual([actual.shape, first.computeOutputShape([null, 4, 7, 5])], [[2, 6, 5, 4], [null, 6, 5, 4]]);
  const ordered = tf.transpose(actual, [0, 2, 3, 1]);
  assertClose([Array.from(ordered.dataSync())], [Array.from(expected.dataSync())]);
});

Deno.test("groupConvolution() without the kernel slides down and to the right by strides and dilations of their own", async () => {
  const attrs = [
    { groups: 1, strides: [1, 2], dilations: [1, 1] },
    { groups: 1, strides: [1, 1], dilations: [3, 1] },
    { groups: 2, strides: [1, 2], dilations: [1, 1] },
    { groups: 2, strides: [1, 1], dilations: [3, 1] },
  ] as const;
  const answers = () =>
    attrs.map(({ groups, ...rest }) => {
      const [x, filter] = [drawn([1, 9, 8, 4], 1), drawn([3, 2, 4 / groups, 6], 2)] as tf.Tensor4D[];
      return groupConvolution(x, filter, { groups, pad: "same", ...rest });
    });
  assertClose(await computedOn("cpu", answers), await computedOn(BACKEND, answers));
});

/** A grouped convolution behind one of 1 × 1, which brings its channels into blocks where they fill some. */
interface Net {
  readonly x: readonly number[];
  /** Channels and filters of a group. */
  readonly inside: number;
  readonly own: number;
  readonly attrs: GroupConvAttrs;
  readonly kernel: readonly number[];
}

/** Nets whose groups fill blocks alone, in twos and fours, and not at all. */
function drawNets(count: number): readonly Net[] {
  const random = new Random(31);
  const size = () => 7 + random.below(4);
  return Array.from({ length: count }, () => ({
    x: [random.pick([1, 3, 8, 16]), size(), size(), 3],
    inside: random.pick([1, 2, 4, 8, 16, 24]),
    own: random.pick([1, 2, 4, 8, 16, 12]),
    attrs: {
      groups: random.pick([2, 4, 6, 8]),
      strides: random.pick([[1, 1], [1, 1], [2, 2], [1, 2]] as const),
      dilations: random.pick([[1, 1], [1, 1], [2, 2], [3, 1]] as const),
      pad: random.pick(["same", "valid"] as const),
    },
    kernel: [1 + random.below(3), 1 + random.below(3)],
  }));
}

/** Answers and gradients; on the cpu backend filters are spread, for it has no gradient of dilated ones. */
function netResults({ x, inside, own, attrs, kernel }: Net, isDilated: boolean): () => tf.Tensor[] {
  const { groups } = attrs;
  const shapes = [x, [1, 1, x[3], inside * groups], [...kernel, inside, own * groups]];
  const compute = (x: tf.Tensor, first: tf.Tensor, second: tf.Tensor) => {
    const y = tf.relu(tf.conv2d(x as tf.Tensor4D, first as tf.Tensor4D, 1, "same"));
    if (isDilated) return groupConvolution(y, second as tf.Tensor4D, attrs);
    const spread = spreadFilter(second as tf.Tensor4D, attrs.dilations);
    return groupConvolution(y, spread, { ...attrs, dilations: [1, 1] });
  };
  return () => {
    const [picture, first, second] = shapes.map((shape, i) => drawn(shape, i + 1));
    const answer = compute(picture, first, second);
    const loss = (...[x, first, second]: tf.Tensor[]) =>
      tf.sum(tf.mul(compute(x, first, second), drawn(answer.shape, 9)));
    return [answer, ...tf.grads(loss)([picture, first, second])];
  };
}

for (const net of drawNets(20)) {
  Deno.test(`groupConvolution() has the gradients of a convolution a group, ${JSON.stringify(net)}`, async () => {
    const before = backend.fallbacks();
    const actual = await computedOn(BACKEND, netResults(net, true));
    assert.deepEqual(backend.fallbacks(), before, "kernels run on the cpu backend");
    assertClose(actual, await computedOn("cpu", netResults(net, false)));
  });
}

Deno.test("GroupConv2D is the same when it is made again from its JSON", async () => {
  const x = drawn([2, 5, 5, 4], 1);
  const input = tfl.input({ shape: [5, 5, 4] });
  const layer = groupConv2d({
    filters: 6,
    kernelSize: 3,
    groups: 2,
    activation: "relu",
    padding: "same",
    kernelInitializer: tfl.initializers.randomUniform({ minval: -1, maxval: 1, seed: 3 }),
    kernelRegularizer: tfl.regularizers.l2({ l2: 0.01 }),
    name: "grouped",
  });
  const model = tfl.model({ inputs: input, outputs: layer.apply(input) as tfl.SymbolicTensor });
  assert.deepEqual(model.outputs[0].shape, [null, 5, 5, 6]);
  assert.deepEqual(layer.weights.map(({ originalName, shape }) => [originalName, shape]), [
    ["grouped/kernel", [3, 3, 2, 6]],
    ["grouped/bias", [6]],
  ]);
  assert.equal(layer.losses.length, 1);
  const again = await tfl.models.modelFromJSON(JSON.parse(model.toJSON(undefined, true) as string));
  again.setWeights(model.getWeights());
  const answers = [model, again].map((model) => (model.predict(x) as tf.Tensor).dataSync());
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(again.layers[1].getConfig(), layer.getConfig());
});

Deno.test("GroupConv2D lists its weights as not trainable when it is frozen", () => {
  const layer = builtFor({ filters: 4, kernelSize: 1, groups: 2, trainable: false }, [1, 2, 2, 4]);
  assert.deepEqual([layer.trainableWeights.length, layer.nonTrainableWeights.length], [0, 2]);
  layer.trainable = true;
  assert.deepEqual([layer.trainableWeights.length, layer.nonTrainableWeights.length], [2, 0]);
});

Deno.test("GroupConv2D refuses what it cannot be, or be given", () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => groupConv2d({ filters: 4, kernelSize: 1, groups: 0 }), /number of groups is 0, a whole number from 1/],
    [() => groupConv2d({ filters: 4, kernelSize: 1, groups: 1.5 }), /number of groups is 1.5/],
    [
      () => groupConv2d({ filters: 5, kernelSize: 1, groups: 2, name: "g" }),
      /Cannot make "g": it has 5 filters, a multiple of its 2 groups is needed/,
    ],
    [
      () => groupConv2d({ filters: 4, kernelSize: 1, groups: 2, padding: "causal", name: "g" }),
      /Cannot make "g": its padding is "causal", "same" or "valid" is needed/,
    ],
    [
      () => groupConv2d({ filters: 4, kernelSize: 1, groups: 2, name: "g" }).apply(tfl.input({ shape: [4, 4, 3] })),
      /Cannot build "g": its input is \[\?,4,4,3\], .* multiple of 2 are needed/,
    ],
    [
      () => groupConv2d({ filters: 4, kernelSize: 1, groups: 2 }).apply(tfl.input({ shape: [4, 4, null] })),
      /its input is \[\?,4,4,\?\]/,
    ],
    [() => groupConv2d({ filters: 4, kernelSize: 1, groups: 2 }).apply(tfl.input({ shape: [4, 4] })), /\[\?,4,4\]/],
  ];
  for (const [make, message] of refused) assert.throws(make, message);
});
