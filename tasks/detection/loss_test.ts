import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { BACKEND, registerBackend } from "../../src/backend/mod.ts";
import { Random } from "../../src/numbers/random.ts";
import { assertClose } from "../../train/_test_support.ts";
import { plainGradient, plainLoss } from "./_test_plain_loss.ts";
import { encodeBoxes, ENCODED } from "./encode.ts";
import type { Grids, HeadKind } from "./grids.ts";
import { type BoxLoss, detectionLoss } from "./loss.ts";

tf.env().set("PROD", true);

const MOST = 5;
const CLASSES = 3;

/** Two outputs, of two anchors and of three. */
function gridsOf(kind: HeadKind): Grids {
  return {
    kind,
    classes: CLASSES,
    grids: [
      { height: 2, width: 3, anchors: [[0.5, 0.4], [0.4, 0.7]] },
      { height: 4, width: 6, anchors: [[0.1, 0.1], [0.2, 0.3], [0.3, 0.15]], reach: 1.3 },
    ],
  };
}

/** Boxes of `n` pictures, some of them difficult, with unused rows behind them. */
function drawBoxes(random: Random, n: number): Float32Array {
  const boxes = new Float32Array(n * MOST * 6);
  for (let i = 0; i < n * MOST; i++) {
    const isThere = i % MOST < 1 + random.below(MOST);
    const [w, h] = [0.05 + 0.5 * random.unit(), 0.05 + 0.5 * random.unit()];
    boxes.set(
      isThere
        ? [random.unit(), random.unit(), w, h, random.below(CLASSES), Number(random.unit() < 0.2)]
        : [0, 0, 0, 0, -1, 0],
      i * 6,
    );
  }
  return boxes;
}

function drawOutputs(random: Random, { grids }: Grids, { n, output }: { n: number; output: number }): Float32Array {
  const { height, width, anchors } = grids[output];
  return Float32Array.from(
    { length: n * height * width * anchors.length * (5 + CLASSES) },
    () => 3 * (random.unit() + random.unit() + random.unit() - 1.5),
  );
}

interface Case {
  readonly kind: HeadKind;
  readonly output: number;
  readonly boxLoss: BoxLoss;
  readonly ignoreThreshold: number;
}

/** Value and gradient on the current backend. */
function lossOf(boxes: Float32Array, outputs: Float32Array, { kind, output, ...options }: Case) {
  const grids = gridsOf(kind);
  const grid = grids.grids[output];
  const n = boxes.length / MOST / 6;
  const loss = detectionLoss(grid, { kind, classes: CLASSES, ...options });
  const encoded = tf.tensor3d(encodeBoxes(boxes, { grids, output, most: MOST }), [n, MOST, ENCODED]);
  const y = tf.tensor4d(outputs, [n, grid.height, grid.width, grid.anchors.length * (5 + CLASSES)]);
  const { value, grad } = tf.valueAndGrad((y) => loss(encoded, y))(y);
  return { value: value.dataSync()[0], gradient: [...grad.dataSync()] };
}

const CASES: readonly Case[] = (["yolov3", "region"] as const).flatMap((kind) =>
  (["mse", "ciou"] as const).flatMap((boxLoss) =>
    [0, 1].map((output) => ({ kind, boxLoss, output, ignoreThreshold: output === 0 ? 0.5 : 0.3 }))
  )
);

for (const backend of ["cpu", BACKEND]) {
  Deno.test(`detectionLoss() equals loops in double precision, its gradient too, on ${backend}`, async () => {
    await (backend === BACKEND ? registerBackend() : tf.ready());
    await tf.setBackend(backend);
    CASES.forEach((one, seed) => {
      const random = new Random(seed);
      const grids = gridsOf(one.kind);
      const boxes = drawBoxes(random, 3);
      const outputs = drawOutputs(random, grids, { n: 3, output: one.output });
      const options = { ...one, grids, most: MOST };
      const actual = lossOf(boxes, outputs, one);
      assertClose([actual.value], [plainLoss(boxes, outputs, options)], 2e-6);
      assertClose(actual.gradient, plainGradient(boxes, outputs, options), 2e-5);
    });
  });

  Deno.test(`detectionLoss() is finite in the tails, its gradient too, on ${backend}`, async () => {
    await tf.setBackend(backend);
    for (const one of CASES) {
      const boxes = drawBoxes(new Random(4), 2);
      for (const value of [-1e4, -90, 90, 1e4]) {
        const outputs = drawOutputs(new Random(5), gridsOf(one.kind), { n: 2, output: one.output }).map((_, i) =>
          i % 3 === 0 ? -value : value
        );
        const { value: loss, gradient } = lossOf(boxes, outputs, one);
        assert.ok([loss, ...gradient].every(Number.isFinite), `${JSON.stringify(one)} at ${value}: ${loss}`);
      }
    }
  });

  Deno.test(`detectionLoss() is what hands compute of one box in one cell, on ${backend}`, async () => {
    await tf.setBackend(backend);
    const grids: Grids = { kind: "yolov3", classes: 2, grids: [{ height: 1, width: 1, anchors: [[0.5, 0.5]] }] };
    const boxes = Float32Array.of(0.75, 0.5, 0.5, 0.5, 1, 0);
    const encoded = tf.tensor3d(encodeBoxes(boxes, { grids, output: 0, most: 1 }), [1, 1, ENCODED]);
    const loss = detectionLoss(grids.grids[0], { kind: "yolov3", classes: 2, boxLoss: "mse", ignoreThreshold: 0.5 });
    const { value, grad } = tf.valueAndGrad((y) => loss(encoded, y))(tf.tensor4d([0, 0, 1, 0, 0, 0, 0], [1, 1, 1, 7]));
    // Five cross-entropies at 0 are log 2 each, those of x and y and the half square of tw 1 count 2 − 0.25 times.
    assertClose([value.dataSync()[0]], [1.75 * (2 * Math.log(2) + 0.5) + 3 * Math.log(2)], 1e-6);
    assertClose([...grad.dataSync()], [1.75 * -0.25, 0, 1.75, 0, -0.5, 0.5, -0.5], 1e-6);
  });
}

Deno.test("detectionLoss() leaves alone what overlaps a box enough, and what is another's", async () => {
  await tf.setBackend("cpu");
  // Two cells, the box in the first; the second's anchor is moved over it.
  const grids: Grids = { kind: "yolov3", classes: 1, grids: [{ height: 1, width: 2, anchors: [[0.5, 1]] }] };
  const gradientOf = (difficult: number, tx: number) => {
    const encoded = tf.tensor3d(
      encodeBoxes([0.45, 0.5, 0.5, 1, 0, difficult], { grids, output: 0, most: 1 }),
      [1, 1, ENCODED],
    );
    const loss = detectionLoss(grids.grids[0], { kind: "yolov3", classes: 1, boxLoss: "mse", ignoreThreshold: 0.5 });
    const outputs = tf.tensor4d([0, 0, 0, 0, 0, 0, tx, 0, 0, 0, 0, 0], [1, 1, 2, 6]);
    return tf.grad((y) => loss(encoded, y))(outputs).dataSync();
  };
  assert.deepEqual([gradientOf(0, -9)[4], gradientOf(0, -9)[10]], [-0.5, 0]);
  assert.deepEqual([gradientOf(0, 9)[4], gradientOf(0, 9)[10]], [-0.5, 0.5]);
  // Nobody learns to find what is difficult, nor, over it, that nothing is there.
  assert.deepEqual([...gradientOf(1, -9)], [0, 0, 0, 0, 0.5, ...Array(7).fill(0)]);
});

Deno.test("detectionLoss() refuses outputs of other shapes than its grid", () => {
  const loss = detectionLoss(gridsOf("yolov3").grids[0], {
    kind: "yolov3",
    classes: 3,
    boxLoss: "mse",
    ignoreThreshold: 0.5,
  });
  assert.throws(() => loss(tf.zeros([2, MOST, ENCODED]), tf.zeros([2, 3, 2, 16])), {
    name: "TypeError",
    message: "Cannot take the loss of a detector: targets are [2,5,15] and outputs [2,3,2,16], " +
      "needed are [n,most,15] and [n,2,3,16]",
  });
});
