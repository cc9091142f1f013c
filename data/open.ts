/** Data sets by name: what `--data` takes. */
import { resolve } from "node:path";
import { type Augment, augmentFor } from "./geometry/augment.ts";
import { readCifar10 } from "./sources/cifar10.ts";
import { type DataSplit, describeShape, type ImageSet, type ImageShape, take } from "./dataset.ts";
import { type BadImage, readFolder } from "./sources/folder.ts";
import { generate } from "./sources/generated.ts";
import { generateFaces } from "./sources/generated_faces.ts";
import { generateMasks } from "./sources/generated_masks.ts";
import { readMasks } from "./sources/masks.ts";
import { readMnist } from "./sources/mnist.ts";
import { generateShapes } from "./sources/shapes_to_find.ts";
import { type BoxOptions, type BoxSplit, readVoc } from "./sources/voc.ts";
import { readCoco } from "./sources/coco.ts";
import { readYolo } from "./sources/yolo.ts";
import { generateBrackets, generateSorting } from "./sources/sequences.ts";
import { lookUp, nearestName } from "../src/text/nearest.ts";
import { inPlainWords } from "../src/text/plain_errors.ts";
import { type Normalize, parseNormalize } from "./normalize.ts";
import type { SampleSplit, SampleTarget } from "./samples.ts";
import { readArrays } from "./sources/arrays.ts";
import { readCsv, type SequenceOptions } from "./sources/csv.ts";
import { readPoints } from "./sources/points.ts";
import { type CacheOptions, fitStored } from "./sources/stored.ts";

export type { CacheOptions };

/** What to do with a data set while opening it. */
export interface OpenOptions {
  /** Make the images fit this input; by default they keep their shape (folders and tables: 64x64x3, annotated ones: 416x416x3). */
  readonly shape?: ImageShape;
  /** Keep at most so many samples of each part. */
  readonly limit?: number;
  /**
   * Of the samples to learn from and to choose by, at most so many, where each has a file to be decoded. Default: `limit`.
   */
  readonly learnLimit?: number;
  /** Decides what is generated or how a folder or table is split; default 0. */
  readonly seed?: number;
  /** Leave out unreadable images of a folder or table and list them in `skipped`. */
  readonly skipBadImages?: boolean;
  /** Part of a folder or table that is kept for the test; default 0.2. */
  readonly testFraction?: number;
  /** What a table's target columns hold; default "classes". */
  readonly targets?: SampleTarget["kind"];
  /** Whether nobody asks for labels: a folder may then have its images without folders of classes. Default false. */
  readonly unlabelled?: boolean;
  /** Which lines of a table are a sequence, see `readCsv`. */
  readonly sequence?: SequenceOptions;
  /** Where pictures are kept that are too many for memory; absent: they must not be. */
  readonly cache?: CacheOptions;
  /** Names of a table's target columns; by default it is told from the header, see `readCsv`. */
  readonly columns?: readonly string[];
}

/** Says in sentences what was left out of a data set: each picture and box, then how many. */
export function describeSkipped(skipped: readonly BadImage[]): readonly string[] {
  if (skipped.length === 0) return [];
  const lines = skipped.map(({ file, because, box }) =>
    `Left out ${box === undefined ? "" : `${box} of `}"${file}": ${because}.`
  );
  const boxes = skipped.filter(({ box }) => box !== undefined).length;
  const count = (many: number, [one, more]: readonly [string, string]) =>
    many === 0 ? [] : [`${many} ${many === 1 ? one : more}`];
  const what = [...count(skipped.length - boxes, ["image", "images"]), ...count(boxes, ["box", "boxes"])];
  return [...lines, `${what.join(" and ")} could not be read.`];
}

/** A data set with what suits it. */
export interface OpenedData extends SampleSplit {
  /** Default normalization, for one or three channels alike; a model may expect another. */
  readonly normalize: Normalize;
  /** Default changes while training. */
  readonly augment: Augment;
  /** Images that could not be read, and boxes that were left out. */
  readonly skipped: readonly BadImage[];
  /** What was done to the data to make it fit, in sentences. */
  readonly notes: readonly string[];
}

/** What a source gives. */
interface SourceData extends SampleSplit {
  readonly skipped?: readonly BadImage[];
  readonly notes?: readonly string[];
}

interface Source {
  /** What its name is followed by, as in "mnist:DIR"; a PATH is either; absent: nothing. */
  readonly takes?: "DIR" | "FILE" | "PATH";
  /** Whether it is a table, whose target columns can be chosen. */
  readonly hasColumns?: true;
  /** `parseNormalize`'s text. */
  readonly normalize: string;
  /** What suits targets that do not lie in the picture; of others their kind decides. */
  readonly augment: Augment;
  readonly read: (path: string, options: OpenOptions) => Promise<SourceData>;
}

/** The generated sets' own sizes; a limit only makes them smaller. */
const PICTURES = { train: 2000, test: 1000 };
const SEQUENCES = { train: 20_000, test: 10_000 };
const TO_FIND = { train: 300, test: 100 };
const FACES = { train: 800, test: 200 };
const MASKS = { train: 400, test: 200 };

/** Shape of images of whatever size where no model asks for another. */
const ANY_SHAPE: ImageShape = { height: 64, width: 64, channels: 3 };

/** Shape of letterboxed pictures where no model asks for another: that of darknet's detectors. */
const DETECTION_SHAPE: ImageShape = { height: 416, width: 416, channels: 3 };

/** Shape of faces where no model asks for another: most nets for landmarks take it. */
const FACE_SHAPE: ImageShape = { height: 112, width: 112, channels: 3 };

/** As in He et al. 2016, section 4.2: mirrored, and cropped at random after padding by 4 pixels. */
const FLIP_AND_SHIFT: Augment = { flip: true, pad: 4 };

/** Digits, and folders of who knows what, may mean something else when mirrored. */
const NONE: Augment = { flip: false, pad: 0 };

const SOURCES: Readonly<Record<string, Source>> = {
  generated: {
    normalize: "-1..1",
    augment: FLIP_AND_SHIFT,
    read: ofImages((_, options) => Promise.resolve(generate(limited(PICTURES, options)))),
  },
  "generated:brackets": ofSequences(generateBrackets),
  "generated:sorting": ofSequences(generateSorting),
  "generated:faces": {
    normalize: "-1..1",
    augment: NONE,
    read: (_, { shape, ...options }) =>
      Promise.resolve(generateFaces({ ...limited(FACES, options), ...(shape === undefined ? {} : { shape }) })),
  },
  mnist: { takes: "DIR", normalize: "0..1", augment: NONE, read: ofImages(readMnist) },
  cifar10: { takes: "DIR", normalize: "-1..1", augment: FLIP_AND_SHIFT, read: ofImages(readCifar10) },
  folder: {
    takes: "DIR",
    normalize: "-1..1",
    augment: NONE,
    read: async (dir, { shape = ANY_SHAPE, ...options }) => {
      const split = await readFolder(dir, { ...shape, ...options });
      return { ...split, notes: [scaledNote(shape)] };
    },
  },
  "generated:shapes": {
    normalize: "0..1",
    augment: NONE,
    read: (_, { shape, ...options }) =>
      Promise.resolve(generateShapes({ ...limited(TO_FIND, options), ...(shape === undefined ? {} : { shape }) })),
  },
  "generated:masks": {
    normalize: "-1..1",
    augment: NONE,
    read: (_, { shape, ...options }) =>
      Promise.resolve(generateMasks({ ...limited(MASKS, options), ...(shape === undefined ? {} : { shape }) })),
  },
  voc: ofBoxes("DIR", readVoc),
  yolo: ofBoxes("FILE", readYolo),
  coco: ofBoxes("FILE", readCoco),
  masks: {
    takes: "DIR",
    normalize: "-1..1",
    augment: NONE,
    read: async (dir, { shape = ANY_SHAPE, ...options }) => {
      const { notes, ...split } = await readMasks(dir, { shape, ...options });
      return { ...split, notes: [scaledNote(shape), ...notes] };
    },
  },
  csv: {
    takes: "FILE",
    hasColumns: true,
    normalize: "-1..1",
    augment: NONE,
    read: async (path, { shape = ANY_SHAPE, targets = "classes", ...options }) => {
      if (targets === "boxes" || targets === "points" || targets === "masks") {
        throw new TypeError(`Cannot read "${path}": a table has columns of classes or numbers, needed are ${targets}`);
      }
      const split = await readCsv(path, { shape, targets, ...options });
      return { ...split, notes: "image" in split.train.inputs ? [scaledNote(shape)] : [] };
    },
  },
  npy: {
    takes: "DIR",
    normalize: "-1..1",
    augment: NONE,
    read: async (dir, { targets = "classes", ...options }) => {
      if (targets === "boxes" || targets === "points" || targets === "masks") {
        throw new TypeError(`Cannot read "${dir}": arrays have classes or numbers, needed are ${targets}`);
      }
      return await readArrays(dir, { targets, ...options });
    },
  },
  points: {
    takes: "PATH",
    normalize: "-1..1",
    augment: NONE,
    read: (path, { shape = FACE_SHAPE, ...options }) => readPoints(path, { shape, ...options }),
  },
};

/** The forms that `openData` takes, for messages and help texts. */
export const DATA_FORMS: string = Object.entries(SOURCES)
  .map(([name, { takes }]) => `"${name}${takes === undefined ? "" : `:${takes}`}"`)
  .join(", ").replace(/, ([^,]*)$/, " or $1");

/** Sizes of a generated set, of which a limit keeps the first samples. */
function limited({ train, test }: typeof PICTURES, { limit = Infinity, seed = 0 }: OpenOptions) {
  return { train: Math.min(limit, train), test: Math.min(limit, test), seed };
}

function ofSequences(generateSequences: typeof generateBrackets): Source {
  return {
    // Neither means anything to tokens.
    normalize: "0..255",
    augment: NONE,
    read: (_, options) => Promise.resolve(generateSequences(limited(SEQUENCES, options))),
  };
}

function ofBoxes(takes: "DIR" | "FILE", read: (path: string, options: BoxOptions) => Promise<BoxSplit>): Source {
  return {
    takes,
    normalize: "0..1",
    augment: NONE,
    read: (path, { shape = DETECTION_SHAPE, ...options }) => read(path, { shape, ...options }),
  };
}

/** Makes samples of what a reader of labelled images gives, fitted to the shape that is asked for. */
function ofImages(
  read: (dir: string, options: OpenOptions) => Promise<DataSplit>,
): Source["read"] {
  return async (dir, options) => {
    const { train, validation, test, ...rest } = await read(dir, options);
    const { shape = train, limit = Infinity, cache } = options;
    const fit = (set: ImageSet) => fitStored(limit === Infinity ? set : take(set, limit), { shape, cache });
    const notes = describeShape(train) === describeShape(shape)
      ? []
      : [`Images of ${describeShape(train)} are made ${describeShape(shape)}, as the model takes them.`];
    const own = validation === undefined ? {} : { validation: await fit(validation) };
    return { ...rest, train: await fit(train), ...own, test: await fit(test), notes };
  };
}

function scaledNote(shape: ImageShape): string {
  return `Images of whatever size are made ${describeShape(shape)}.`;
}

/** Where data lie. */
export interface DataPlace {
  /** What reads them: "mnist" of "mnist:DIR". */
  readonly name: string;
  /** The real path of what is read; "" of what is generated. */
  readonly path: string;
}

/**
 * Returns where data lie: the same, however `spec` writes it.
 *
 * @throws {RangeError} If `spec` is none of `DATA_FORMS`.
 */
export async function placeOf(spec: string): Promise<DataPlace> {
  const { name, path } = parseSpec(spec);
  if (path === "") return { name, path };
  // What is not there is told by whoever reads it.
  return { name, path: await Deno.realPath(path).catch(() => resolve(path)) };
}

/** Parts "mnist:DIR" into its source and what it names. */
function parseSpec(spec: string): { readonly name: string; readonly source: Source; readonly path: string } {
  const whole = lookUp(SOURCES, spec);
  if (whole !== undefined && whole.takes === undefined) return { name: spec, source: whole, path: "" };
  const colon = spec.indexOf(":");
  const before = colon < 0 ? spec : spec.slice(0, colon);
  const source = lookUp(SOURCES, before);
  // What takes no path has a name that is one with what follows the colon.
  if (source === undefined || source.takes === undefined) {
    const name = source === undefined ? before : spec;
    const meant = nearestName(name, Object.keys(SOURCES));
    throw new RangeError(
      `Cannot open the data "${spec}": there is no data set "${name}", needed is ${DATA_FORMS}` +
        (meant === undefined ? "" : ` (did you mean "${meant}"?)`),
    );
  }
  const { takes } = source;
  const path = colon < 0 ? "" : spec.slice(colon + 1);
  if (path !== "") return { name: before, source, path };
  const what = { DIR: "folder", FILE: "file", PATH: "file or folder" }[takes];
  throw new RangeError(`Cannot open the data "${spec}": it names no ${what}, needed is "${before}:${takes}"`);
}

/**
 * Opens a data set: one of `DATA_FORMS`, such as `generated`, `mnist:DIR` or `csv:FILE`.
 *
 * @param spec What to open; DIR, FILE and PATH are paths.
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
export function openData(spec: string, options: OpenOptions = {}): Promise<OpenedData> {
  return inPlainWords(() => open(spec, options));
}

async function open(spec: string, options: OpenOptions): Promise<OpenedData> {
  const { source, path } = parseSpec(spec);
  const { limit = Infinity } = options;
  if (limit !== Infinity && !(Number.isInteger(limit) && limit > 0)) {
    throw new RangeError(`Cannot open the data "${spec}": the limit is ${limit}, needed is a positive integer`);
  }
  if (options.columns !== undefined && !source.hasColumns) {
    throw new RangeError(
      `Cannot open the data "${spec}" with the targets ${options.columns.join(", ")}: it has no columns, ` +
        "needed is a table (csv:FILE)",
    );
  }
  if (options.sequence !== undefined && !source.hasColumns) {
    throw new RangeError(
      `Cannot open the data "${spec}" as sequences of lines: it has no columns, needed is a table (csv:FILE)`,
    );
  }
  const { normalize } = source;
  const { skipped = [], notes = [], ...split } = await source.read(path, options);
  const augment = augmentFor(split.train.targets) ?? source.augment;
  return { ...split, normalize: parseNormalize(normalize), augment, skipped, notes };
}
