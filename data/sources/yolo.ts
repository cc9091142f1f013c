/**
 * Data sets in the form of Ultralytics' YOLO: a YAML file says where pictures lie and what classes are called; a text
 * file for each picture has a line for each box, or its outline, or the box and points of a pose.
 *
 * The text of `images/train/a.jpg` is `labels/train/a.txt`, or `a.txt` beside it where no folder is called `images`.
 */
import { dirname, isAbsolute, join, relative } from "node:path";
import { readTextWithin } from "../../src/io/read.ts";
import { parseDecimal } from "../../src/text/decimal.ts";
import { plainLine, showValue } from "../../src/text/plain.ts";
import { type BoxOptions, type BoxSplit, type Entry, mapInTurns, readAnnotated, splitEntries } from "./_annotated.ts";
import type { BadBox, FoundBox } from "./_box_checks.ts";
import { isFile, isFolder, whyUnreadable } from "./_files.ts";
import { DataFolder, listTree } from "./_within.ts";
import { parseYoloYaml, type YoloDescription } from "./_yolo_yaml.ts";

/** Most bytes of a description: each key is compared with all others, which takes seconds where there are 10,000. */
const MOST_YAML_BYTES = 2 ** 16;

/** Most bytes of the lines of one picture. */
const MOST_TEXT_BYTES = 2 ** 24;

/** Most bytes of a list of pictures. */
const MOST_LIST_BYTES = 2 ** 28;

/** A picture of a part, relative to the set's folder. */
interface Listed {
  readonly path: string;
  readonly namedBy: string;
}

/**
 * Reads a set in the form of Ultralytics' YOLO.
 *
 * Classes are numbered as the description does. Outlines, of three points at least, become the boxes around them. Where the
 * description has a `kpt_shape`, points follow each box, and are left out. A picture without a text file shows nothing.
 *
 * @param file The description.
 * @throws {Error} If the description or a list cannot be read.
 * @throws {RangeError} If the description lacks what is needed, or as `readAnnotated` says.
 */
export async function readYolo(file: string, options: BoxOptions): Promise<BoxSplit> {
  const text = await readText(file, MOST_YAML_BYTES);
  const description = parseYoloYaml(text, file);
  const { train, val, test, names } = description;
  const rules = { names, keypoints: description.keypoints, file };
  const root = await rootOf(file, description);
  const read = async (key: string, paths: readonly string[]): Promise<readonly Entry[] | undefined> => {
    const found: Entry[] = [];
    for (const path of paths) found.push(...await readPath(root, { key, path, rules }));
    return paths.length === 0 ? undefined : found;
  };
  const [own, ...others] = [await read("train", train), await read("val", val), await read("test", test)];
  const [validation, judged = validation] = others;
  const given = own ?? [];
  if (judged === undefined) {
    const parts = splitEntries(given, { ...options, name: file });
    return await readAnnotated({ name: file, parts, classNames: names }, options);
  }
  const choosing = validation === undefined || judged === validation ? {} : { validation };
  return await readAnnotated(
    { name: file, parts: { train: given, ...choosing, test: judged }, classNames: names },
    options,
  );
}

async function readText(file: string, most: number): Promise<string> {
  try {
    return await readTextWithin(file, { most });
  } catch (cause) {
    throw new Error(`Cannot read "${file}": ${whyUnreadable(cause)}`, { cause });
  }
}

/** Finds the folder that paths are relative to: the description says so, from its own folder or the one above. */
async function rootOf(file: string, { path, train }: YoloDescription): Promise<DataFolder> {
  const own = dirname(file);
  if (path === undefined) return new DataFolder(own);
  const folders = isAbsolute(path) ? [path] : [join(own, path), join(dirname(own), path), own];
  for (const folder of folders) {
    const [first] = train;
    if (await isFolder(folder) && (await findPart(new DataFolder(folder), first)) !== undefined) {
      return new DataFolder(folder);
    }
  }
  const found = await Promise.all(folders.map(isFolder));
  const folder = folders.find((_, i) => found[i]);
  if (folder !== undefined) return new DataFolder(folder);
  throw new RangeError(`Cannot read "${file}": its path ${showValue(path)} is no folder, one is needed`);
}

/** Returns the path of a part within the set's folder, if it is there. Some programs write one level too many. */
async function findPart(root: DataFolder, path: string): Promise<string | undefined> {
  for (const way of [path, path.replace(/^\.\.\//, "")]) {
    const found = await root.find(way);
    if (typeof found === "string" && (await isFolder(found) || await isFile(found))) return relative(root.path, found);
  }
  return undefined;
}

/** What a path of the description leads to. */
interface PartPath {
  readonly key: string;
  readonly path: string;
  readonly rules: LineRules;
}

/** What lines are held to. */
interface LineRules extends Pick<YoloDescription, "names"> {
  readonly keypoints: YoloDescription["keypoints"];
  /** The description. */
  readonly file: string;
}

async function readPath(root: DataFolder, { key, path, rules }: PartPath): Promise<readonly Entry[]> {
  const { file } = rules;
  const found = await findPart(root, path);
  if (found === undefined) {
    const refused = await root.find(path);
    const why = typeof refused === "string" ? "does not exist" : refused.because.replace(/^it /, "");
    throw new RangeError(
      `Cannot read "${file}": its ${key} ${showValue(path)} ${why}, a folder in "${root.path}" is needed`,
    );
  }
  const full = join(root.path, found);
  const isList = await isFile(full);
  const listed = isList ? await readList(root, full) : await listFolder(root, found);
  if (listed.length === 0) throw new RangeError(`Cannot read "${file}": its ${key} "${full}" has no JPEG or PNG`);
  const entries = await mapInTurns(listed, (picture) => readEntry(root, picture, rules));
  return isList ? entries : [...entries, ...await orphansOf(root, listed)];
}

/** Lists the pictures that a list names: relative to itself where they begin so, else to the set's folder. */
async function readList(root: DataFolder, list: string): Promise<readonly Listed[]> {
  const lines = (await readText(list, MOST_LIST_BYTES)).split("\n");
  return lines.flatMap((line, i) => {
    const path = line.trim();
    if (path === "") return [];
    const full = isAbsolute(path) ? path : join(path.startsWith("./") ? dirname(list) : root.path, path);
    return [{ path: relative(root.path, full), namedBy: `line ${i + 1} of "${list}"` }];
  });
}

async function listFolder(root: DataFolder, folder: string): Promise<readonly Listed[]> {
  const files = await listTree(join(root.path, folder));
  return files.filter((name) => PICTURE.test(name)).map((name) => {
    const path = join(folder, name);
    return { path, namedBy: `"${join(root.path, path)}"` };
  });
}

const PICTURE = /\.(jpe?g|png)$/i;

async function readEntry(root: DataFolder, { path, namedBy }: Listed, rules: LineRules): Promise<Entry> {
  const picture = await root.find(path);
  if (typeof picture !== "string") {
    return { file: join(root.path, path), because: `${picture.because}; it is ${namedBy}` };
  }
  const text = await root.find(labelsOf(path));
  if (typeof text !== "string") return { file: join(root.path, labelsOf(path)), because: text.because };
  const entry = { file: picture, annotation: text, namedBy, unit: "shares", boxes: [] } as const;
  if (!await isFile(text)) return entry;
  try {
    return { ...entry, boxes: parseLines(await readTextWithin(text, { most: MOST_TEXT_BYTES }), rules) };
  } catch (error) {
    return { file: text, because: whyUnreadable(error) };
  }
}

/** Returns where the boxes of a picture stand: the last folder `images` is called `labels`. */
function labelsOf(path: string): string {
  const parts = path.split("/");
  const at = parts.slice(0, -1).lastIndexOf("images");
  if (at >= 0) parts[at] = "labels";
  return parts.join("/").replace(/\.[^./]*$/, ".txt");
}

/** Finds texts of boxes without a picture, in the folders where those of pictures stand. */
async function orphansOf(root: DataFolder, listed: readonly Listed[]): Promise<readonly Entry[]> {
  const known = new Set(listed.map(({ path }) => labelsOf(path)));
  const folders = new Set([...known].map((path) => dirname(path)));
  const found: Entry[] = [];
  for (const folder of [...folders].sort()) {
    const full = join(root.path, folder);
    if (!await isFolder(full)) continue;
    for await (const { name } of Deno.readDir(full)) {
      const path = join(folder, name);
      if (!name.endsWith(".txt") || known.has(path) || !await hasBoxes(root, path)) continue;
      found.push({ file: join(root.path, path), because: "it has no picture, a JPEG or PNG of its name is needed" });
    }
  }
  return found.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Whether a text has boxes, and is not a list of classes or something to read. */
async function hasBoxes(root: DataFolder, path: string): Promise<boolean> {
  const file = await root.find(path);
  if (typeof file !== "string") return false;
  try {
    const [first] = (await readTextWithin(file, { most: MOST_TEXT_BYTES })).trimStart().split("\n", 1);
    return /^\d+(\s+[-+\d.e]+){4,}\s*$/i.test(first);
  } catch {
    return false;
  }
}

function parseLines(text: string, rules: LineRules): readonly (FoundBox | BadBox)[] {
  return text.split("\n").flatMap((line, i) => {
    const cells = line.trim().split(/\s+/);
    return cells[0] === "" ? [] : [parseLine(cells, { where: `line ${i + 1}`, ...rules })];
  });
}

function parseLine(
  [first, ...rest]: readonly string[],
  { where, names, keypoints, file }: LineRules & { readonly where: string },
): FoundBox | BadBox {
  const bad = (because: string) => ({ where, because });
  const number = parseDecimal(first);
  if (!Number.isInteger(number) || number < 0 || number >= names.length) {
    return bad(`its class is ${showValue(first)}, a number from 0 to ${names.length - 1} is needed`);
  }
  const isOutline = keypoints === undefined && rest.length >= 6 && rest.length % 2 === 0;
  if (keypoints === undefined && rest.length !== 4 && !isOutline) {
    return bad(`it has ${rest.length} numbers after the class, 4 are needed, or 6 or more of an outline`);
  }
  if (keypoints !== undefined && rest.length !== 4 + keypoints.count * keypoints.size) {
    const { count, size } = keypoints;
    return bad(
      `it has ${rest.length} numbers after the class, ${
        4 + count * size
      } are needed: 4 of the box and ${count}x${size} ` +
        `of points, as the kpt_shape of "${file}" says`,
    );
  }
  const values = rest.map(parseDecimal);
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) return bad(`its number ${odd + 1} is "${plainLine(rest[odd], 60)}", a finite number is needed`);
  const edges = isOutline ? around(values) : edgesOf(values);
  return { where, className: names[number], isDifficult: false, ...edges };
}

type Edges = Pick<FoundBox, "left" | "top" | "right" | "bottom">;

function edgesOf([x, y, width, height]: readonly number[]): Edges {
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

/** Returns the box around the points of an outline. */
function around(values: readonly number[]): Edges {
  const axis = (offset: number) => values.filter((_, i) => i % 2 === offset);
  const ends = (own: readonly number[]) =>
    own.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const [[left, right], [top, bottom]] = [ends(axis(0)), ends(axis(1))];
  return { left, top, right, bottom };
}
