/**
 * Pascal VOC: an XML file for each picture, with a box for each thing in it.
 *
 * Annotations lie in `Annotations` and pictures in `JPEGImages` or `images`, or both beside each other. The parts are
 * those of the lists in `ImageSets/Main`, or of folders `train`, `val` and `test` of such pictures, or drawn at random.
 */
import { join } from "node:path";
import { readTextWithin } from "../../src/io/read.ts";
import { plainLine } from "../../src/text/plain.ts";
import type { Parts } from "../dataset.ts";
import { type BoxOptions, type BoxSplit, type Entry, mapInTurns, readAnnotated, splitAtRandom } from "./_annotated.ts";
import type { BadImage } from "./_decode.ts";
import { isFile, isFolder, listFolder, whyUnreadable } from "./_files.ts";
import { parseVoc, type VocAnnotation, VocError } from "./_voc_xml.ts";
import { DataFolder } from "./_within.ts";

export type { BoxOptions, BoxSplit };

/** Most bytes of an annotation: thousands of objects. */
const MOST_XML_BYTES = 2 ** 24;

/** Most bytes of a list of pictures. */
const MOST_LIST_BYTES = 2 ** 28;

/** Where annotations and pictures lie, relative to the set's folder. */
interface Layout {
  readonly root: DataFolder;
  readonly annotations: string;
  readonly pictures: string;
}

/** An annotation of a part. */
interface Listed {
  /** Its name without the ending. */
  readonly id: string;
  /** What names it: `line 3 of "train.txt"`; absent: nothing, it is there. */
  readonly namedBy?: string;
  readonly layout: Layout;
}

/**
 * Reads a set in the form of Pascal VOC.
 *
 * Classes are numbered in the order of their names in the training part (by code point). Boxes are measured in pixels
 * from the picture's edge, as they are written: a box of one pixel has no area.
 *
 * @param dir Folder.
 * @throws {Error} If the folder or a list cannot be read.
 * @throws {RangeError} If there are no annotations, or as `readAnnotated` says.
 */
export async function readVoc(dir: string, options: BoxOptions): Promise<BoxSplit> {
  const { train, validation, test } = await partsOf(dir, options);
  const seen = new Map<string, string>();
  const read = async (part: readonly Listed[]) => await mapInTurns(once(part, seen), readEntry);
  const parts = {
    train: await read(train),
    ...(validation === undefined ? {} : { validation: await read(validation) }),
    test: await read(test),
  };
  return await readAnnotated({ name: dir, parts }, options);
}

async function partsOf(dir: string, options: BoxOptions): Promise<Parts<readonly Listed[]>> {
  const root = new DataFolder(dir);
  const folders = await foldersIn(dir);
  const layout = { root, ...layoutOf(folders, "") };
  const drawn = (listed: readonly Listed[]) => splitAtRandom(listed, { ...options, name: dir });
  const lists = await readLists(join(dir, "ImageSets/Main"), layout);
  const train = lists.train ?? lists.trainval;
  if (train !== undefined) {
    const { val, test = val } = lists;
    if (test === undefined) return drawn(train);
    // What is in the training list cannot choose an epoch too.
    return {
      train,
      ...(val === undefined || val === test || lists.train === undefined ? {} : { validation: val }),
      test,
    };
  }
  const own = await Promise.all(PART_FOLDERS.map((names) => listPart(root, { names, folders })));
  const [training, validation, test = validation] = own;
  if (training !== undefined && test !== undefined) {
    return { train: training, ...(validation === undefined || test === validation ? {} : { validation }), test };
  }
  return drawn(training ?? await listAll(layout));
}

async function foldersIn(dir: string): Promise<readonly string[]> {
  const names = await listFolder(dir);
  const flags = await Promise.all(names.map((name) => isFolder(join(dir, name))));
  return names.filter((_, i) => flags[i]);
}

/** Finds where annotations and pictures lie among the folders of `part`. */
function layoutOf(folders: readonly string[], part: string): Omit<Layout, "root"> {
  const first = (names: readonly string[]) => join(part, names.find((name) => folders.includes(name)) ?? "");
  return { annotations: first(["Annotations", "annotations"]), pictures: first(["JPEGImages", "images"]) };
}

const LISTS = ["train", "val", "trainval", "test"] as const;

/** Reads the lists of the parts, as many as there are: a name a line; in lists of a class a number follows. */
async function readLists(
  folder: string,
  layout: Layout,
): Promise<Readonly<Partial<Record<typeof LISTS[number], readonly Listed[]>>>> {
  const found: Partial<Record<typeof LISTS[number], readonly Listed[]>> = {};
  for (const name of LISTS) {
    const path = join(folder, `${name}.txt`);
    if (!await isFile(path)) continue;
    const text = await readTextWithin(path, { most: MOST_LIST_BYTES }).catch((cause) => {
      throw new Error(`Cannot read "${path}": ${whyUnreadable(cause)}`, { cause });
    });
    const listed = text.split("\n").flatMap((line, i) => {
      const [id] = line.trim().split(/\s+/, 1);
      return id === "" ? [] : [{ id, namedBy: `line ${i + 1} of "${path}"`, layout }];
    });
    if (listed.length === 0) throw new RangeError(`Cannot read "${path}": it names no picture, 1 is needed at least`);
    found[name] = listed;
  }
  return found;
}

/** What folders of the parts may be called. */
const PART_FOLDERS = [["train"], ["val", "valid", "validation"], ["test"]];

async function listPart(
  root: DataFolder,
  { names, folders }: { readonly names: readonly string[]; readonly folders: readonly string[] },
): Promise<readonly Listed[] | undefined> {
  const name = names.find((name) => folders.includes(name));
  if (name === undefined) return undefined;
  const listed = await listAll({ root, ...layoutOf(await foldersIn(join(root.path, name)), name) });
  return listed.length === 0 ? undefined : listed;
}

/** Lists all annotations that there are. */
async function listAll(layout: Layout): Promise<readonly Listed[]> {
  const names = await listFolder(join(layout.root.path, layout.annotations));
  return names.filter((name) => /\.xml$/i.test(name)).map((name) => ({ id: name.slice(0, -4), layout }));
}

/** Leaves out what was listed before, and says so. */
function once(part: readonly Listed[], seen: Map<string, string>): readonly (Listed | BadImage)[] {
  return part.map((listed) => {
    const { id, namedBy = "", layout } = listed;
    const key = join(layout.annotations, id);
    const before = seen.get(key);
    seen.set(key, before ?? namedBy);
    if (before === undefined) return listed;
    return { file: `${join(layout.root.path, key)}.xml`, because: `it is named twice, by ${before} and by ${namedBy}` };
  });
}

async function readEntry(listed: Listed | BadImage): Promise<Entry> {
  if ("because" in listed) return listed;
  const { id, namedBy, layout: { root, annotations, pictures } } = listed;
  const file = join(root.path, annotations, `${id}.xml`);
  const found = await readXml(root, join(annotations, `${id}.xml`));
  if ("because" in found) {
    return { file, because: namedBy === undefined ? found.because : `${found.because}; it is named by ${namedBy}` };
  }
  const { filename, size, boxes } = found;
  const names = [...ENDINGS.map((ending) => `${id}${ending}`), ...(filename === undefined ? [] : [baseOf(filename)])];
  const picture = await root.first(names.map((name) => join(pictures, name)));
  if (picture === undefined) {
    const own = filename === undefined || baseOf(filename) === `${id}.jpg` ? "" : ` or "${plainLine(filename, 100)}"`;
    return { file, because: `it has no picture, "${id}.jpg"${own} is needed in the data's folder` };
  }
  return {
    file: picture,
    annotation: file,
    namedBy: namedBy ?? `"${file}"`,
    unit: "pixels",
    ...(size === undefined ? {} : { size }),
    boxes,
  };
}

const ENDINGS = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"];

/** Some programs write the whole path of the picture on the machine where it was annotated. */
function baseOf(filename: string): string {
  return filename.split(/[/\\]/).at(-1) ?? "";
}

async function readXml(root: DataFolder, path: string): Promise<VocAnnotation | { readonly because: string }> {
  const file = await root.find(path);
  if (typeof file !== "string") return file;
  try {
    return parseVoc(await readTextWithin(file, { most: MOST_XML_BYTES }));
  } catch (error) {
    return { because: error instanceof VocError ? error.message : whyUnreadable(error) };
  }
}
