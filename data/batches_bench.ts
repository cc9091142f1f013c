/** An epoch of 20,000 images of 32x32x3, as CIFAR-10's two batches: the target is well under a second. */
import { batches } from "./batches.ts";
import { imageSet } from "./dataset.ts";
import { parseNormalize } from "./normalize.ts";

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
