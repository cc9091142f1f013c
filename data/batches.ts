/** Batches of a set: shuffled, augmented, normalized, the same for the same seed and epoch. */
import { type Augment, drawChange, UNCHANGED, writeImage } from "./_augment.ts";
import { imageBytes, type ImageSet } from "./dataset.ts";
import { type Normalize, normalizeTable } from "./normalize.ts";
import { checkSeed, Random } from "../src/numbers/random.ts";

export type { Augment };

/** Names of the random streams of an epoch: the order must not change when augmentation is turned on. */
const ORDER = 0;
const CHANGES = 1;

/** Images as a model takes them. Both arrays are the batch's own: it may be kept. */
export interface Batch {
  /** Real numbers [size, height, width, channels]. */
  readonly x: Float32Array;
  /** Class of each image. */
  readonly y: Int32Array;
  /** Each image's index in the set. */
  readonly indices: Int32Array;
  /** Images in this batch. */
  readonly size: number;
}

/** How `batches` walks over a set. */
export interface BatchOptions {
  /** Images in a full batch. */
  readonly batchSize: number;
  /** What the model's input expects. */
  readonly normalize: Normalize;
  /** Draw the order anew for each epoch; false (default) keeps the set's order. */
  readonly shuffle?: boolean;
  /** Random changes; none by default. */
  readonly augment?: Augment;
  /** Default 0. */
  readonly seed?: number;
  /** Which epoch this is, from 0; with the seed it decides the order and the changes. Default 0. */
  readonly epoch?: number;
  /** Leave out a last batch that is not full; default false. */
  readonly dropRemainder?: boolean;
}

/** Returns how many batches `batches` gives. */
export function countBatches(set: ImageSet, { batchSize, dropRemainder = false }: BatchOptions): number {
  return dropRemainder ? Math.floor(set.count / batchSize) : Math.ceil(set.count / batchSize);
}

function check(set: ImageSet, { batchSize, augment, seed = 0, epoch = 0 }: BatchOptions): void {
  checkSeed(seed);
  const cannot = `Cannot make batches of "${set.name}"`;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`${cannot}: the batch size is ${batchSize}, needed is a positive integer`);
  }
  if (!Number.isInteger(epoch) || epoch < 0) {
    throw new RangeError(`${cannot}: the epoch is ${epoch}, needed is an integer from 0`);
  }
  if (augment && !(Number.isInteger(augment.pad) && augment.pad >= 0)) {
    throw new RangeError(`${cannot}: the padding is ${augment.pad} pixels, needed is an integer from 0`);
  }
}

/** The order in which an epoch visits the images. */
function orderOf(set: ImageSet, { shuffle = false, seed = 0, epoch = 0 }: BatchOptions): Int32Array {
  const order = Int32Array.from({ length: set.count }, (_, i) => i);
  return shuffle ? new Random(seed, [epoch, ORDER]).shuffle(order) : order;
}

/**
 * Walks once over `set` in batches.
 *
 * The order depends on seed and epoch alone, not on batch size or augmentation; the changes to the k-th image visited
 * depend on seed, epoch, k and the augmentation. Batches are made when asked for and share no memory.
 *
 * @throws {RangeError} At once, if batch size, epoch, seed or padding is out of range or `normalize` is for another
 *   number of channels.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { batches } from "./batches.ts";
 * import { imageSet } from "./dataset.ts";
 * import { parseNormalize } from "./normalize.ts";
 *
 * const set = imageSet("dots", {
 *   height: 1, width: 1, channels: 1,
 *   images: Uint8Array.of(0, 51, 255), labels: Int32Array.of(0, 0, 1), classNames: ["dark", "light"],
 * });
 * const [first, last] = batches(set, { batchSize: 2, normalize: parseNormalize("0..255") });
 * assert.deepEqual([...first.x], [0, 51]);
 * assert.deepEqual([...last.y], [1]);
 * ```
 */
export function batches(set: ImageSet, options: BatchOptions): Iterable<Batch> {
  check(set, options);
  const table = normalizeTable(options.normalize, set.channels);
  const order = orderOf(set, options);
  return { [Symbol.iterator]: () => walk(set, { options, table, order }) };
}

/** What stays the same over an epoch. */
interface Plan {
  readonly options: BatchOptions;
  readonly table: Float32Array;
  readonly order: Int32Array;
}

function* walk(set: ImageSet, { options, table, order }: Plan): Generator<Batch> {
  const { batchSize, augment, seed = 0, epoch = 0 } = options;
  const random = new Random(seed, [epoch, CHANGES]);
  const stride = imageBytes(set);
  for (let b = 0; b < countBatches(set, options); b++) {
    const indices = order.slice(b * batchSize, (b + 1) * batchSize);
    const x = new Float32Array(indices.length * stride);
    const y = new Int32Array(indices.length);
    for (let k = 0; k < indices.length; k++) {
      const change = augment ? drawChange(random, augment) : UNCHANGED;
      const from = indices[k] * stride;
      writeImage({ shape: set, images: set.images, from, table, out: x, to: k * stride }, change);
      y[k] = set.labels[indices[k]];
    }
    yield { x, y, indices, size: indices.length };
  }
}
