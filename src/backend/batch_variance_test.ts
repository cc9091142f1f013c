/** Batch normalization far from 0, behind convolutions, on the engine against the cpu kernels, which add in float64. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { batchNormTraining, registerQuantKernels } from "../quant/mod.ts";
import { assertClose, computedOn, random, useBackend } from "./_test_support.ts";
import { BACKEND } from "./register.ts";

interface Net {
  readonly images: number;
  readonly channels: number;
  readonly kind: "1×1" | "3×3" | "depthwise" | "dense" | "none";
  /** What the means of channels are, about, in deviations. */
  readonly far: number;
}

/** Whole numbers: what a convolution with whole numbers makes of them is exact in any order, below 2^24. */
function whole(shape: number[], seed: number, span = 2): tf.Tensor {
  return tf.round(tf.mul(random(shape, seed), span));
}

/** Pictures whose first channel holds `far`, the others small numbers. */
function pictures({ images, kind, channels, far }: Net): tf.Tensor {
  const c = kind === "none" || kind === "depthwise" ? channels : 4;
  const noise = whole([images, 6, 5, c], 1, 3);
  return c === channels
    ? tf.add(noise, far)
    : tf.concat([tf.fill([images, 6, 5, 1], far), tf.slice(noise, 0, [images, 6, 5, c - 1])], 3);
}

/** Normalized values, the batch's statistics, and the gradients of a sum of products by all that it depends on. */
function compute(net: Net): tf.Tensor[] {
  const { channels, kind } = net;
  const x = pictures(net);
  const shape = { "1×1": [1, 1, 4, channels], "3×3": [3, 3, 4, channels], depthwise: [1, 1, channels, 1] };
  const filter = kind === "none" || kind === "dense" ? whole([4, channels], 2) : whole(shape[kind], 2);
  const convolved = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor => {
    if (kind === "none") return x;
    if (kind === "dense") return tf.matMul(tf.reshape(x, [-1, 4]), filter as tf.Tensor2D);
    const [picture, kernel] = [x as tf.Tensor4D, filter as tf.Tensor4D];
    return kind === "depthwise"
      ? tf.depthwiseConv2d(picture, tf.add(kernel, 3), 1, "same")
      : tf.conv2d(picture, kernel, 1, "valid");
  };
  const [gamma, beta] = [tf.add(random([channels], 3), 2), random([channels], 4)];
  const normal = (x: tf.Tensor, filter: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
    batchNormTraining(convolved(x, filter), { gamma, beta, epsilon: 1e-3 });
  const { y, mean, variance } = normal(x, filter, gamma, beta);
  const loss = (...[x, filter, gamma, beta]: tf.Tensor[]) => {
    const { y } = normal(x, filter, gamma, beta);
    return tf.sum(tf.mul(y, tf.add(random(y.shape, 5), kind === "none" ? tf.mul(tf.sum(filter), 0) : 0)));
  };
  return [y, mean, variance, ...tf.grads(loss)([x, filter, gamma, beta])];
}

for (const kind of ["1×1", "3×3", "depthwise", "dense", "none"] as const) {
  for (const channels of [3, 16, 20, 24]) {
    Deno.test(`the engine normalizes ${channels} channels behind ${kind} whatever their means`, async () => {
      await useBackend();
      registerQuantKernels();
      for (const [images, far] of [[1, 0], [5, 1000], [16, 1000], [3, 100_000], [6, 1_000_000]]) {
        const net = { images, channels, kind, far };
        const actual = await computedOn(BACKEND, () => compute(net));
        const expected = await computedOn("cpu", () => compute(net));
        assert.ok(expected.every((list) => list.every(Number.isFinite)));
        expected.forEach((list, i) => {
          // By the filter, products with pixels of `far` are added up whose sum is 0 but for rounding; and what comes
          // out is normalized, so that factors of whole channels, as depthwise ones are, have no gradient.
          if (i === 4 && (far > 0 || kind === "depthwise")) return;
          assertClose(actual[i], list, 2e-5);
        });
      }
    });
  }
}
