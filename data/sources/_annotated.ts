/** Annotated pictures as readers find them, parted, checked and made into samples. */
import { checkSeed, Random } from "../../src/numbers/random.ts";
import { checkMemory, checkShape, describeShape, type ImageShape, type Parts } from "../dataset.ts";
import type { Size } from "../letterbox.ts";
import type { SampleSplit } from "../samples.ts";
import { type BadBox, type Box, checkBox, type FoundBox } from "./_box_checks.ts";
import { type BoxSample, boxSet, ROOM } from "./_box_set.ts";
import type { BadImage } from "./_decode.ts";
import { leftOut } from "./_left_out.ts";
import { decodeLetterboxed } from "./_letterboxed.ts";
import { limitOf, type PartName, type PictureSetOptions, STREAMS } from "./_picture_sets.ts";

/** A picture and what its annotation says of it. */
export interface Annotated {
  /** The picture's path. */
  readonly file: string;
  /** Path of the file that its boxes stand in. */
  readonly annotation: string;
  /** What says that there is such a picture: `line 3 of "train.txt"`. */
  readonly namedBy: string;
  /** Sides of the picture, if they are said. */
  readonly size?: Size;
  /** What edges of boxes are measured in: pixels, or shares of the picture's sides. */
  readonly unit: "pixels" | "shares";
  readonly boxes: readonly (FoundBox | BadBox)[];
}

/** What a reader finds: a picture, or why there is none. */
export type Entry = Annotated | BadImage;

/** How a set of pictures with boxes is read: pictures are letterboxed. */
export type BoxOptions = PictureSetOptions;

/** Pictures with boxes: the input "image", the target "boxes". */
export interface BoxSplit extends SampleSplit {
  /** Pictures and boxes that are bad. */
  readonly skipped: readonly BadImage[];
  /** What is worth knowing of them, in sentences. */
  readonly notes: readonly string[];
}

/** What a reader has found. */
export interface Found {
  /** Name for messages and reports. */
  readonly name: string;
  readonly parts: Parts<readonly Entry[]>;
  /** Names of the classes; absent: those of the training part, by code point. */
  readonly classNames?: readonly string[];
}

/** More classes than any set has: they are names of the boxes. */
const MOST_CLASSES = 2 ** 16;

/** How a set is parted. */
interface SplitOptions extends Pick<BoxOptions, "testFraction" | "seed" | "skipBadImages"> {
  readonly name: string;
}

/**
 * Parts what a reader has found at random. What is bad goes to the training part.
 *
 * @throws {RangeError} If fewer than two pictures are not bad: for what is wrong with them, unless `skipBadImages`; or if
 *   the fraction is not between 0 and 1.
 */
export function splitEntries(entries: readonly Entry[], options: SplitOptions): Parts<readonly Entry[]> {
  return splitAtRandom(entries, { ...options, faults: faultsOf(entries) });
}

/**
 * Parts items at random, at least one on each side. Those that are bad go to the training part.
 *
 * @param options What is known to be wrong with the items, in `faults`, is told where there are too few of them.
 * @throws {RangeError} If there are fewer than two others, or the fraction is not between 0 and 1.
 */
export function splitAtRandom<T extends object>(
  all: readonly T[],
  { name, testFraction = 0.2, seed = 0, skipBadImages = false, faults = [] }: SplitOptions & {
    readonly faults?: readonly BadImage[];
  },
): Parts<readonly T[]> {
  checkSeed(seed);
  const entries = all.filter((entry) => !("because" in entry));
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(`Cannot read "${name}": the test fraction is ${testFraction}, needed is one between 0 and 1`);
  }
  if (entries.length < 2) {
    if (!skipBadImages) refuseFaults(name, faults);
    const has = entries.length === 0 ? "no annotated picture" : "1 annotated picture";
    throw new RangeError(`Cannot split "${name}": it has ${has}, at least 2 are needed${leftOut(faults)}`);
  }
  const shuffled = new Random(seed, [STREAMS.split]).shuffle([...entries]);
  const tests = Math.min(Math.max(1, Math.round(entries.length * testFraction)), entries.length - 1);
  const bad = all.filter((entry) => "because" in entry);
  return { train: [...shuffled.slice(tests), ...bad], test: shuffled.slice(0, tests) };
}

/** Annotations that are read at once. */
const AT_ONCE = 32;

/** Makes something of each item, in order, of several side by side. */
export async function mapInTurns<S, T>(items: readonly S[], change: (item: S) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...await Promise.all(items.slice(i, i + AT_ONCE).map(change)));
  }
  return results;
}

/**
 * Makes samples of what a reader has found.
 *
 * @throws {RangeError} If a picture or a box is bad (unless `skipBadImages`), a part has no picture, the training part
 *   has no box, or an option is out of range.
 */
export async function readAnnotated({ name, parts, classNames }: Found, options: BoxOptions): Promise<BoxSplit> {
  const { shape, seed = 0, skipBadImages = false, cache } = options;
  checkShape(shape, `read "${name}"`);
  const names = classNames ?? classesOf(parts.train);
  if (names.length === 0) {
    // There may be boxes, and all of them bad.
    const faults = namedParts(parts).flatMap(([, entries]) => faultsOf(entries));
    if (!skipBadImages) refuseFaults(name, faults);
    throw withoutBoxes(name, faults);
  }
  checkClasses(names, name);
  const check = new Checker(names);
  const chosen = mapNamed(parts, (part, entries) => {
    const once = check.once(entries);
    const limit = limitOf(options, part);
    if (once.length <= limit) return once;
    return new Random(seed, [STREAMS[part]]).shuffle([...once]).slice(0, limit);
  });
  // What is wrong with boxes is found before a thousand pictures are decoded.
  const pictures = mapNamed(chosen, (_, entries) => entries.flatMap((entry) => check.picture(entry)));
  if (!skipBadImages) refuseFaults(name, check.faults);
  const samples: Partial<Record<PartName, readonly BoxSample[]>> = {};
  for (const [part, found] of namedParts(pictures)) {
    if (cache === undefined) checkMemory(shape, { count: found.length, doing: `read "${name}"` });
    const decoded = await decodeLetterboxed(found, { shape, cache, name: `${name} ${part}` });
    samples[part] = found.flatMap((picture, i) => check.decoded(picture, decoded[i]));
  }
  if (!skipBadImages) refuseFaults(name, check.faults);
  const learned = samples.train ?? [];
  // A part without boxes may be meant so; one whose boxes were all left out is not.
  const hadBoxes = chosen.train.some((entry) => "boxes" in entry && entry.boxes.length > 0);
  if (hadBoxes && learned.length > 0 && learned.every(({ boxes }) => boxes.length === 0)) {
    throw withoutBoxes(name, check.faults);
  }
  const all = Object.values(samples).flat();
  const most = ROOM * all.reduce((largest, { boxes }) => Math.max(largest, boxes.length), 1);
  const sets = mapNamed(
    pictures,
    (part) => boxSet(samples[part] ?? [], { name: `${name} ${part}`, shape, most, names, faults: check.faults }),
  );
  return { name, ...sets, skipped: check.faults, notes: notesOn(all, shape) };
}

function namedParts<T>({ train, validation, test }: Parts<T>): readonly (readonly [PartName, T])[] {
  return [["train", train], ...(validation === undefined ? [] : [["validation", validation] as const]), ["test", test]];
}

function mapNamed<S, T>({ train, validation, test }: Parts<S>, change: (part: PartName, set: S) => T): Parts<T> {
  return {
    train: change("train", train),
    ...(validation === undefined ? {} : { validation: change("validation", validation) }),
    test: change("test", test),
  };
}

function classesOf(entries: readonly Entry[]): readonly string[] {
  const boxes = entries.flatMap((entry) => "because" in entry ? [] : entry.boxes);
  return [...new Set(boxes.flatMap((box) => "because" in box ? [] : [box.className]))].sort();
}

/** Returns what can be seen to be wrong with entries without their pictures or the names of the classes. */
function faultsOf(entries: readonly Entry[]): readonly BadImage[] {
  return entries.flatMap((entry) => {
    if ("because" in entry) return [entry];
    const { annotation: file, boxes } = entry;
    return boxes.flatMap((box) => "because" in box ? [{ file, because: box.because, box: box.where }] : []);
  });
}

/** @throws {RangeError} If anything was wrong: names the first of it, and counts. */
function refuseFaults(name: string, faults: readonly BadImage[]): void {
  if (faults.length === 0) return;
  const [first] = faults;
  const boxes = faults.filter(({ box }) => box !== undefined).length;
  const counts = [countOf(faults.length - boxes, ["picture", "pictures"]), countOf(boxes, ["box", "boxes"])];
  const what = counts.filter((text) => text !== "").join(" and ");
  const place = `${first.box === undefined ? "" : `${first.box} of `}"${first.file}"`;
  throw new RangeError(
    `Cannot read ${what} of "${name}"${faults.length === 1 ? "" : ", the first"}: ${place} (${first.because}); ` +
      "needed are whole pictures with sound boxes, or --skip-bad-images",
  );
}

function countOf(count: number, [one, many]: readonly [string, string]): string {
  return count === 0 ? "" : `${count} ${count === 1 ? one : many}`;
}

function withoutBoxes(set: string, faults: readonly BadImage[]): RangeError {
  return new RangeError(`Cannot read "${set}": no picture to train on has a box, 1 is needed${leftOut(faults)}`);
}

function checkClasses(names: readonly string[], set: string): void {
  if (names.length <= MOST_CLASSES) return;
  throw new RangeError(`Cannot read "${set}": it has ${names.length} classes, at most ${MOST_CLASSES} are needed`);
}

/** A picture whose boxes are known, or can be once it is decoded. */
interface Picture {
  readonly file: string;
  readonly size?: Size;
  readonly boxes: readonly Box[] | Annotated;
}

/** Checks entries of a set, and collects what is wrong with them. */
class Checker {
  readonly faults: BadImage[] = [];
  readonly #labels: ReadonlyMap<string, number>;
  /** What has named each picture. */
  readonly #seen = new Map<string, string>();

  constructor(names: readonly string[]) {
    this.#labels = new Map(names.map((name, i) => [name, i]));
  }

  /** Keeps what nothing before has named. */
  once(entries: readonly Entry[]): readonly Entry[] {
    return entries.filter((entry) => {
      if ("because" in entry) return true;
      const { file, namedBy } = entry;
      const before = this.#seen.get(file);
      if (before === undefined) this.#seen.set(file, namedBy);
      else this.faults.push({ file, because: `it is named twice, by ${before} and by ${namedBy}` });
      return before === undefined;
    });
  }

  /** Checks what can be checked before a picture is decoded; nothing is returned of what is no picture. */
  picture(entry: Entry): readonly Picture[] {
    if ("because" in entry) {
      this.faults.push(entry);
      return [];
    }
    const { file, size, unit } = entry;
    const sized = size === undefined ? {} : { size };
    if (unit === "pixels" && size === undefined) return [{ file, boxes: entry }];
    return [{ file, boxes: this.#boxes(entry, unit === "pixels" ? size : undefined), ...sized }];
  }

  /** Puts a picture and its boxes together, once it is decoded. */
  decoded({ boxes }: Picture, result: BadImage | Omit<BoxSample, "boxes">): readonly BoxSample[] {
    if ("because" in result) {
      this.faults.push(result);
      return [];
    }
    return [{ ...result, boxes: "annotation" in boxes ? this.#boxes(boxes, result.placement.original) : boxes }];
  }

  #boxes({ annotation, boxes }: Annotated, size: Size | undefined): readonly Box[] {
    const rules = { labels: this.#labels, ...(size === undefined ? {} : { size }) };
    return boxes.flatMap((box) => {
      const checked = checkBox(box, rules);
      if (typeof checked !== "string") return [checked];
      this.faults.push({ file: annotation, because: checked, box: box.where });
      return [];
    });
  }
}

function notesOn(samples: readonly BoxSample[], shape: ImageShape): readonly string[] {
  const boxes = samples.flatMap(({ boxes }) => boxes);
  const difficult = boxes.filter(({ isDifficult }) => isDifficult).length;
  const truncated = boxes.filter(({ isTruncated }) => isTruncated).length;
  return [
    `Pictures of whatever size are letterboxed to ${describeShape(shape)}.`,
    ...(difficult === 0 ? [] : [`${difficult} of ${boxes.length} boxes are difficult: they count for nothing.`]),
    ...(truncated === 0 ? [] : [`${truncated} of ${boxes.length} boxes are truncated, and taken like others.`]),
  ];
}
