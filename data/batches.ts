/** Batches of a set: shuffled, augmented, normalized, the same for the same seed and epoch. */
import { inputWriter, targetWriter, type Writer } from "./_writers.ts";
import { type Lease, StoredPixels } from "./cache/stored_pixels.ts";
import type { ImageSet } from "./dataset.ts";
import { type Augment, checkAugment, type Colour } from "./geometry/augment.ts";
import { moveBoxes } from "./geometry/targets.ts";
import { drawTiles, type Tile } from "./geometry/tiles.ts";
import type { Size } from "./letterbox.ts";
import type { Normalize } from "./normalize.ts";
import { BOX_NUMBERS, mapValues, type SampleInput, type SampleSet, samplesOf, type SampleTarget } from "./samples.ts";
import { checkSeed, Random } from "../src/numbers/random.ts";

export type { Augment, Colour };

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
  /** Random changes of pictures, and of targets that lie in them; none by default. */
  readonly augment?: Augment;
  /** The first epoch in which no picture is put together of parts of several. Default: there is none. */
  readonly mosaicUntil?: number;
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

function check({ name, targets }: SampleSet, { batchSize, augment, seed = 0, epoch = 0 }: BatchOptions): void {
  checkSeed(seed);
  const cannot = `Cannot make batches of "${name}"`;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`${cannot}: the batch size is ${batchSize}, needed is a positive integer`);
  }
  if (!Number.isInteger(epoch) || epoch < 0) {
    throw new RangeError(`${cannot}: the epoch is ${epoch}, needed is an integer from 0`);
  }
  if (augment) checkAugment(augment, { targets, cannot });
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
  const walk = planWalk(given, options);
  return {
    *[Symbol.iterator]() {
      for (const plan of plansOf(walk)) yield makeBatch(walk, plan);
    },
  };
}

/** Batches that are read while the one before them is used. */
const AHEAD = 2;

/**
 * Walks over `set` as {@linkcode batches} does, to the same batches; pictures of files are read in the background, for two
 * batches beyond the one that was asked for and no more.
 *
 * @throws {RangeError} At once, as `batches` does.
 * @throws {Error} While it walks, if a picture is damaged.
 */
export function batchesAhead(given: ImageSet | SampleSet, options: BatchOptions): AsyncIterable<Batch> {
  const walk = planWalk(given, options);
  return { [Symbol.asyncIterator]: () => readAhead(walk) };
}

async function* readAhead(walk: Walk): AsyncGenerator<Batch> {
  const plans = plansOf(walk);
  const waiting: (readonly [BatchPlan, ReadonlyMap<SampleInput, Lease>])[] = [];
  const fill = () => {
    while (waiting.length <= AHEAD) {
      const { done, value } = plans.next();
      if (done) return;
      waiting.push([value, leasesOf(walk, value)]);
    }
  };
  try {
    for (fill(); waiting.length > 0; fill()) {
      const [plan, ready] = waiting[0];
      for (const lease of ready.values()) await lease.ready;
      const batch = makeBatch(walk, plan, ready);
      waiting.shift();
      for (const lease of ready.values()) lease.release();
      fill();
      yield batch;
    }
  } finally {
    for (const [, ready] of waiting) for (const lease of ready.values()) lease.release();
  }
}

/** Begins to read the pictures of a batch that are in files. */
function leasesOf({ set }: Walk, { samples }: BatchPlan): ReadonlyMap<SampleInput, Lease> {
  const pictures = samples.flatMap((tiles) => tiles.map(({ from }) => from));
  return new Map(
    Object.values(set.inputs).flatMap((input) =>
      input.kind === "pictures" && input.bytes instanceof StoredPixels
        ? [[input, input.bytes.lease(pictures)] as const]
        : []
    ),
  );
}

type Values = Float32Array | Int32Array;

/** What stays the same over an epoch. */
interface Walk {
  readonly set: SampleSet;
  readonly options: BatchOptions;
  readonly inputs: Readonly<Record<string, Writer<Values>>>;
  /** Targets that differ, and their writers. */
  readonly aims: readonly SampleTarget[];
  readonly writers: readonly Writer<Values>[];
  readonly order: Int32Array;
}

function planWalk(given: ImageSet | SampleSet, options: BatchOptions): Walk {
  const set = "images" in given ? samplesOf(given) : given;
  check(set, options);
  const { normalize, augment: { border = "grey" } = {} } = options;
  // Outputs that learn together have one target between them, which is written once.
  const aims = [...new Set(Object.values(set.targets))];
  return {
    set,
    options,
    inputs: mapValues(set.inputs, (input) => inputWriter(input, { normalize, border })),
    aims,
    writers: aims.map(targetWriter),
    order: orderOf(set, options),
  };
}

/** What a batch is to show. */
interface BatchPlan {
  readonly indices: Int32Array;
  /** What each of its samples shows. */
  readonly samples: readonly (readonly Tile[])[];
}

/** All that is random of an epoch is drawn here, in its order. */
function* plansOf({ set, options, order }: Walk): Generator<BatchPlan> {
  const { batchSize, augment, seed = 0, epoch = 0, mosaicUntil = Infinity } = options;
  const random = new Random(seed, [epoch, CHANGES]);
  const drawing = {
    ...(augment === undefined ? {} : { augment }),
    mosaic: augment?.mosaic !== undefined && epoch < mosaicUntil,
    count: set.count,
    size: sizeOf(set),
  };
  for (let b = 0; b < countBatches(set, options); b++) {
    const indices = order.slice(b * batchSize, (b + 1) * batchSize);
    const samples = Array.from(indices, (index) => {
      // One change a sample: what belongs together moves together.
      const { alone, mosaic } = drawTiles(random, index, drawing);
      return mosaic !== undefined && hasRoom(set, mosaic) ? mosaic : [alone];
    });
    yield { indices, samples };
  }
}

function makeBatch(
  { set, inputs, aims, writers }: Walk,
  { indices, samples }: BatchPlan,
  ready?: ReadonlyMap<SampleInput, Lease>,
): Batch {
  const size = indices.length;
  const begun = mapValues(inputs, (begin) => begin(size));
  const aimed = writers.map((begin) => begin(size));
  const parts = [...Object.values(begun), ...aimed];
  samples.forEach((tiles, to) => {
    for (const { write } of parts) write({ tiles, to, ...(ready === undefined ? {} : { ready }) });
  });
  return {
    inputs: mapValues(begun, ({ values }) => values),
    targets: mapValues(set.targets, (target) => aimed[aims.indexOf(target)].values),
    indices,
    size,
  };
}

/** Sides of the set's pictures; where there are none, nothing asks. */
function sizeOf({ inputs }: SampleSet): Size {
  const pictures = Object.values(inputs).find((input) => input.kind === "pictures");
  return pictures?.kind === "pictures" ? pictures : { height: 1, width: 1 };
}

/** Whether a sample has rows for all boxes of several: one that is shown and not known would be unlearned. */
function hasRoom({ targets }: SampleSet, tiles: readonly Tile[]): boolean {
  return Object.values(targets).every((target) =>
    target.kind === "boxes" && moveBoxes(target, tiles).length <= target.most * BOX_NUMBERS
  );
}
