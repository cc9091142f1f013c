/**
 * Folders of NumPy's arrays: `x_train.npy` and `y_train.npy`, `x_test.npy` and `y_test.npy`, and perhaps `x_val.npy` and
 * `y_val.npy`. Samples are rows [n, columns], sequences of rows [n, steps, columns] or pictures [n, h, w, channels].
 */
import { checkSeed, Random } from "../../src/numbers/random.ts";
import { checkMemory, imageSet, type ImageShape, mapParts, type Parts } from "../dataset.ts";
import { fitTo } from "../fit_to.ts";
import { type SampleInput, type SampleSet, type SampleSplit, type SampleTarget, selectSamples } from "../samples.ts";
import type { ColumnKind } from "./_csv_columns.ts";
import { join, listFolder } from "./_files.ts";
import { type NpyArray, readNpy } from "./npy.ts";

/** How arrays are read. */
export interface ArraysOptions {
  /** What targets are: classes, real numbers, or zeros and ones. */
  readonly targets: ColumnKind;
  /** What pictures are made to fit; default: they keep their shape. */
  readonly shape?: ImageShape;
  /** Keep at most so many samples of each part, drawn at random. */
  readonly limit?: number;
  /** Decides what a limit keeps; default 0. */
  readonly seed?: number;
  /** Whether nobody asks for targets: `x_train.npy` is enough then. Default false. */
  readonly unlabelled?: boolean;
}

type PartName = keyof Parts<unknown>;

/** What the files of a part are called, behind "x_" and "y_"; the first that is there is taken. */
const NAMES: Readonly<Record<PartName, readonly string[]>> = {
  train: ["train"],
  validation: ["val", "valid", "validation"],
  test: ["test"],
};

/** Random streams of what a limit keeps. */
const STREAMS: Readonly<Record<PartName, number>> = { train: 1, test: 2, validation: 3 };

/** More classes than any set has: they are numbers. */
const MOST_CLASSES = 2 ** 16;

/** The arrays of a part. */
interface Arrays {
  readonly x: NpyArray;
  /** Absent where nobody asks for targets. */
  readonly y?: NpyArray;
}

/**
 * Reads a folder of arrays.
 *
 * Classes are the different numbers of `y_train.npy`, in their order. Rows at the end of a sequence that are NaN in all
 * columns are behind its end.
 *
 * @throws {Error} If a file is missing or cannot be read.
 * @throws {RangeError} If an array is damaged, of another rank, of other sides than those of the training part, or has
 *   another number of samples than its partner; or if an element is no finite number, no class or no byte of a picture.
 */
export async function readArrays(dir: string, options: ArraysOptions): Promise<SampleSplit> {
  const { seed = 0, unlabelled = false } = options;
  checkSeed(seed);
  const files = await listFolder(dir);
  const read = (part: PartName) => readPart(part, { dir, files, unlabelled });
  const train = await read("train");
  if (train === undefined) throw missing(dir, "x_train.npy", files);
  const test = await read("test") ?? (unlabelled ? train : undefined);
  if (test === undefined) throw missing(dir, "x_test.npy", files);
  const validation = await read("validation");
  const parts = { train, ...(validation === undefined ? {} : { validation }), test };
  for (const part of Object.values(parts)) checkSides(part.x, train.x);
  const classes = options.targets === "classes" && train.y !== undefined ? classesOf(train.y) : [0];
  const sets = Object.entries(parts).map((
    [name, arrays],
  ) => [name, setOf(arrays, { name: `${dir} ${name}`, classes, options })]);
  // The very names of the parts that were read.
  return { name: dir, ...limited(withSteps(Object.fromEntries(sets) as Parts<SampleSet>), options) };
}

async function readPart(
  part: PartName,
  { dir, files, unlabelled }: { readonly dir: string; readonly files: readonly string[]; readonly unlabelled: boolean },
): Promise<Arrays | undefined> {
  const find = (letter: "x" | "y") =>
    NAMES[part].flatMap((name) => files.filter((file) => file.toLowerCase() === `${letter}_${name}.npy`))[0];
  const [x, y] = [find("x"), find("y")];
  if (x === undefined) return undefined;
  if (y === undefined && !unlabelled) throw missing(dir, x.replace(/^x/i, "y"), files);
  const arrays = { x: await readNpy(join(dir, x)), ...(y === undefined ? {} : { y: await readNpy(join(dir, y)) }) };
  checkCounts(arrays);
  return arrays;
}

function missing(dir: string, name: string, files: readonly string[]): Error {
  const has = files.length === 0 ? "it is empty" : `it has ${files.slice(0, 5).join(", ")}`;
  return new Error(
    `Cannot read "${dir}": there is no "${name}", ${has}; needed are x_train.npy, y_train.npy, x_test.npy and y_test.npy`,
  );
}

const RANKS = "rows [n, columns], sequences [n, steps, columns] or pictures [n, height, width, channels]";

function checkCounts({ x, y }: Arrays): void {
  const [count, ...sample] = x.shape;
  if (sample.length < 1 || sample.length > 3 || sample.includes(0) || !(count > 0)) {
    throw new RangeError(`Cannot read "${x.file}": it is [${x.shape}], needed are ${RANKS}`);
  }
  if (y === undefined || (y.shape.length >= 1 && y.shape[0] === count)) return;
  throw new RangeError(`Cannot read "${y.file}": it is [${y.shape}], "${x.file}" has ${count} samples`);
}

function checkSides({ file, shape }: NpyArray, first: NpyArray): void {
  if (shape.slice(1).join() === first.shape.slice(1).join()) return;
  throw new RangeError(
    `Cannot read "${file}": its samples are [${shape.slice(1)}], those of "${first.file}" [${first.shape.slice(1)}]`,
  );
}

function classesOf(y: NpyArray): readonly number[] {
  const classes = [...new Set(columnOf(y))].sort((a, b) => a - b);
  if (classes.length <= MOST_CLASSES) return classes;
  throw new RangeError(
    `Cannot read "${y.file}": it names ${classes.length} classes, at most ${MOST_CLASSES} are needed (numbers are ` +
      `answered by --task regression)`,
  );
}

/** One whole number a sample. */
function columnOf({ file, shape, numbers }: NpyArray): Float64Array {
  const width = shape.slice(1).reduce((product, dim) => product * dim, 1);
  if (width !== 1) {
    throw new RangeError(
      `Cannot read "${file}": it is [${shape}], of classes one whole number a sample [${shape[0]}] is needed ` +
        `(of one-hot rows the index of the 1)`,
    );
  }
  const values = numbers(0, shape[0]);
  const bad = values.findIndex((value) => !Number.isSafeInteger(value));
  if (bad < 0) return values;
  throw new RangeError(`Cannot read "${file}": element ${bad} is ${values[bad]}, of classes a whole number is needed`);
}

interface SetOptions {
  readonly name: string;
  readonly classes: readonly number[];
  readonly options: ArraysOptions;
}

function setOf({ x, y }: Arrays, { name, classes, options }: SetOptions): SampleSet {
  const [count] = x.shape;
  const [inputName, input] = inputOf(x, options);
  const target = y === undefined
    ? { kind: "classes", labels: new Int32Array(count), names: ["samples"] } as const
    : targetOf(y, { classes, kind: options.targets });
  return { name, count, inputs: { [inputName]: input }, targets: { target } };
}

function inputOf(x: NpyArray, { shape }: ArraysOptions): readonly [name: string, input: SampleInput] {
  if (x.shape.length === 2) {
    const [, width] = x.shape;
    return ["row", { kind: "rows", names: numbered(width), values: finiteOf(x) }];
  }
  return x.shape.length === 3 ? ["series", seriesOf(x)] : ["image", picturesOf(x, shape)];
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** Elements at a time: their float64 copies are small beside the arrays. */
const AT_ONCE = 2 ** 16;

/** Writes all elements into `out`, as `change` makes them. */
function fill<T extends Float32Array | Uint8Array>(
  { numbers }: NpyArray,
  out: T,
  change: (value: number, i: number) => number,
): T {
  for (let first = 0; first < out.length; first += AT_ONCE) {
    numbers(first, Math.min(AT_ONCE, out.length - first)).forEach((value, i) =>
      out[first + i] = change(value, first + i)
    );
  }
  return out;
}

function sizeOf({ shape }: NpyArray): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Reads all elements, which float32 must be able to hold. */
function finiteOf(array: NpyArray): Float32Array {
  return fill(array, new Float32Array(sizeOf(array)), (value, i) => checkFinite(array, value, i));
}

/** @throws {RangeError} If float32 does not hold the `i`-th element as a finite number. */
function checkFinite(array: NpyArray, value: number, i: number): number {
  if (Number.isFinite(Math.fround(value))) return value;
  throw new RangeError(`Cannot read "${array.file}": ${placeOf(array, i)} is ${value}, a finite number is needed`);
}

/** Names an element as Python indexes it. */
function placeOf({ shape }: NpyArray, i: number): string {
  let rest = i;
  const indices = shape.toReversed().map((dim) => {
    const index = rest % dim;
    rest = Math.floor(rest / dim);
    return index;
  });
  return `element [${indices.toReversed().join(", ")}]`;
}

/** Reads sequences, of which rows of NaN at the end are none. */
function seriesOf(x: NpyArray): SampleInput {
  const [count, length, width] = x.shape;
  const size = length * width;
  const values = new Float32Array(count * size);
  const steps = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const numbers = x.numbers(i * size, size);
    steps[i] = Math.ceil((1 + numbers.findLastIndex((value) => !Number.isNaN(value))) / width);
    if (steps[i] === 0) throw new RangeError(`Cannot read "${x.file}": sample ${i} is NaN in all its rows`);
    const own = numbers.subarray(0, steps[i] * width);
    own.forEach((value, k) => checkFinite(x, value, i * size + k));
    values.set(own, i * size);
  }
  return {
    kind: "series",
    values,
    length,
    names: numbered(width),
    ...(steps.every((step) => step === length) ? {} : { steps }),
  };
}

function picturesOf(x: NpyArray, shape?: ImageShape): SampleInput {
  const [count, height, width, channels] = x.shape;
  const own = { height, width, channels };
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(
      `Cannot read "${x.file}": its pictures are [${height}, ${width}, ${channels}], 1 or 3 channels are needed, last`,
    );
  }
  checkMemory(own, { count, doing: `read "${x.file}"` });
  const images = fill(x, new Uint8Array(sizeOf(x)), (value, i) => {
    if (Number.isInteger(value) && value >= 0 && value <= 255) return value;
    throw new RangeError(
      `Cannot read "${x.file}": ${placeOf(x, i)} is ${value}, of pictures whole numbers from 0 to 255 are needed`,
    );
  });
  const set = imageSet(x.file, { ...own, images, labels: new Int32Array(count), classNames: ["samples"] });
  const { images: bytes, ...fitted } = shape === undefined ? set : fitTo(set, shape);
  return { kind: "pictures", height: fitted.height, width: fitted.width, channels: fitted.channels, bytes };
}

function targetOf(
  y: NpyArray,
  { classes, kind }: { readonly classes: readonly number[]; readonly kind: ColumnKind },
): SampleTarget {
  if (kind === "classes") {
    const numbers = new Map(classes.map((value, i) => [value, i]));
    const labels = Int32Array.from(columnOf(y), (value, i) => {
      const label = numbers.get(value);
      if (label !== undefined) return label;
      throw new RangeError(
        `Cannot read "${y.file}": element ${i} is ${value}, which is no class of the training samples`,
      );
    });
    return { kind, labels, names: classes.map((value) => `${value}`) };
  }
  const [count, ...sides] = y.shape;
  if (sides.length > 1 || sides[0] === 0) {
    throw new RangeError(`Cannot read "${y.file}": it is [${y.shape}], needed is [${count}] or [${count}, numbers]`);
  }
  const values = finiteOf(y);
  const bad = kind === "flags" ? values.findIndex((value) => value !== 0 && value !== 1) : -1;
  if (bad >= 0) throw new RangeError(`Cannot read "${y.file}": ${placeOf(y, bad)} is ${values[bad]}, neither 0 nor 1`);
  return { kind, values, names: numbered(sides[0] ?? 1) };
}

/** Where a sequence of any part ends before the last row, the parts know how many rows each of theirs has. */
function withSteps(parts: Parts<SampleSet>): Parts<SampleSet> {
  const isShort = Object.values(parts).some(({ inputs: { series } }) => series?.kind === "series" && series.steps);
  if (!isShort) return parts;
  return mapParts(parts, (set) => {
    const { series } = set.inputs;
    if (series.kind !== "series" || series.steps !== undefined) return set;
    return { ...set, inputs: { series: { ...series, steps: new Int32Array(set.count).fill(series.length) } } };
  });
}

function limited(parts: Parts<SampleSet>, { limit = Infinity, seed = 0 }: ArraysOptions): Parts<SampleSet> {
  const keep = (name: PartName, set: SampleSet) => {
    if (set.count <= limit) return set;
    const order = new Random(seed, [STREAMS[name]]).shuffle(Array.from({ length: set.count }, (_, i) => i));
    return selectSamples(set, { indices: order.slice(0, limit), name: set.name });
  };
  const { train, validation, test } = parts;
  const own = validation === undefined ? {} : { validation: keep("validation", validation) };
  return { train: keep("train", train), ...own, test: keep("test", test) };
}
