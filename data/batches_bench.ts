/** An epoch of 20,000 images of 32x32x3, as CIFAR-10's two batches: the target is well under a second. */
import { batches } from "./batches.ts";
import { imageSet } from "./dataset.ts";
import { augmentFor } from "./geometry/augment.ts";
import { parseNormalize } from "./normalize.ts";
import type { SampleSet } from "./samples.ts";

const shape = { height: 32, width: 32, channels: 3 };
const images = new Uint8Array(20000 * 3072).map((_, i) => i * 31);
const set = imageSet("bench", { ...shape, images, labels: new Int32Array(20000), classNames: ["a"] });
const options = { batchSize: 64, normalize: parseNormalize("imagenet"), shuffle: true };

function walk(augment?: { flip: boolean; pad: number }): void {
  for (const batch of batches(set, { ...options, augment })) if (batch.size === 0) throw new Error("empty");
}

Deno.bench({ name: "normalize", group: "epoch of 20,000", baseline: true, n: 5, fn: () => walk() });
Deno.bench({
  name: "normalize, flip, pad and crop",
  group: "epoch of 20,000",
  n: 5,
  fn: () => walk({ flip: true, pad: 4 }),
});

/** Pictures of a detector's size, changed as those of boxes are: a training step takes a hundred times as long. */
const large = { height: 416, width: 416, channels: 3 };
const COUNT = 16;
const pictures: SampleSet = {
  name: "bench",
  count: COUNT,
  inputs: {
    image: { kind: "pictures", ...large, bytes: new Uint8Array(COUNT * 416 * 416 * 3).map((_, i) => i * 31) },
  },
  targets: {
    boxes: {
      kind: "boxes",
      most: 20,
      names: ["a"],
      values: Float32Array.from({ length: COUNT * 120 }, (_, i) => [0.5, 0.5, 0.2, 0.2, 0, 0][i % 6]),
    },
  },
};

for (const [name, mosaic] of [["as they are", undefined], ["changed", 0], ["mosaics", 1]] as const) {
  const augment = mosaic === undefined
    ? {}
    : { augment: { ...augmentFor(pictures.targets), flip: true, pad: 0, mosaic } };
  Deno.bench({
    name,
    group: "16 pictures of 416x416x3",
    baseline: mosaic === undefined,
    n: 5,
    fn: () => {
      for (const batch of batches(pictures, { ...options, batchSize: 8, ...augment })) {
        if (batch.size === 0) throw new Error("empty");
      }
    },
  });
}
