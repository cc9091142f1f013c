/** Folders of photos: one sub-folder of JPEG or PNG files a class. */
import type { BadImage } from "./_decode.ts";
import { isFolder, join, listFolder } from "./_files.ts";
import { checkMemory, checkShape, imageBytes, type ImageShape, type Parts } from "../dataset.ts";
import { joinPictures } from "../pixels.ts";
import type { SampleSet, SampleSplit } from "../samples.ts";
import { leftOut } from "./_left_out.ts";
import { limitOf, type PartName } from "./_picture_sets.ts";
import { type CacheOptions, decodeAll, isBad } from "./stored.ts";
import { checkSeed, Random } from "../../src/numbers/random.ts";

export type { BadImage };

/** How `readFolder` reads. */
export interface FolderOptions extends ImageShape {
  /** Leave out images that cannot be read and list them in `skipped`; by default they are an error. */
  readonly skipBadImages?: boolean;
  /** Part of each class that becomes the test set where the folder has no `test` of its own; default 0.2. */
  readonly testFraction?: number;
  /** Decides the split and the order; default 0. */
  readonly seed?: number;
  /** Take all images to learn from, but those of folders to test by; they may lie in no class folders. Default false. */
  readonly unlabelled?: boolean;
  /** Read at most so many images of each part; drawn from all classes, the rest is never decoded. */
  readonly limit?: number;
  /** Of the parts to learn from and to choose by, at most so many. Default: `limit`. */
  readonly learnLimit?: number;
  /** Where pictures are kept that are too many for memory; absent: they must not be. */
  readonly cache?: CacheOptions;
}

/** A data set from a folder. */
export interface FolderSplit extends SampleSplit {
  /** Images that could not be read. */
  readonly skipped: readonly BadImage[];
}

/** An image file and its class. */
interface Entry {
  readonly file: string;
  readonly label: number;
}

/** Random streams of the parts; those of the classes have a second number. */
const STREAMS: Readonly<Record<PartName, number>> = { train: 0, test: 1, validation: 3 };
const CLASSES = 2;

/** Names of a folder beside `train` and `test` to choose the best epoch by, the first that exists is taken. */
const VALIDATION_FOLDERS = ["val", "valid", "validation"];

/** Names of a test folder beside `train`: without a `test`, what others validate by is what there is to test by. */
const TEST_FOLDERS = ["test", ...VALIDATION_FOLDERS];

async function subfolders(dir: string): Promise<readonly string[]> {
  const names = await listFolder(dir);
  const flags = await Promise.all(names.map((name) => isFolder(join(dir, name))));
  return names.filter((_, i) => flags[i]);
}

/** Lists the images of one class, in the order of their names. */
async function imagesOf(dir: string): Promise<readonly string[]> {
  const names = await listFolder(dir);
  const images = names.filter((name) => /\.(jpe?g|png)$/i.test(name));
  if (images.length > 0) return images.map((name) => join(dir, name));
  const others = names.length === 0 ? "it is empty" : `it has only others, such as "${names[0]}"`;
  throw new RangeError(`Cannot read the class folder "${dir}": ${others}; needed are files .jpg, .jpeg or .png`);
}

/** Lists the images below `dir` by class; a class that is not one of `classNames` is an error. */
async function listClasses(dir: string, classNames: readonly string[]): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const name of await subfolders(dir)) {
    const label = classNames.indexOf(name);
    if (label < 0) {
      throw new RangeError(`Cannot read "${dir}": its class "${name}" is none of the training images' classes`);
    }
    for (const file of await imagesOf(join(dir, name))) entries.push({ file, label });
  }
  return entries;
}

/** Parts each class at random, at least one image of a class that has two on each side. */
function split(
  entries: readonly Entry[],
  { testFraction, seed }: { testFraction: number; seed: number },
): Parts<Entry[]> {
  const parts: Parts<Entry[]> = { train: [], test: [] };
  for (const [label, files] of Map.groupBy(entries, (entry) => entry.label)) {
    const shuffled = new Random(seed, [CLASSES + label]).shuffle([...files]);
    const part = Math.round(files.length * testFraction);
    const tests = Math.min(Math.max(part, 1), files.length - 1);
    parts.test.push(...shuffled.slice(0, tests));
    parts.train.push(...shuffled.slice(tests));
  }
  return parts;
}

/** Lists the parts: from `train`, `val` and `test` folders where there are such, else by splitting every class. */
async function listParts(dir: string, options: { testFraction: number; seed: number; unlabelled: boolean }): Promise<
  Parts<readonly Entry[]> & { readonly classNames: readonly string[] }
> {
  const folders = await subfolders(dir);
  const testFolder = TEST_FOLDERS.find((name) => folders.includes(name));
  if (folders.includes("train") && testFolder !== undefined) {
    const classNames = await subfolders(join(dir, "train"));
    if (classNames.length > 0) {
      const list = (folder: string) => listClasses(join(dir, folder), classNames);
      const folder = VALIDATION_FOLDERS.find((name) => name !== testFolder && folders.includes(name));
      const own = folder === undefined || testFolder !== "test" ? {} : { validation: await list(folder) };
      return { classNames, train: await list("train"), ...own, test: await list(testFolder) };
    }
  }
  if (options.unlabelled) {
    const train = folders.length === 0
      ? (await imagesOf(dir)).map((file) => ({ file, label: 0 }))
      : await listClasses(dir, folders);
    // A part has one image at least.
    return { classNames: folders.length === 0 ? ["images"] : folders, train, test: train.slice(0, 1) };
  }
  return { classNames: folders, ...split(await listClasses(dir, folders), options) };
}

/** Decodes one part into a set, leaving out what cannot be read. */
async function decodePart(part: PartName, { dir, entries, classNames, options }: {
  readonly dir: string;
  readonly entries: readonly Entry[];
  readonly classNames: readonly string[];
  readonly options: FolderOptions;
}): Promise<{ set: SampleSet | undefined; bad: readonly BadImage[] }> {
  const { height, width, channels, seed = 0, cache } = options;
  const shape = { height, width, channels };
  const chosen = new Random(seed, [STREAMS[part]]).shuffle([...entries]).slice(0, limitOf(options, part));
  const name = `${dir} ${part}`;
  if (cache === undefined) checkMemory(shape, { count: chosen.length, doing: `read "${dir}"` });
  const decoded = await decodeAll(chosen.map((entry) => entry.file), { shape, cache, name });
  const bad = decoded.filter(isBad);
  const good = decoded.flatMap((picture, i) => isBad(picture) ? [] : [{ picture, label: chosen[i].label }]);
  if (good.length === 0) return { set: undefined, bad };
  const set: SampleSet = {
    name,
    count: good.length,
    inputs: {
      image: { kind: "pictures", ...shape, bytes: joinPictures(good.map(({ picture }) => picture), imageBytes(shape)) },
    },
    targets: {
      label: { kind: "classes", labels: Int32Array.from(good, ({ label }) => label), names: classNames },
    },
  };
  return { set, bad };
}

function check(dir: string, { testFraction = 0.2, seed = 0, limit, ...shape }: FolderOptions): void {
  checkShape(shape, `read "${dir}"`);
  checkSeed(seed);
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(`Cannot read "${dir}": the test fraction is ${testFraction}, needed is one between 0 and 1`);
  }
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new RangeError(`Cannot read "${dir}": the limit is ${limit}, needed is a positive integer`);
  }
}

/**
 * Reads a folder with one sub-folder of JPEG or PNG files a class, or with `train` and `test` (or `val`) folders of
 * such. With all three, `val` is there to choose the best epoch by.
 *
 * Classes are numbered in the order of their names (by code point). Images are turned as their EXIF says, put on white
 * where transparent, and stretched to the wanted shape. The split takes `testFraction` of every class. Hidden files
 * and files of other kinds are left alone.
 *
 * @param dir Folder.
 * @throws {Error} If the folder cannot be read.
 * @throws {RangeError} If there are no class folders, a class or a part has no image, an image cannot be read (unless
 *   `skipBadImages`), or an option is out of range.
 */
export async function readFolder(dir: string, options: FolderOptions): Promise<FolderSplit> {
  check(dir, options);
  const { testFraction = 0.2, seed = 0, skipBadImages = false, unlabelled = false } = options;
  const { classNames, ...parts } = await listParts(dir, { testFraction, seed, unlabelled });
  if (classNames.length === 0) {
    throw new RangeError(`Cannot read "${dir}": it has no folders, needed is one folder of images for each class`);
  }
  const skipped: BadImage[] = [];
  const decode = async (part: PartName, entries: readonly Entry[]) => {
    const { set, bad } = await decodePart(part, { dir, entries, classNames, options });
    skipped.push(...bad);
    return set;
  };
  const train = await decode("train", parts.train);
  const validation = parts.validation && await decode("validation", parts.validation);
  const test = await decode("test", parts.test);
  if (skipped.length > 0 && !skipBadImages) throw unreadable(dir, skipped);
  if (train === undefined || test === undefined) {
    const empty = train === undefined ? "training" : "test";
    throw new RangeError(
      `Cannot read "${dir}": it has no ${empty} image that can be read, needed is at least one${leftOut(skipped)}`,
    );
  }
  return { name: dir, train, ...(validation === undefined ? {} : { validation }), test, skipped };
}

/** Names the first of the images that could not be read and counts the rest. */
function unreadable(dir: string, skipped: readonly BadImage[]): RangeError {
  const [{ file, because }] = skipped;
  const count = skipped.length === 1 ? "1 image" : `${skipped.length} images, the first`;
  return new RangeError(
    `Cannot read ${count} of "${dir}": "${file}" (${because}); needed are whole JPEG or PNG files, ` +
      `or --skip-bad-images`,
  );
}
