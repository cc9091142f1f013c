import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import sharp from "sharp";
import { type ImageSet, imageSet, type ImageShape } from "./dataset.ts";
import { convertChannels, fitTo } from "./fit_to.ts";
import { Random } from "../src/numbers/random.ts";

function setOf(shape: ImageShape, images: readonly number[] | Uint8Array): ImageSet {
  const count = images.length / (shape.height * shape.width * shape.channels);
  return imageSet("set", {
    ...shape,
    images: Uint8Array.from(images),
    labels: new Int32Array(count),
    classNames: ["a"],
  });
}

/** Two images of smooth random blobs, so that neighbouring pixels are related. */
function smooth(shape: ImageShape): ImageSet {
  const random = new Random(1);
  const size = shape.height * shape.width * shape.channels;
  const phases = Array.from({ length: 6 }, () => random.between(0, 6));
  const images = Array.from({ length: 2 * size }, (_, i) => {
    const [n, p, ch] = [Math.floor(i / size), Math.floor(i % size / shape.channels), i % shape.channels];
    const [y, x] = [Math.floor(p / shape.width), p % shape.width];
    return Math.round(127 + 60 * Math.sin(y / 3 + phases[n * 3 + ch]) + 60 * Math.cos(x / 4 + phases[ch]));
  });
  return setOf(shape, images);
}

Deno.test("fitTo() enlarges by interpolating between pixel centres", () => {
  const line = setOf({ height: 1, width: 2, channels: 1 }, [0, 100]);
  // Centres of 4 pixels over 2: 0.25, 0.75, 1.25, 1.75 against 0.5 and 1.5.
  assert.deepEqual([...fitTo(line, { height: 1, width: 4, channels: 1 }).images], [0, 25, 75, 100]);
});

Deno.test("fitTo() shrinks with every source pixel counted", () => {
  const line = setOf({ height: 1, width: 4, channels: 1 }, [0, 0, 200, 200]);
  // Triangle of radius 2 around 1 and 3: weights 3 3 1 (of 7) from the near end.
  assert.deepEqual([...fitTo(line, { height: 1, width: 2, channels: 1 }).images], [29, 171]);
});

Deno.test("fitTo() enlarges as TF.js's resizeBilinear with half-pixel centres", async () => {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  const set = smooth({ height: 20, width: 28, channels: 3 });
  const ours = fitTo(set, { height: 33, width: 64, channels: 3 }).images;
  const images = tf.tensor4d(Float32Array.from(set.images), [2, 20, 28, 3]);
  const theirs = tf.image.resizeBilinear(images, [33, 64], false, true).dataSync();
  // Ours is rounded to bytes once, theirs is not.
  ours.forEach((byte, i) => assert.ok(Math.abs(byte - theirs[i]) <= 0.5 + 1e-3, `${i}: ${byte}, ${theirs[i]}`));
});

Deno.test("fitTo() shrinks as sharp's linear kernel, away from the edges", async () => {
  const from = { height: 40, width: 56, channels: 3 };
  const to = { height: 20, width: 14, channels: 3 };
  const set = smooth(from);
  const ours = fitTo(set, to).images;
  const size = from.height * from.width * 3;
  for (let n = 0; n < 2; n++) {
    const raw = { raw: { width: from.width, height: from.height, channels: 3 as const } };
    const image = sharp(set.images.slice(n * size, (n + 1) * size), raw);
    const theirs = await image.resize(to.width, to.height, { kernel: "linear", fit: "fill" }).raw().toBuffer();
    for (let y = 1; y < to.height - 1; y++) {
      for (let i = (y * to.width + 1) * 3; i < (y * to.width + to.width - 1) * 3; i++) {
        // sharp rounds after each axis and keeps 12 bits of its weights.
        assert.ok(Math.abs(ours[n * theirs.length + i] - theirs[i]) <= 2, `${y}, ${i}`);
      }
    }
  }
});

Deno.test("fitTo() keeps flat images flat and images apart from one another", () => {
  const set = setOf({ height: 3, width: 3, channels: 1 }, [...Array(9).fill(255), ...Array(9).fill(7)]);
  const { images } = fitTo(set, { height: 5, width: 2, channels: 3 });
  assert.deepEqual([...images], [...Array(30).fill(255), ...Array(30).fill(7)]);
});

Deno.test("fitTo() returns a set that fits as it is and leaves labels alone", () => {
  const set = smooth({ height: 4, width: 5, channels: 3 });
  assert.equal(fitTo(set, { height: 4, width: 5, channels: 3 }), set);
  const grey = fitTo(set, { height: 4, width: 5, channels: 1 });
  assert.equal(grey.labels, set.labels);
  assert.equal(grey.images.length, 40);
});

Deno.test("fitTo() refuses shapes that are none and sets that would not fit into memory", () => {
  const set = setOf({ height: 1, width: 1, channels: 1 }, new Uint8Array(5000));
  assert.throws(() => fitTo(set, { height: 0, width: 1, channels: 1 }), /shape is 0x1x1/);
  assert.throws(() => fitTo(set, { height: 1, width: 1, channels: 4 }), /1 or 3 channels/);
  assert.throws(() => fitTo(set, { height: 448, width: 448, channels: 3 }), /5000 images of 448x448x3 take 2\.8 GiB/);
});

Deno.test("convertChannels() weighs colours as BT.601 and repeats grey", () => {
  assert.deepEqual([
    ...convertChannels(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255), { from: 3, to: 1 }),
  ], [76, 150, 29, 255]);
  assert.deepEqual([...convertChannels(Uint8Array.of(1, 2), { from: 1, to: 3 })], [1, 1, 1, 2, 2, 2]);
});
