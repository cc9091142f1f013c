/** What a training step waits for before it can begin: a batch of CIFAR-10's size, decoded, changed and normalized. */
import { batches } from "../../data/batches.ts";
import { imageSet } from "../../data/dataset.ts";
import { parseNormalize } from "../../data/normalize.ts";

/** Images whose batches are timed. */
const COUNT = 6400;

/** Returns the milliseconds that a batch of `batchSize` images of 32 × 32 × 3 takes, the mean over an epoch. */
export function pipelineMs(batchSize: number): number {
  const images = new Uint8Array(COUNT * 32 * 32 * 3).map((_, i) => i * 31);
  const shape = { height: 32, width: 32, channels: 3 };
  const set = imageSet("bench", { ...shape, images, labels: new Int32Array(COUNT), classNames: ["a"] });
  const epoch = (epoch: number) => {
    const augment = { flip: true, pad: 4 };
    const options = { batchSize, normalize: parseNormalize("imagenet"), shuffle: true, augment, epoch };
    const start = performance.now();
    const count = [...batches(set, options)].length;
    return (performance.now() - start) / count;
  };
  epoch(0); // warms up
  return epoch(1);
}
