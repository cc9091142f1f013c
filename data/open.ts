/** Data sets by name: what `--data` takes. */
import type { Augment } from "./_augment.ts";
import { readCifar10 } from "./sources/cifar10.ts";
import { type DataSplit, type ImageShape, take } from "./dataset.ts";
import { fitTo } from "./fit_to.ts";
import { type BadImage, readFolder } from "./sources/folder.ts";
import { generate } from "./sources/generated.ts";
import { readMnist } from "./sources/mnist.ts";
import { lookUp, nearestName } from "../src/text/nearest.ts";
import { type Normalize, parseNormalize } from "./normalize.ts";

/** The forms that `openData` takes, for messages and help texts. */
export const DATA_FORMS: string = `"generated", "mnist:DIR", "cifar10:DIR" or "folder:DIR"`;

/** What to do with a data set while opening it. */
export interface OpenOptions {
  /** Make the images fit this input; by default they keep their shape (folders: 64x64x3). */
  readonly shape?: ImageShape;
  /** Keep at most so many images of each half. */
  readonly limit?: number;
  /** Decides what is generated or how a folder is split; default 0. */
  readonly seed?: number;
  /** Leave out a folder's unreadable images and list them in `skipped`. */
  readonly skipBadImages?: boolean;
  /** Part of a folder's images that is kept for the test; default 0.2. */
  readonly testFraction?: number;
}

/** A data set with what suits it. */
export interface OpenedData extends DataSplit {
  /** Default normalization, for one or three channels alike; a model may expect another. */
  readonly normalize: Normalize;
  /** Default changes while training. */
  readonly augment: Augment;
  /** A folder's images that could not be read. */
  readonly skipped: readonly BadImage[];
}

interface Source {
  /** Whether the name is followed by a folder. */
  readonly takesFolder: boolean;
  /** `parseNormalize`'s text. */
  readonly normalize: string;
  readonly augment: Augment;
  readonly read: (dir: string, options: OpenOptions) => Promise<DataSplit & { readonly skipped?: readonly BadImage[] }>;
}

/** The generated set's own sizes; a limit only makes it smaller. */
const GENERATED = { train: 2000, test: 1000 };

/** Shape of a folder's images where no model asks for another. */
const FOLDER_SHAPE: ImageShape = { height: 64, width: 64, channels: 3 };

/** As in He et al. 2016, section 4.2: mirrored, and cropped at random after padding by 4 pixels. */
const FLIP_AND_SHIFT: Augment = { flip: true, pad: 4 };

/** Digits, and folders of who knows what, may mean something else when mirrored. */
const NONE: Augment = { flip: false, pad: 0 };

const SOURCES: Readonly<Record<string, Source>> = {
  generated: {
    takesFolder: false,
    normalize: "-1..1",
    augment: FLIP_AND_SHIFT,
    read: (_, { limit = Infinity, seed }) => {
      const { train, test } = GENERATED;
      return Promise.resolve(generate({ train: Math.min(limit, train), test: Math.min(limit, test), seed }));
    },
  },
  mnist: { takesFolder: true, normalize: "0..1", augment: NONE, read: readMnist },
  cifar10: { takesFolder: true, normalize: "-1..1", augment: FLIP_AND_SHIFT, read: readCifar10 },
  folder: {
    takesFolder: true,
    normalize: "-1..1",
    augment: NONE,
    read: (dir, { shape = FOLDER_SHAPE, ...options }) => readFolder(dir, { ...shape, ...options }),
  },
};

/** Parts "mnist:DIR" into its source and folder. */
function parseSpec(spec: string): { readonly source: Source; readonly dir: string } {
  const colon = spec.indexOf(":");
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const dir = colon < 0 ? "" : spec.slice(colon + 1);
  const source = lookUp(SOURCES, name);
  if (source === undefined) {
    const meant = nearestName(name, Object.keys(SOURCES));
    throw new RangeError(
      `Cannot open the data "${spec}": there is no data set "${name}", needed is ${DATA_FORMS}` +
        (meant === undefined ? "" : ` (did you mean "${meant}"?)`),
    );
  }
  if (source.takesFolder && dir === "") {
    throw new RangeError(`Cannot open the data "${spec}": it names no folder, needed is "${name}:DIR"`);
  }
  if (!source.takesFolder && colon >= 0) {
    throw new RangeError(`Cannot open the data "${spec}": "${name}" takes no folder, needed is "${name}" alone`);
  }
  return { source, dir };
}

/**
 * Opens a data set: `generated`, `mnist:DIR`, `cifar10:DIR` or `folder:DIR`.
 *
 * @param spec What to open; DIR is a path.
 * @throws {RangeError} If `spec` is none of these, an option is out of range or a file is damaged.
 * @throws {Error} If a file is missing or cannot be read.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openData } from "./open.ts";
 *
 * const { train, test, normalize } = await openData("generated", { limit: 50 });
 * assert.deepEqual([train.count, test.count, normalize.text], [50, 50, "-1..1"]);
 * ```
 */
export async function openData(spec: string, options: OpenOptions = {}): Promise<OpenedData> {
  const { source, dir } = parseSpec(spec);
  const { shape, limit = Infinity } = options;
  if (limit !== Infinity && !(Number.isInteger(limit) && limit > 0)) {
    throw new RangeError(`Cannot open the data "${spec}": the limit is ${limit}, needed is a positive integer`);
  }
  const { name, train, test, skipped = [] } = await source.read(dir, options);
  const fit = (set: typeof train) => {
    const kept = limit === Infinity ? set : take(set, limit);
    return shape === undefined ? kept : fitTo(kept, shape);
  };
  const { augment } = source;
  return { name, train: fit(train), test: fit(test), normalize: parseNormalize(source.normalize), augment, skipped };
}
