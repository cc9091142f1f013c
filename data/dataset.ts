/** Labelled image sets as plain typed arrays, and what every set can do: check, take, select. */

/** Height, width and channels of an image. */
export interface ImageShape {
  /** Rows of pixels. */
  readonly height: number;
  /** Pixels in a row. */
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: number;
}

/** Labelled images of one shape. */
export interface ImageSet extends ImageShape {
  /** Name for messages and reports, such as "mnist train". */
  readonly name: string;
  /** Bytes [count, height, width, channels], 0 black to 255 white. */
  readonly images: Uint8Array;
  /** Class of each image, an index into `classNames`. */
  readonly labels: Int32Array;
  /** How many images there are, at least one. */
  readonly count: number;
  /** Names of the classes, in the order of their labels. */
  readonly classNames: readonly string[];
}

/** What a data set is parted into. No two parts share a sample. */
export interface Parts<Set> {
  /** To learn from. */
  readonly train: Set;
  /** To choose the best of several models by; absent where the data has no such part of its own. */
  readonly validation?: Set;
  /** To judge the model by that was chosen. */
  readonly test: Set;
}

/** A data set of labelled images, in parts. */
export interface DataSplit extends Parts<ImageSet> {
  /** Name for messages and reports. */
  readonly name: string;
}

/** Changes each part of a data set. */
export function mapParts<S, T>({ train, validation, test }: Parts<S>, change: (set: S) => T): Parts<T> {
  return {
    train: change(train),
    ...(validation === undefined ? {} : { validation: change(validation) }),
    test: change(test),
  };
}

/** Returns the bytes that one image of this shape takes. */
export function imageBytes({ height, width, channels }: ImageShape): number {
  return height * width * channels;
}

/** Returns the shape in words, as in "28x28x1". */
export function describeShape({ height, width, channels }: ImageShape): string {
  return `${height}x${width}x${channels}`;
}

/** Checks that `shape` has positive integer sides and 1 or 3 channels. */
export function checkShape(shape: ImageShape, doing: string): void {
  const sides = Number.isSafeInteger(shape.height) && Number.isSafeInteger(shape.width);
  if (!sides || shape.height < 1 || shape.width < 1 || (shape.channels !== 1 && shape.channels !== 3)) {
    const what = describeShape(shape);
    throw new RangeError(`Cannot ${doing}: the shape is ${what}, needed are positive sides and 1 or 3 channels`);
  }
}

/** Most bytes that a set may take, 2 GiB: beyond it the allocation fails, later and less clearly. */
const MAX_BYTES = 2 ** 31;

/**
 * Checks that `count` images of `shape` are not too many for memory.
 *
 * @throws {RangeError} If they take more than 2 GiB.
 */
export function checkMemory(shape: ImageShape, { count, doing }: { count: number; doing: string }): void {
  const bytes = count * imageBytes(shape);
  if (bytes <= MAX_BYTES) return;
  throw new RangeError(
    `Cannot ${doing}: ${count} images of ${describeShape(shape)} take ${(bytes / 2 ** 30).toFixed(1)} GiB, ` +
      `needed is at most ${MAX_BYTES / 2 ** 30} GiB (take fewer images)`,
  );
}

/**
 * Makes an image set after checking that its parts fit together.
 *
 * @throws {TypeError} If `images` or `labels` has another length than the shape and the count ask for.
 * @throws {RangeError} If the set is empty, a label is no index into `classNames`, or the shape is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { imageSet } from "./dataset.ts";
 *
 * const dots = imageSet("dots", {
 *   height: 1, width: 2, channels: 1,
 *   images: Uint8Array.of(255, 0, 0, 255), labels: Int32Array.of(0, 1), classNames: ["left", "right"],
 * });
 * assert.equal(dots.count, 2);
 * ```
 */
export function imageSet(name: string, parts: Omit<ImageSet, "name" | "count">): ImageSet {
  const { height, width, channels, images, labels, classNames } = parts;
  checkShape(parts, `make the image set "${name}"`);
  const count = labels.length;
  if (count === 0) {
    throw new RangeError(`Cannot make the image set "${name}": it has no images, needed is at least one`);
  }
  const bytes = count * imageBytes(parts);
  if (images.length !== bytes) {
    throw new TypeError(
      `Cannot make the image set "${name}": it has ${images.length} bytes of images, ` +
        `${count} of ${describeShape(parts)} need ${bytes}`,
    );
  }
  const bad = labels.findIndex((label) => label < 0 || label >= classNames.length);
  if (bad >= 0) {
    throw new RangeError(
      `Cannot make the image set "${name}": the label of image ${bad} is ${labels[bad]}, ` +
        `needed is 0 to ${classNames.length - 1}`,
    );
  }
  return { name, height, width, channels, images, labels, count, classNames };
}

/**
 * Keeps the first `n` images; a set with no more than `n` stays as it is. Shares the set's memory.
 *
 * @throws {RangeError} If `n` is not a positive integer.
 */
export function take(set: ImageSet, n: number): ImageSet {
  if (!Number.isInteger(n) || n < 1) {
    throw new RangeError(`Cannot take images of "${set.name}": the limit is ${n}, needed is a positive integer`);
  }
  if (n >= set.count) return set;
  return { ...set, count: n, images: set.images.subarray(0, n * imageBytes(set)), labels: set.labels.subarray(0, n) };
}

/**
 * Keeps the images at `indices`, in that order; an index may come more than once. Copies.
 *
 * @throws {RangeError} If an index is outside the set or there are none.
 */
export function select(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const bytes = imageBytes(set);
  const images = new Uint8Array(indices.length * bytes);
  const labels = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    if (!Number.isInteger(from) || from < 0 || from >= set.count) {
      throw new RangeError(`Cannot select from "${set.name}": index ${from} is outside 0 to ${set.count - 1}`);
    }
    images.set(set.images.subarray(from * bytes, (from + 1) * bytes), i * bytes);
    labels[i] = set.labels[from];
  }
  return imageSet(set.name, { ...set, images, labels });
}

/** Counts the images of each class, in the order of `classNames`. */
export function countClasses(set: ImageSet): readonly number[] {
  const counts = new Array<number>(set.classNames.length).fill(0);
  for (const label of set.labels) counts[label]++;
  return counts;
}
