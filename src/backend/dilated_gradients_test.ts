import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../numbers/random.ts";
import { QuantizedWeights, registerQuantKernels } from "../quant/mod.ts";
import { assertClose, computedOn, random, useBackend } from "./_test_support.ts";
import { spreadFilter } from "../ops/conv2d_cases.ts";
import { BACKEND } from "./register.ts";

type Pair = readonly [number, number];

/** A dilated convolution between two of 1 × 1, which bring its channels into blocks where they fill some. */
interface Net {
  readonly kind: "conv" | "depthwise" | "separable";
  readonly x: readonly [number, number, number, number];
  readonly channels: number;
  readonly outs: number;
  readonly k: Pair;
  readonly dilations: Pair;
  readonly pad: "same" | "valid" | number;
}

/** The filters of `net`, in the order in which they are used. */
function filtersOf({ kind, x, channels, outs, k }: Net): tf.Tensor4D[] {
  const middle = kind === "conv" ? [[...k, channels, outs]] : [[...k, channels, 2]];
  const shapes = [[1, 1, x[3], channels], ...middle, ...(kind === "separable" ? [[1, 1, 2 * channels, outs]] : [])];
  return shapes.map((shape, i) => random(shape, i + 2) as tf.Tensor4D);
}

/** Σ of the net's answers, each with a weight of its own. */
function answerOf({ kind, dilations, pad }: Net, isDilated: boolean, tensors: readonly tf.Tensor[]): tf.Tensor {
  const [x, first, second, third] = tensors as tf.Tensor4D[];
  const d = isDilated ? [...dilations] as [number, number] : 1;
  const filter = isDilated ? second : spreadFilter(second, dilations);
  const y = tf.relu(tf.conv2d(x, first, 1, "same"));
  const z = kind === "conv"
    ? tf.conv2d(y, filter, 1, pad, "NHWC", d)
    : kind === "depthwise"
    ? tf.depthwiseConv2d(y, filter, 1, pad, "NHWC", d)
    : tf.separableConv2d(y, filter, third, 1, pad as "same", d);
  return tf.sum(tf.mul(z, random(z.shape, 9)));
}

function gradientsOf(net: Net, isDilated: boolean): () => tf.Tensor[] {
  return () => tf.grads((...tensors) => answerOf(net, isDilated, tensors))([random([...net.x], 1), ...filtersOf(net)]);
}

/** Nets of all kinds, sizes and paddings, with channels that fill blocks, fill them in part, and do not. */
function drawNets(count: number): Net[] {
  const random = new Random(11);
  return Array.from({ length: count }, (): Net => {
    const kind = random.pick(["conv", "depthwise", "separable"] as const);
    const dilations: Pair = [1 + random.below(3), 2 + random.below(2)];
    const k: Pair = [1 + random.below(3), 1 + random.below(3)];
    const size = () => 7 + random.below(5);
    return {
      kind,
      x: [random.pick([1, 3, 16]), size(), size(), 3],
      channels: random.pick([2, 16, 24, 32]),
      outs: random.pick([3, 16, 24]),
      k,
      dilations,
      pad: random.pick(kind === "separable" ? ["same", "valid"] as const : ["same", "valid", 1, 3] as const),
    };
  });
}

for (const net of drawNets(24)) {
  const { kind, x, channels, k, dilations, pad } = net;
  const what = `a ${kind} of ${k.join("×")}, ${channels} channels, dilations [${dilations}], pad ${pad} on [${x}]`;
  Deno.test(`the engine has the gradients of ${what}`, async () => {
    const backend = await useBackend();
    const before = backend.fallbacks();
    const actual = await computedOn(BACKEND, gradientsOf(net, true));
    assert.deepEqual(backend.fallbacks(), before, "kernels run on the cpu backend");
    const expected = await computedOn("cpu", gradientsOf(net, false));
    expected.forEach((list, i) => assertClose(actual[i], list, 1e-5));
  });
}

/** Σ weights·conv(x, filter) in float64, valid, of one channel, by the definition alone. */
function lossInDouble(x: Float64Array, filter: Float64Array, [dy, dx]: Pair): number {
  const [size, k] = [7, 3];
  const [h, w] = [size - (k - 1) * dy, size - (k - 1) * dx];
  let loss = 0;
  for (let i = 0; i < h * w * k * k; i++) {
    const [tap, pixel] = [i % (k * k), Math.floor(i / (k * k))];
    const [row, column] = [Math.floor(pixel / w), pixel % w];
    const at = (row + Math.floor(tap / k) * dy) * size + column + tap % k * dx;
    loss += Math.sin(pixel) * x[at] * filter[tap];
  }
  return loss;
}

Deno.test("the engine has the gradients of finite differences when a dilated convolution is computed in float64", async () => {
  await useBackend();
  const dilations: Pair = [2, 3];
  const [x, filter] = [random([1, 7, 7, 1], 5), random([3, 3, 1, 1], 6)];
  const values = [x, filter].map((tensor) => Float64Array.from(tensor.dataSync()));
  const loss = (x: tf.Tensor, filter: tf.Tensor) => {
    const y = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "valid", "NHWC", [2, 3]);
    return tf.sum(tf.mul(y, tf.reshape(tf.sin(tf.range(0, y.size)), y.shape)));
  };
  const actual = tf.grads(loss)([x, filter]);
  actual.forEach((gradient, which) => {
    // The loss is linear in each, so that the difference is the derivative.
    const numeric = values[which].map((_, at) => {
      const moved = values.map((list, i) => i === which ? list.with(at, list[at] + 1) : list);
      return lossInDouble(moved[0], moved[1], dilations) - lossInDouble(values[0], values[1], dilations);
    });
    assertClose(gradient.dataSync(), numeric, 1e-6);
  });
});

Deno.test("the engine has the gradients of tf.fused's dilated convolutions, bias included", async () => {
  await useBackend();
  const [x, filter, bias] = [random([2, 8, 8, 3], 1), random([3, 3, 3, 4], 2), random([4], 3)];
  const ends = (y: tf.Tensor) => tf.sum(tf.mul(y, random(y.shape, 4)));
  const options = { strides: 1, pad: "same", dilations: 2 } as const;
  const fused = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
    ends(tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias, ...options }));
  const plain = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
    ends(tf.add(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same", "NHWC", 2), bias));
  const [actual, expected] = [fused, plain].map((loss) => tf.grads(loss)([x, filter, bias]));
  expected.forEach((gradient, i) => assertClose(actual[i].dataSync(), gradient.dataSync(), 1e-6));
  const depthwise = (x: tf.Tensor, filter: tf.Tensor) =>
    ends(tf.fused.depthwiseConv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, ...options }));
  const unfused = (x: tf.Tensor, filter: tf.Tensor) =>
    ends(tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same", "NHWC", 2));
  const [own, others] = [depthwise, unfused].map((loss) => tf.grads(loss)([x, filter]));
  others.forEach((gradient, i) => assertClose(own[i].dataSync(), gradient.dataSync(), 1e-6));
});

Deno.test("the engine has the gradient of a dilated layer's rounded weights, straight through", async () => {
  await useBackend();
  registerQuantKernels();
  const x = random([2, 9, 9, 3], 1);
  const make = () => tfl.layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: [2, 3], inputShape: [9, 9, 3] });
  const plain = make();
  const wrapped = new QuantizedWeights({ layer: make(), weights: [{ name: "kernel", axis: 3 }] });
  const gradients = [plain, wrapped].map((layer) => {
    layer.apply(x);
    const loss = () => {
      const y = layer.apply(x, { training: true }) as tf.Tensor;
      return tf.sum(tf.mul(y, random(y.shape, 4))) as tf.Scalar;
    };
    // Of no other layer's variables: nothing depends on them.
    return Object.values(tf.variableGrads(loss).grads).map((gradient) => gradient.dataSync());
  });
  assert.deepEqual(gradients.map((list) => list.length), [2, 2]);
  // A convolution is linear in its filter: rounding that changes none of the derivatives.
  gradients[0].forEach((list, i) => assertClose(gradients[1][i], list, 1e-6));
});

Deno.test("a dilated convolution is refused by name when it is trained on another backend", async () => {
  await useBackend();
  await tf.setBackend("cpu");
  const [x, filter] = [random([1, 8, 8, 2], 1) as tf.Tensor4D, random([3, 3, 2, 2], 2) as tf.Tensor4D];
  const train = (dilations: number) => () =>
    tf.grad((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, filter, 1, "same", "NHWC", dilations)))(x);
  assert.throws(train(2), /dilations \[2\] on backend "cpu".*needed is "onnxruntime"/);
  train(1)();
  const fused = (dilations: number) => () =>
    tf.grad((x) => tf.sum(tf.fused.conv2d({ x: x as tf.Tensor4D, filter, strides: 1, pad: "same", dilations })))(x);
  assert.throws(fused(2), /dilations \[2\] on backend "cpu".*needed is "onnxruntime"/);
  fused(1)();
  await useBackend();
});
