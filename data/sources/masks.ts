/**
 * Pictures with the class of each of their pixels: folders `images` and `masks` with files of the same stems, or folders
 * `train` and `test` (and `val`) of such.
 */
import { checkSeed, Random } from "../../src/numbers/random.ts";
import { checkMemory, checkShape, imageBytes, type ImageShape, type Parts } from "../dataset.ts";
import { NO_CLASS, type SampleSet, type SampleSplit } from "../samples.ts";
import { joinPictures, type Picture } from "../pixels.ts";
import type { BadImage } from "./_decode.ts";
import { decodeAll, isBad } from "./stored.ts";
import { isFile, isFolder, join, listFolder, readBytes } from "./_files.ts";
import { type ClassMap, decodeMasks } from "./_masks.ts";
import { leftOut } from "./_left_out.ts";
import { limitOf, type PartName, type PictureSetOptions, STREAMS } from "./_picture_sets.ts";
import { type Pair, type PairsFound, pairsOf } from "./_pairs.ts";

/** How masks are read: pictures and masks are scaled alike. */
export type MasksOptions = PictureSetOptions;

/** Pictures and masks from folders. */
export interface MasksSplit extends SampleSplit {
  /** Pictures and masks that were left out. */
  readonly skipped: readonly BadImage[];
  /** What was seen of them, in sentences. */
  readonly notes: readonly string[];
}

const VALIDATION_FOLDERS = ["val", "valid", "validation"];

/** What names the classes, one a line. */
const CLASSES = "classes.txt";

/** More would be numbers of things, and 255 is no class. */
const MOST_CLASSES = 255;

/**
 * Reads pictures and their masks.
 *
 * A mask is a PNG of one value a pixel, indexed or grey: the index or the value is the class, 255 counts for nothing.
 * Pictures are stretched to `shape`, masks take the nearest pixel. Names of the classes are the lines of `classes.txt`;
 * without it classes are the numbers from 0 to the largest value.
 *
 * @throws {Error} If a folder or file cannot be read.
 * @throws {RangeError} If a part has no pairs, there is but one class, an option is out of range; or, unless
 *   `skipBadImages`, if a file cannot be read, has no partner, is of another size than its partner or has a value that is
 *   no class.
 */
export async function readMasks(dir: string, options: MasksOptions): Promise<MasksSplit> {
  check(dir, options);
  const { skipBadImages = false } = options;
  const names = await classNamesIn(dir);
  const { parts, alone } = await listParts(dir, options);
  const read = async (name: PartName, pairs: readonly Pair[]): Promise<Read> => ({
    name,
    ...await readPart(pairs, { name, dir, options, classes: names?.length ?? MOST_CLASSES }),
  });
  const train = await read("train", parts.train);
  const validation = parts.validation && await read("validation", parts.validation);
  const all = [train, ...(validation === undefined ? [] : [validation]), await read("test", parts.test)];
  const skipped = [...alone, ...all.flatMap(({ bad }) => bad)];
  if (skipped.length > 0 && !skipBadImages) throw unreadable(dir, skipped);
  const empty = all.find(({ good }) => good.length === 0);
  if (empty !== undefined) {
    throw new RangeError(
      `Cannot read "${dir}": its ${empty.name} part has no pair that can be read, at least 1 is needed${
        leftOut(skipped)
      }`,
    );
  }
  const counts = countClasses(all);
  const classNames = names ?? namesOf(counts, { dir, skipped });
  const set = ({ name, good }: Read) => setOf(good, { name: `${dir} ${name}`, shape: options.shape, classNames });
  const [first, ...others] = all.map(set);
  const test = others[others.length - 1];
  return {
    name: dir,
    train: first,
    ...(validation === undefined ? {} : { validation: others[0] }),
    test,
    skipped,
    notes: notesOf(classNames, counts),
  };
}

/** A part as it was read. */
interface Read {
  readonly name: PartName;
  readonly good: readonly GoodPair[];
  readonly bad: readonly BadImage[];
}

interface GoodPair {
  readonly picture: Picture;
  readonly map: ClassMap;
}

function check(dir: string, { shape, testFraction = 0.2, seed = 0 }: MasksOptions): void {
  checkShape(shape, `read "${dir}"`);
  checkSeed(seed);
  if (testFraction > 0 && testFraction < 1) return;
  throw new RangeError(`Cannot read "${dir}": the test fraction is ${testFraction}, needed is one between 0 and 1`);
}

/** Most bytes of a list of names. */
const MOST_BYTES = 2 ** 16;

async function classNamesIn(dir: string): Promise<readonly string[] | undefined> {
  const path = join(dir, CLASSES);
  if (!await isFile(path)) return undefined;
  const text = new TextDecoder().decode(await readBytes(path, MOST_BYTES));
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  const cannot = `Cannot read "${path}"`;
  const empty = names.indexOf("");
  if (empty >= 0) throw new RangeError(`${cannot}: its line ${empty + 1} is empty, the name of a class is needed`);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`${cannot}: it names the class "${twice}" twice`);
  if (names.length >= 2 && names.length <= MOST_CLASSES) return names;
  throw new RangeError(`${cannot}: it names ${names.length} classes, needed are 2 to ${MOST_CLASSES}, one a line`);
}

interface Listed {
  readonly parts: Parts<readonly Pair[]>;
  /** Files without partners. */
  readonly alone: readonly BadImage[];
}

async function listParts(dir: string, options: MasksOptions): Promise<Listed> {
  const folders = new Set<string>();
  for (const name of await listFolder(dir)) if (await isFolder(join(dir, name))) folders.add(name);
  const [validation] = VALIDATION_FOLDERS.filter((name) => folders.has(name));
  const test = folders.has("test") ? "test" : validation;
  if (folders.has("images") && folders.has("masks")) return splitAtRandom(dir, options);
  if (!folders.has("train") || test === undefined) {
    const has = folders.size === 0 ? "no folders" : `the folders ${[...folders].slice(0, 5).join(", ")}`;
    throw new RangeError(
      `Cannot read "${dir}": it has ${has}, needed are "images" and "masks", or "train" and "test" with these`,
    );
  }
  const found: PairsFound[] = [];
  const list = async (folder: string) => {
    const pairs = await pairsOf(join(dir, folder));
    found.push(pairs);
    return pairs.pairs;
  };
  const own = validation === undefined || test === validation ? {} : { validation: await list(validation) };
  const parts = { train: await list("train"), ...own, test: await list(test) };
  return { parts, alone: found.flatMap(({ alone }) => alone) };
}

async function splitAtRandom(
  dir: string,
  { testFraction = 0.2, seed = 0, skipBadImages = false }: MasksOptions,
): Promise<Listed> {
  const { pairs, alone } = await pairsOf(dir);
  if (pairs.length < 2) {
    if (alone.length > 0 && !skipBadImages) throw unreadable(dir, alone);
    throw new RangeError(
      `Cannot split "${dir}": it has ${pairs.length} ${
        pairs.length === 1 ? "pair" : "pairs"
      } of a picture and a mask, ` +
        `at least 2 are needed${leftOut(alone)}`,
    );
  }
  const shuffled = new Random(seed, [STREAMS.split]).shuffle([...pairs]);
  const tests = Math.min(Math.max(1, Math.round(pairs.length * testFraction)), pairs.length - 1);
  return { parts: { train: shuffled.slice(tests), test: shuffled.slice(0, tests) }, alone };
}

interface PartOptions {
  readonly name: PartName;
  readonly dir: string;
  readonly options: MasksOptions;
  /** Values from here on are no classes. */
  readonly classes: number;
}

async function readPart(pairs: readonly Pair[], { name, dir, options, classes }: PartOptions) {
  const { shape, seed = 0, cache } = options;
  const chosen = new Random(seed, [STREAMS[name]]).shuffle([...pairs]).slice(0, limitOf(options, name));
  const inMemory = cache === undefined ? shape.channels : 0;
  checkMemory({ ...shape, channels: inMemory + 1 }, { count: chosen.length, doing: `read "${dir}"` });
  const maps = await decodeMasks(chosen, { shape, classes });
  // What has no mask is not decoded.
  const whole = chosen.filter((_, i) => "values" in maps[i]);
  const pixels = new Map(
    (await decodeAll(whole.map(({ picture }) => picture), { shape, cache, name: `${dir} ${name}` }))
      .map((result, i) => [whole[i], result]),
  );
  const good: GoodPair[] = [];
  const bad: BadImage[] = [];
  chosen.forEach((pair, i) => {
    const [map, picture] = [maps[i], pixels.get(pair)];
    if (!("values" in map)) bad.push(map);
    else if (picture === undefined) return;
    else if (isBad(picture)) bad.push(picture);
    else good.push({ picture, map });
  });
  return { good, bad };
}

function setOf(good: readonly GoodPair[], { name, shape, classNames }: {
  readonly name: string;
  readonly shape: ImageShape;
  readonly classNames: readonly string[];
}): SampleSet {
  const { height, width } = shape;
  const map = height * width;
  const bytes = joinPictures(good.map(({ picture }) => picture), imageBytes(shape));
  const values = new Uint8Array(good.length * map);
  good.forEach((pair, i) => {
    values.set(pair.map.values, i * map);
  });
  return {
    name,
    count: good.length,
    inputs: { image: { kind: "pictures", ...shape, bytes } },
    targets: { mask: { kind: "masks", height, width, values, names: classNames } },
  };
}

/** Counts the pixels of each value, before masks were made smaller. */
function countClasses(parts: readonly Read[]): Float64Array {
  const counts = new Float64Array(256);
  for (const { good } of parts) {
    for (const { map } of good) map.counts.forEach((count, value) => counts[value] += count);
  }
  return counts;
}

/** @throws {RangeError} If there are not two classes at least. */
function namesOf(
  counts: Float64Array,
  { dir, skipped }: { readonly dir: string; readonly skipped: readonly BadImage[] },
): readonly string[] {
  const most = counts.subarray(0, NO_CLASS).findLastIndex((count) => count > 0);
  if (most >= 1) return Array.from({ length: most + 1 }, (_, i) => `${i}`);
  const hint = most === 0 && counts[NO_CLASS] > 0
    ? `the values 0 and ${NO_CLASS} alone, of which ${NO_CLASS} counts for nothing`
    : most === 0
    ? "the value 0 alone"
    : "no pixel that counts";
  throw new RangeError(
    `Cannot read "${dir}": its masks have ${hint}; needed are 2 classes at least (values 0, 1, …), or ${CLASSES}${
      leftOut(skipped)
    }`,
  );
}

/** More names are not read. */
const MOST_NAMED = 8;

function notesOf(names: readonly string[], counts: Float64Array): readonly string[] {
  const unseen = names.filter((_, i) => counts[i] === 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const ignored = counts[NO_CLASS] / total;
  return [
    ...(unseen.length === 0 ? [] : [
      `No mask has a pixel of ${unseen.length === 1 ? "the class" : `${unseen.length} classes:`} ` +
      `${unseen.slice(0, MOST_NAMED).join(", ")}${unseen.length > MOST_NAMED ? ", …" : ""}.`,
    ]),
    ...(ignored === 0 ? [] : [`${(100 * ignored).toFixed(1)} % of the pixels count for nothing (${NO_CLASS}).`]),
  ];
}

/** Names the first of what could not be read and counts the rest. */
function unreadable(dir: string, [{ file, because }, ...others]: readonly BadImage[]): RangeError {
  const count = others.length === 0 ? "1 file" : `${others.length + 1} files, the first`;
  return new RangeError(
    `Cannot read ${count} of "${dir}": "${file}" (${because}); needed are pictures and masks of the same stems and ` +
      `sizes, or --skip-bad-images`,
  );
}
