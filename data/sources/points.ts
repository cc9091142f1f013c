/**
 * Pictures with points in them, such as faces with landmarks: tables of which each line has the path of a picture and x and y
 * of each point, in pixels.
 *
 * Pictures lie beside the table or in the folder of its name; each is cropped to the box of its points with a margin. The
 * test part is `test.csv` beside the table, the part to choose the best epoch by `val.csv`; without them people are drawn
 * at random. Frames of one person are nearly alike: whoever is in one part is in no other that is drawn.
 */
import { checkSeed, Random } from "../../src/numbers/random.ts";
import { checkMemory, checkShape, imageBytes, type ImageShape, type Parts } from "../dataset.ts";
import type { Size } from "../letterbox.ts";
import { type Points, type SampleSet, type SampleSplit, storedShape } from "../samples.ts";
import { type Crop, decodeCrops } from "./_crop.ts";
import { locatePicture, type Table } from "./_csv_table.ts";
import { leftOut } from "./_left_out.ts";
import { joinPictures } from "../pixels.ts";
import type { BadImage } from "./_decode.ts";
import { type CacheOptions, isBad } from "./stored.ts";
import { isFile, isFolder, join, listFolder } from "./_files.ts";
import { limitOf, type PartName, type PictureSetOptions, STREAMS } from "./_picture_sets.ts";
import { KNOWN_COUNTS, knownLayout, type PointLayout } from "./_point_layouts.ts";
import { readPointsFile } from "./_points_file.ts";
import { type PointsRow, type PointsTable, readPointsTable, rowsOf } from "./_points_table.ts";

/** How tables of points are read: crops are scaled, and people parted. */
export type PointsOptions = PictureSetOptions;

/** Pictures with points. */
export interface PointsSplit extends SampleSplit {
  /** Samples that are bad. */
  readonly skipped: readonly BadImage[];
  /** What is worth knowing of them, in sentences. */
  readonly notes: readonly string[];
}

/** What a points.json beside the table is called. */
const ABOUT = "points.json";

/**
 * What the box of the points grows by at each side where nobody says: 68 points end at the brows, and models see more of a
 * face than that.
 */
const MARGIN = 0.2;

/** How much more of a training picture is kept at each side, as a share of it: what moves and turns bring in. */
const SURROUND = 0.15;

/**
 * Reads pictures with points: the input "image" and the target "points".
 *
 * @param path A table, or a folder with `train.csv`.
 * @throws {Error} If a file is missing or cannot be read.
 * @throws {RangeError} If a table is damaged; if samples are bad (unless `skipBadImages`): no such picture, numbers that are
 *   none, points far outside of the picture or all in one place, lines that are there twice; if a part has no samples, or an
 *   option is out of range.
 */
export async function readPoints(path: string, options: PointsOptions): Promise<PointsSplit> {
  const { shape, seed = 0, skipBadImages = false } = options;
  checkShape(shape, `read "${path}"`);
  checkSeed(seed);
  const file = await tableIn(path);
  const first = await readPointsTable(file);
  const count = first.columns.points.length;
  const known = { ...knownLayout(count), ...(first.columns.names === undefined ? {} : { names: first.columns.names }) };
  const names = known.names ?? Array.from({ length: count }, (_, point) => `${point}`);
  const { margin = MARGIN, ...own } = await readPointsFile(join(first.table.folder, ABOUT), names);
  const layout: PointLayout = { ...known, names, ...own };
  const faults: BadImage[] = [];
  const check = { layout, margin, shape, faults, seen: new Map<string, string>() };
  const checked = await partsOf(first, { check, path, options });
  // What is wrong with numbers is found before a thousand pictures are decoded.
  refuseFaults(path, faults, skipBadImages);
  const read = (part: PartName, samples: readonly Sample[]) => {
    const limit = limitOf(options, part);
    const kept = samples.length <= limit
      ? samples
      : new Random(seed, [STREAMS[part]]).shuffle([...samples]).slice(0, limit);
    // Only what is learned from is changed at random.
    const surround = part === "train" ? Math.ceil(SURROUND * Math.max(shape.height, shape.width)) : 0;
    return readPart(kept, { name: `${path} ${part}`, layout, margin, shape, surround, faults, cache: options.cache });
  };
  const train = await read("train", checked.train);
  const validation = checked.validation && await read("validation", checked.validation);
  const test = await read("test", checked.test);
  refuseFaults(path, faults, skipBadImages);
  return {
    name: path,
    train: whole(train, { path, part: "training", faults }),
    ...(validation === undefined ? {} : { validation: whole(validation, { path, part: "validation", faults }) }),
    test: whole(test, { path, part: "test", faults }),
    skipped: faults,
    notes: notesOn(checked, { layout, margin, shape }),
  };
}

/** Returns the path of the training table. */
async function tableIn(path: string): Promise<string> {
  if (!await isFolder(path)) return path;
  if (await isFile(join(path, "train.csv"))) return join(path, "train.csv");
  const tables = (await listFolder(path)).filter((name) => name.endsWith(".csv"));
  const has = tables.length === 0 ? "no table" : tables.slice(0, 5).join(", ");
  throw new RangeError(`Cannot read "${path}": it has no train.csv (it has ${has}), or name a table`);
}

/** A sample that is worth decoding. */
interface Sample extends PointsRow {
  /** Where its picture is. */
  readonly path: string;
  readonly crop: Crop;
}

interface CheckOptions {
  readonly layout: PointLayout;
  readonly margin: number;
  readonly shape: ImageShape;
  readonly faults: BadImage[];
  /** Where each picture with its points was met first. */
  readonly seen: Map<string, string>;
}

interface PartsOptions {
  readonly check: CheckOptions;
  readonly path: string;
  readonly options: PointsOptions;
}

async function partsOf(
  first: PointsTable,
  { check, path, options }: PartsOptions,
): Promise<Parts<readonly Sample[]>> {
  const train = await samplesIn(first, check);
  const test = await tableBeside(first, "test.csv");
  if (test === undefined) {
    // What is wrong with them is the reason where there are too few to be parted.
    refuseFaults(path, check.faults, options.skipBadImages ?? false);
    return splitByPerson(train, { path, options, faults: check.faults });
  }
  const validation = await tableBeside(first, "val.csv");
  return {
    train,
    ...(validation === undefined ? {} : { validation: await samplesIn(validation, check) }),
    test: await samplesIn(test, check),
  };
}

/** Reads the table called `name` beside `first`, if there is one and it is another. */
async function tableBeside(first: PointsTable, name: string): Promise<PointsTable | undefined> {
  const { path, folder } = first.table;
  const beside = join(folder, name);
  if (path.endsWith(`/${name}`) || path === name || !await isFile(beside)) return undefined;
  return await readPointsTable(beside, first);
}

async function samplesIn(given: PointsTable, check: CheckOptions): Promise<readonly Sample[]> {
  const found = await Promise.all(
    rowsOf(given).map((row) => "because" in row ? row : sampleOf(row, given.table, check)),
  );
  return found.flatMap((sample) => {
    const fault = "because" in sample ? sample : repeated(sample, check);
    if (fault === undefined) return "because" in sample ? [] : [sample];
    check.faults.push(fault);
    return [];
  });
}

async function sampleOf(
  row: PointsRow,
  table: Table,
  { margin, layout, shape }: CheckOptions,
): Promise<Sample | BadImage> {
  const { where: file, points } = row;
  const path = await locatePicture(table, row.file);
  if (path === undefined) return { file, because: `its picture "${row.file}" is no file` };
  const crop = cropOf(points, { margin, shape });
  if (crop === undefined) return { file, because: "all its points are in one place" };
  const scale = Object.entries(layout.scales ?? {}).find(([, groups]) => distanceBetween(points, groups) === 0);
  return scale === undefined ? { ...row, path, crop } : { file, because: `its ${scale[0]} distance is 0` };
}

/** Returns the box of the points with its margin, grown to the shape's proportions. */
function cropOf(
  points: Float64Array,
  { margin, shape }: { readonly margin: number; readonly shape: Size },
): Crop | undefined {
  const [[left, right], [top, bottom]] = [0, 1].map((axis) => {
    const along = points.filter((_, i) => i % 2 === axis);
    return [along.reduce((a, b) => Math.min(a, b)), along.reduce((a, b) => Math.max(a, b))];
  });
  const [wide, high] = [right - left, bottom - top].map((side) => side * (1 + 2 * margin));
  const width = Math.max(wide, high * shape.width / shape.height);
  const height = width * shape.height / shape.width;
  if (!(width > 0)) return undefined;
  return { left: (left + right - width) / 2, top: (top + bottom - height) / 2, width, height };
}

function distanceBetween(points: Float64Array, groups: readonly (readonly number[])[]): number {
  const [a, b] = groups.map((group) =>
    [0, 1].map((axis) => group.reduce((sum, point) => sum + points[2 * point + axis], 0) / group.length)
  );
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** Says if the same points of the same picture have been there before, and notes them. */
function repeated({ path, points, where }: Sample, { seen }: CheckOptions): BadImage | undefined {
  const key = `${points.join()} ${path}`;
  const before = seen.get(key);
  if (before !== undefined) return { file: where, because: `it repeats ${before}` };
  seen.set(key, where);
  return undefined;
}

/** Draws people for the test part until it has its share of the samples. */
function splitByPerson(
  samples: readonly Sample[],
  { path, options: { testFraction = 0.2, seed = 0 }, faults }: Omit<PartsOptions, "check"> & {
    readonly faults: readonly BadImage[];
  },
): Parts<readonly Sample[]> {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(`Cannot read "${path}": the test fraction is ${testFraction}, needed is one between 0 and 1`);
  }
  const people = new Random(seed, [STREAMS.split]).shuffle([...new Set(samples.map(({ person }) => person))]);
  if (people.length < 2) {
    const who = people.length === 0 ? "no sample that can be read" : `samples of one person only, "${people[0]}"`;
    throw new RangeError(
      `Cannot split "${path}": it has ${who}, at least 2 people are needed, or a test.csv beside it (a person is the part of ` +
        `a file's name before "_", or stands in a column "person")${leftOut(faults)}`,
    );
  }
  const counts = Map.groupBy(samples, ({ person }) => person);
  const wanted = samples.length * testFraction;
  const chosen = new Set<string>();
  let count = 0;
  for (const person of people.slice(1)) {
    if (count >= wanted) break;
    chosen.add(person);
    count += counts.get(person)?.length ?? 0;
  }
  return {
    train: samples.filter(({ person }) => !chosen.has(person)),
    test: samples.filter(({ person }) => chosen.has(person)),
  };
}

interface PartOptions extends Pick<CheckOptions, "layout" | "margin" | "shape" | "faults"> {
  readonly name: string;
  /** Pixels that pictures are stored with beyond their sides. */
  readonly surround: number;
  readonly cache: CacheOptions | undefined;
}

/** Decodes the pictures of a part; undefined where none of them can be. */
async function readPart(
  samples: readonly Sample[],
  { name, layout, margin, shape, surround, faults, cache }: PartOptions,
): Promise<SampleSet | undefined> {
  const stored = storedShape({ ...shape, surround });
  if (cache === undefined) checkMemory(stored, { count: samples.length, doing: `read "${name}"` });
  const files = samples.map(({ path, crop, points }) => ({
    file: path,
    crop: grown(crop, { from: shape, to: stored }),
    fault: (size: Size) => faultOfPoints(points, size),
  }));
  const detail = JSON.stringify(samples.map(({ crop, points }) => [crop, [...points]]));
  const decoded = await decodeCrops(files, { shape: stored, name, cache, detail });
  const good = decoded.flatMap((picture, i) => {
    if (!isBad(picture)) return [{ picture, sample: samples[i] }];
    faults.push({ file: samples[i].where, because: `its picture "${samples[i].file}": ${picture.because}` });
    return [];
  });
  if (good.length === 0) return undefined;
  const bytes = joinPictures(good.map(({ picture }) => picture), imageBytes(stored));
  const values = new Float32Array(good.length * 2 * layout.names.length);
  good.forEach(({ sample: { points, crop } }, i) => {
    values.set(
      points.map((p, k) => k % 2 === 0 ? (p - crop.left) / crop.width : (p - crop.top) / crop.height),
      i * points.length,
    );
  });
  const points: Points = { kind: "points", values, ...layout, size: [shape.height, shape.width], margin };
  return {
    name,
    count: good.length,
    inputs: { image: { kind: "pictures", ...shape, bytes, ...(surround === 0 ? {} : { surround }) } },
    targets: { points },
    groups: good.map(({ sample }) => sample.person),
  };
}

/** Returns what is shown by a picture of other sides around the same middle, at the same scale. */
function grown({ left, top, width, height }: Crop, { from, to }: { readonly from: Size; readonly to: Size }): Crop {
  const [wide, high] = [width * to.width / from.width, height * to.height / from.height];
  return { left: left - (wide - width) / 2, top: top - (high - height) / 2, width: wide, height: high };
}

/** A point may lie so many sides outside of its picture: what is hidden is guessed, but not farther away than that. */
const OUTSIDE = 0.5;

function faultOfPoints(points: Float64Array, { width, height }: Size): string | undefined {
  const at = points.findIndex((value, i) => {
    const side = i % 2 === 0 ? width : height;
    return value < -OUTSIDE * side || value > (1 + OUTSIDE) * side;
  });
  if (at < 0) return undefined;
  const [x, y] = points.subarray(at - at % 2, at - at % 2 + 2);
  return `point ${Math.floor(at / 2)} at ${x}, ${y} is far outside of its ${width}x${height} pixels`;
}

function refuseFaults(path: string, faults: readonly BadImage[], isSkipped: boolean): void {
  if (faults.length === 0 || isSkipped) return;
  const [{ file, because }] = faults;
  const count = faults.length === 1 ? "1 sample" : `${faults.length} samples, the first`;
  throw new RangeError(
    `Cannot read ${count} of "${path}": ${file}: ${because}; needed are whole ones, or --skip-bad-images`,
  );
}

function whole(
  set: SampleSet | undefined,
  { path, part, faults }: { readonly path: string; readonly part: string; readonly faults: readonly BadImage[] },
): SampleSet {
  if (set !== undefined) return set;
  throw new RangeError(
    `Cannot read "${path}": it has no ${part} sample that can be read, at least 1 is needed${leftOut(faults)}`,
  );
}

function notesOn(
  { train, test }: Parts<readonly Sample[]>,
  { layout, margin, shape }: { readonly layout: PointLayout; readonly margin: number; readonly shape: ImageShape },
): readonly string[] {
  const { names, mirror, scales } = layout;
  const people = new Set(train.map(({ person }) => person));
  const both = new Set(test.map(({ person }) => person).filter((person) => people.has(person)));
  const unknown = [
    ...(mirror === undefined ? ["what each becomes in a mirror (none is mirrored)"] : []),
    ...(scales === undefined ? ["what to measure errors in (the size of their box is taken)"] : []),
  ];
  return [
    `Pictures are cropped to the box of their ${names.length} points with ${100 * margin} % around it, and made ` +
    `${shape.height}x${shape.width}.`,
    ...(both.size === 0 ? [] : [
      `Warning: ${
        both.size === 1 ? "1 person" : `${both.size} people`
      } of the test part can be seen in the training part too.`,
    ]),
    ...(unknown.length === 0 ? [] : [
      `Of ${names.length} points nobody knows ${unknown.join(" and ")}: a ${ABOUT} beside the table may say it ` +
      `(of ${KNOWN_COUNTS.join(", ")} points it is known).`,
    ]),
  ];
}
