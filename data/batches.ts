/** Batches of a set: shuffled, augmented, normalized, the same for the same seed and epoch. */
import { type Augment, type Change, drawChange, UNCHANGED, writeImage } from "./_augment.ts";
import { imageBytes, type ImageSet } from "./dataset.ts";
import { type Normalize, normalizeTable } from "./normalize.ts";
import { inputShape, mapValues, NO_CLASS, type Pictures, samplesOf, targetWidth } from "./samples.ts";
import type { SampleInput, SampleSet, SampleTarget } from "./samples.ts";
import { checkSeed, Random } from "../src/numbers/random.ts";

export type { Augment };

/** Names of the random streams of an epoch: the order must not change when augmentation is turned on. */
const ORDER = 0;
const CHANGES = 1;

/** Samples as a model takes them. All arrays are the batch's own: it may be kept. */
export interface Batch {
  /**
   * By the set's input names: real numbers [size, height, width, channels] of pictures and [size, columns] of rows, whole
   * ones [size, length] of tokens.
   */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  /** By the set's target names: class numbers [size] or [size, positions], numbers [size, columns], boxes
   * [size, most, 6], points [size, points, 2], or the classes of pixels [size, height, width], -1 for none. */
  readonly targets: Readonly<Record<string, Int32Array | Float32Array>>;
  /** Each sample's index in the set. */
  readonly indices: Int32Array;
  /** Samples in this batch. */
  readonly size: number;
}

/** How `batches` walks over a set. */
export interface BatchOptions {
  /** Samples in a full batch. */
  readonly batchSize: number;
  /** What the model's input expects of pictures; rows of numbers stay as they are. */
  readonly normalize: Normalize;
  /** Draw the order anew for each epoch; false (default) keeps the set's order. */
  readonly shuffle?: boolean;
  /** Random changes of pictures; none by default. */
  readonly augment?: Augment;
  /** Default 0. */
  readonly seed?: number;
  /** Which epoch this is, from 0; with the seed it decides the order and the changes. Default 0. */
  readonly epoch?: number;
  /** Leave out a last batch that is not full; default false. */
  readonly dropRemainder?: boolean;
}

/** Returns how many batches `batches` gives. */
export function countBatches(
  set: { readonly count: number },
  { batchSize, dropRemainder = false }: BatchOptions,
): number {
  return dropRemainder ? Math.floor(set.count / batchSize) : Math.ceil(set.count / batchSize);
}

function check(set: SampleSet, { batchSize, augment, seed = 0, epoch = 0 }: BatchOptions): void {
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

/** The order in which an epoch visits the samples. */
function orderOf(set: SampleSet, { shuffle = false, seed = 0, epoch = 0 }: BatchOptions): Int32Array {
  const order = Int32Array.from({ length: set.count }, (_, i) => i);
  return shuffle ? new Random(seed, [epoch, ORDER]).shuffle(order) : order;
}

/**
 * Walks once over `set` in batches.
 *
 * The order depends on seed and epoch alone, not on batch size or augmentation; the changes to the k-th sample visited
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
 * assert.deepEqual([...first.inputs.image], [0, 51]);
 * assert.deepEqual([...last.targets.label], [1]);
 * ```
 */
export function batches(given: ImageSet | SampleSet, options: BatchOptions): Iterable<Batch> {
  const set = "images" in given ? samplesOf(given) : given;
  check(set, options);
  const order = orderOf(set, options);
  const writers = mapValues(set.inputs, (input) => writerOf(input, options.normalize));
  return { [Symbol.iterator]: () => walk(set, { options, writers, order }) };
}

/** What stays the same over an epoch. */
interface Walk {
  readonly options: BatchOptions;
  readonly writers: Readonly<Record<string, Writer>>;
  readonly order: Int32Array;
}

function* walk(set: SampleSet, { options, writers, order }: Walk): Generator<Batch> {
  const { batchSize, augment, seed = 0, epoch = 0 } = options;
  const random = new Random(seed, [epoch, CHANGES]);
  for (let b = 0; b < countBatches(set, options); b++) {
    const indices = order.slice(b * batchSize, (b + 1) * batchSize);
    const size = indices.length;
    const begun = mapValues(writers, (begin) => begin(size));
    for (let k = 0; k < size; k++) {
      // One change a sample: pictures that belong together move together.
      const change = augment ? drawChange(random, augment) : UNCHANGED;
      for (const name in begun) begun[name].write({ from: indices[k], to: k, change });
    }
    const inputs = mapValues(begun, ({ values }) => values);
    yield { inputs, targets: mapValues(set.targets, (target) => pick(target, indices)), indices, size };
  }
}

/** Begins an input's part of a batch of some size. */
type Writer = (size: number) => {
  /** What it has, once every sample is written. */
  readonly values: Float32Array | Int32Array;
  readonly write: (sample: Sample) => void;
};

interface Sample {
  /** Its index in the set. */
  readonly from: number;
  /** Its index in the batch. */
  readonly to: number;
  readonly change: Change;
}

function writerOf(input: SampleInput, normalize: Normalize): Writer {
  if (input.kind === "pictures") return pictureWriter(input, normalize);
  const [width] = inputShape(input);
  return (size) => {
    const values = input.kind === "rows" ? new Float32Array(size * width) : new Int32Array(size * width);
    const write = ({ from, to }: Sample) =>
      values.set(input.values.subarray(from * width, (from + 1) * width), to * width);
    return { values, write };
  };
}

function pictureWriter(input: Pictures, normalize: Normalize): Writer {
  const table = normalizeTable(normalize, input.channels);
  const width = imageBytes(input);
  return (size) => {
    const values = new Float32Array(size * width);
    const place = { shape: input, images: input.bytes, table, out: values };
    const write = ({ from, to, change }: Sample) =>
      writeImage({ ...place, from: from * width, to: to * width }, change);
    return { values, write };
  };
}

function pick(target: SampleTarget, indices: Int32Array): Int32Array | Float32Array {
  const width = targetWidth(target);
  if (target.kind === "masks") return pickMasks(target.values, { indices, width });
  const values = target.kind === "classes" ? target.labels : target.values;
  const length = indices.length * width;
  const picked = target.kind === "classes" ? new Int32Array(length) : new Float32Array(length);
  indices.forEach((i, k) => picked.set(values.subarray(i * width, (i + 1) * width), k * width));
  return picked;
}

/** Picks masks as classes, with -1 for what counts for nothing. */
function pickMasks(
  values: Uint8Array,
  { indices, width }: { readonly indices: Int32Array; readonly width: number },
): Int32Array {
  const picked = new Int32Array(indices.length * width);
  indices.forEach((i, k) => {
    for (let at = 0; at < width; at++) {
      const value = values[i * width + at];
      picked[k * width + at] = value === NO_CLASS ? -1 : value;
    }
  });
  return picked;
}
