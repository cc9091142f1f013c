import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { registerBackend } from "../../src/backend/mod.ts";
import { assertClose } from "../../train/_test_support.ts";
import type { Loss } from "../task.ts";
import { pixelLoss, type PixelLossOptions } from "./pixel_loss.ts";

tf.env().set("PROD", true);

const SHAPE = [2, 2, 3] as const;
const CLASSES = 3;
/** Two pixels count for nothing, and the last class is rare. */
const LABELS = [0, 1, 1, -1, 0, 0, 2, 1, 0, -1, 1, 0];

function logits(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: LABELS.length * CLASSES }, () => random.between(-2, 2));
}

function valueOf(loss: Loss, values: readonly number[], labels: readonly number[] = LABELS): number {
  return tf.tidy(() => loss(tf.tensor3d([...labels], [...SHAPE], "int32"), shaped(values)).dataSync()[0]);
}

const shaped = (values: readonly number[]) => tf.tensor4d([...values], [...SHAPE, CLASSES]);

/** The definition in double precision, pixel by pixel. */
function expected(
  values: readonly number[],
  { classWeights = [1, 1, 1], dice = 0 }: PixelLossOptions,
  labels = LABELS,
) {
  let [sum, total] = [0, 0];
  const both = [0, 0, 0], shares = [0, 0, 0], truths = [0, 0, 0];
  labels.forEach((label, i) => {
    if (label < 0) return;
    const row = values.slice(i * CLASSES, (i + 1) * CLASSES).map(Math.exp);
    const all = row.reduce((a, b) => a + b, 0);
    sum -= classWeights[label] * Math.log(row[label] / all);
    total += classWeights[label];
    truths[label]++;
    row.forEach((e, k) => shares[k] += e / all);
    both[label] += row[label] / all;
  });
  const dices = both.map((b, k) => (2 * b + 1) / (shares[k] + truths[k] + 1));
  return (total === 0 ? 0 : sum / total) + dice * (1 - dices.reduce((a, b) => a + b, 0) / CLASSES);
}

const FORMS: readonly PixelLossOptions[] = [
  {},
  { classWeights: [0.5, 1, 4] },
  { classWeights: [1, 0, 2] },
  { dice: 0.7 },
  { classWeights: [2, 1, 3], dice: 1 },
];

Deno.test("pixelLoss() is what its definition says, and so is its gradient by differences", () => {
  for (const [seed, options] of FORMS.entries()) {
    const loss = pixelLoss(options);
    const values = logits(seed);
    assertClose([valueOf(loss, values)], [expected(values, options)], 1e-6);
    const gradient = tf.tidy(() =>
      tf.grad((x) => loss(tf.tensor3d(LABELS, [...SHAPE], "int32"), x))(shaped(values)).dataSync()
    );
    const step = 1e-5;
    const differences = values.map((value, i) =>
      (expected(values.with(i, value + step), options) - expected(values.with(i, value - step), options)) / (2 * step)
    );
    assertClose([...gradient], differences, 1e-5);
  }
});

Deno.test("pixelLoss() is the same on the engine as on TF.js's cpu backend, labels of -1 too", async () => {
  const found = async (backend: string) => {
    await tf.setBackend(backend);
    return FORMS.flatMap((options, seed) => {
      const loss = pixelLoss(options);
      const gradient = tf.tidy(() =>
        tf.grad((x) => loss(tf.tensor3d(LABELS, [...SHAPE], "int32"), x))(shaped(logits(seed))).dataSync()
      );
      return [valueOf(loss, logits(seed)), ...gradient];
    });
  };
  const cpu = await found("cpu");
  await registerBackend({ threads: 1 });
  assertClose(await found("onnxruntime"), cpu, 1e-5);
  await tf.setBackend("cpu");
});

Deno.test("pixelLoss() stays exact where softmax underflows, and is 0 where no pixel counts", () => {
  const far = LABELS.flatMap((label) => [0, 1, 2].map((k) => k === Math.max(label, 0) ? 0 : 1000));
  // Two wrong classes at 1000 share the softmax: log 2 more than 1000.
  assertClose([valueOf(pixelLoss(), far)], [1000 + Math.log(2)], 1e-3);
  assert.ok(Number.isFinite(valueOf(pixelLoss({ dice: 1 }), far)));
  const none = LABELS.map(() => -1);
  assert.ok(valueOf(pixelLoss(), logits(0), none) === 0);
  assert.ok(valueOf(pixelLoss({ dice: 1, classWeights: [1, 2, 3] }), logits(0), none) === 0);
  const onlyWeightless = LABELS.map(() => 1);
  assert.ok(valueOf(pixelLoss({ classWeights: [1, 0, 1] }), logits(0), onlyWeightless) === 0);
});

Deno.test("pixelLoss() refuses weights, factors and shapes that it cannot take", () => {
  for (const classWeights of [[1, -1], [1, NaN], [1, Infinity], [0, 0]]) {
    assert.throws(() => pixelLoss({ classWeights }), RangeError);
  }
  for (const dice of [-1, NaN, Infinity]) assert.throws(() => pixelLoss({ dice }), RangeError);
  const labels = tf.tensor3d(LABELS, [...SHAPE], "int32");
  assert.throws(() => pixelLoss({ classWeights: [1, 1] })(labels, shaped(logits(0))), {
    message: "Cannot take the loss of pixels: labels are [2,2,3] and logits [2,2,3,3], needed are [n, h, w] and " +
      "[n, h, w, classes], 2 classes",
  });
  assert.throws(() => pixelLoss()(labels, tf.zeros([2, 3, 2, 3])), TypeError);
  assert.throws(() => pixelLoss()(labels, tf.zeros([2, 2, 3, 1])), TypeError);
});
