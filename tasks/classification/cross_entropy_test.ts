import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { assertClose } from "../../train/_test_support.ts";
import type { Loss } from "../task.ts";
import { softmaxCrossEntropy } from "./cross_entropy.ts";

tf.env().set("PROD", true);

const LABELS = [2, 0];
const LOGITS = [[1, 2, 3], [0.5, -1, 4]];

function valueOf(loss: Loss, labels: number[], logits: number[][]): number {
  return tf.tidy(() => loss(tf.tensor1d(labels, "int32"), tf.tensor2d(logits)).dataSync()[0]);
}

function gradientOf(loss: Loss, labels: number[], logits: number[][]): number[] {
  return tf.tidy(() => {
    const gradient = tf.grad((x) => loss(tf.tensor1d(labels, "int32"), x));
    return [...gradient(tf.tensor2d(logits)).dataSync()];
  });
}

/** The textbook form, in double precision. */
function expected(labels: number[], logits: number[][], smoothing = 0): { value: number; gradient: number[] } {
  const n = labels.length;
  let value = 0;
  const gradient = logits.flatMap((row, i) => {
    const total = row.reduce((sum, z) => sum + Math.exp(z), 0);
    return row.map((z, j) => {
      const target = (j === labels[i] ? 1 - smoothing : 0) + smoothing / row.length;
      const probability = Math.exp(z) / total;
      value -= target * Math.log(probability) / n;
      return (probability - target) / n;
    });
  });
  return { value, gradient };
}

Deno.test("softmaxCrossEntropy() equals the textbook form, its gradient too, when logits are moderate", () => {
  for (const labelSmoothing of [0, 0.1]) {
    const loss = softmaxCrossEntropy({ labelSmoothing });
    const { value, gradient } = expected(LABELS, LOGITS, labelSmoothing);
    assertClose([valueOf(loss, LABELS, LOGITS)], [value], 1e-6);
    assertClose(gradientOf(loss, LABELS, LOGITS), gradient, 1e-6);
  }
});

Deno.test("softmaxCrossEntropy() stays exact when softmax underflows", () => {
  const loss = softmaxCrossEntropy();
  assert.equal(valueOf(loss, [0], [[0, 1000]]), 1000);
  assert.deepEqual(gradientOf(loss, [0], [[0, 1000]]), [-1, 1]);
  assert.equal(Math.abs(valueOf(loss, [1], [[0, 1000]])), 0);
});

Deno.test("softmaxCrossEntropy() of positions is that of as many samples", () => {
  const loss = softmaxCrossEntropy({ labelSmoothing: 0.1 });
  const { value, gradient } = expected(LABELS, LOGITS, 0.1);
  tf.tidy(() => {
    const labels = tf.tensor2d([LABELS], [1, 2], "int32");
    const logits = tf.tensor3d([LOGITS]);
    assertClose(loss(labels, logits).dataSync(), [value], 1e-6);
    assertClose(tf.grad((x: tf.Tensor) => loss(labels, x))(logits).dataSync(), gradient, 1e-6);
  });
});

Deno.test("softmaxCrossEntropy() does not change when all logits are shifted", () => {
  const loss = softmaxCrossEntropy();
  fc.assert(
    fc.property(fc.integer({ min: -64, max: 64 }), (shift) => {
      const shifted = LOGITS.map((row) => row.map((z) => z + shift));
      assertClose([valueOf(loss, LABELS, shifted)], [valueOf(loss, LABELS, LOGITS)], 1e-5);
    }),
    { numRuns: 20 },
  );
});

Deno.test("softmaxCrossEntropy() refuses smoothing outside [0, 1) and shapes that do not fit", () => {
  for (const labelSmoothing of [1, -0.1, NaN]) {
    assert.throws(() => softmaxCrossEntropy({ labelSmoothing }), { name: "RangeError" });
  }
  assert.throws(() => valueOf(softmaxCrossEntropy(), [0], LOGITS), {
    name: "TypeError",
    message: "Cannot take cross-entropy: labels are [1] and logits [2,3], needed are [n] and [n, classes], " +
      "or [n, positions] and [n, positions, classes], 2 classes at least",
  });
});

const WEIGHED = { logits: [[1, 0, -1], [0.3, 0.2, 0.1], [2, -1, 0.5]], classWeights: [0.5, 2, 1] };

for (
  const { labelSmoothing, value, gradient } of [
    // torch 1.13: CrossEntropyLoss(weight=[0.5, 2, 1], label_smoothing=…).
    {
      labelSmoothing: 0,
      value: 1.18542850,
      gradient: [-0.04782272, 0.03496122, 0.01286151, 0.20980884, -0.3815857, 0.17177694, 0.22445631, 0.01117502],
    },
    {
      labelSmoothing: 0.1,
      value: 1.23524761,
      gradient: [-0.02562764, 0.02057509, 0.00505257, 0.19630489, -0.35140055, 0.15509574, 0.22343531, -0.00768635],
    },
  ]
) {
  Deno.test(`softmaxCrossEntropy() weighs classes as PyTorch does, smoothed by ${labelSmoothing}`, () => {
    const loss = softmaxCrossEntropy({ classWeights: WEIGHED.classWeights, labelSmoothing });
    const labels = tf.tensor1d([0, 1, 2], "int32");
    const logits = tf.tensor2d(WEIGHED.logits);
    const { value: got, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(labels, x))(logits);
    assert.ok(Math.abs(got.dataSync()[0] - value) < 1e-6, `${got.dataSync()}`);
    gradient.forEach((expected, i) => assert.ok(Math.abs(grad.dataSync()[i] - expected) < 1e-6, `at ${i}`));
  });
}

Deno.test("softmaxCrossEntropy() is 0 for labels without weight, and refuses weights that are none", () => {
  const loss = softmaxCrossEntropy({ classWeights: [0, 1] });
  assert.equal(loss(tf.tensor1d([0], "int32"), tf.tensor2d([[1, 2]])).dataSync()[0], -0);
  for (const bad of [-1, NaN, Infinity]) {
    assert.throws(() => softmaxCrossEntropy({ classWeights: [1, bad] }), {
      name: "RangeError",
      message: `Cannot weigh classes: the weights are 1,${bad}, needed are numbers from 0`,
    });
  }
});
