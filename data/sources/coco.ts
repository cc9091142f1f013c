/**
 * COCO's instances: a JSON file with the pictures of a part and a box for each thing in them.
 *
 * Of a file whose name, or whose folder's, has "train" in it, the files with "val" and "test" in its place are the other
 * parts; of any other, and where there are none, the parts are drawn at random.
 */
import { basename, dirname, join } from "node:path";
import { readTextWithin } from "../../src/io/read.ts";
import { type BoxOptions, type BoxSplit, type Entry, mapInTurns, readAnnotated, splitEntries } from "./_annotated.ts";
import { type CocoInstances, type CocoPicture, parseCoco } from "./_coco_json.ts";
import { isFile, isFolder, whyUnreadable } from "./_files.ts";
import { DataFolder } from "./_within.ts";

/** Most bytes of a file: more characters fit in no text. COCO's own has 450 MB. */
const MOST_BYTES = 2 ** 29 - 64;

/** How many pictures are looked for to find the folder that they lie in. */
const LOOKED_FOR = 20;

/**
 * Reads a set in the form of COCO's instances.
 *
 * Pictures lie beside the file, in a folder `images`, or where COCO has those of `annotations/instances_train2017.json`: in
 * `train2017` or `images/train2017`, beside the file's folder. Crowds count for nothing. Classes are the categories, in the
 * order of the file.
 *
 * @param file The training file, or the only one.
 * @throws {Error} If a file cannot be read.
 * @throws {RangeError} If a file is no such JSON, or as `readAnnotated` says.
 */
export async function readCoco(file: string, options: BoxOptions): Promise<BoxSplit> {
  const train = await readInstances(file);
  const others = await Promise.all([["val", "valid", "validation"], ["test"]].map((names) => partBeside(file, names)));
  const [validation, test] = await Promise.all(others.map((path) => path === undefined ? undefined : entriesOf(path)));
  const own = await entriesIn(train, file);
  const judged = test ?? validation;
  const classNames = train.names;
  if (judged === undefined) {
    return await readAnnotated(
      { name: file, parts: splitEntries(own, { ...options, name: file }), classNames },
      options,
    );
  }
  const choosing = validation === undefined || judged === validation ? {} : { validation };
  return await readAnnotated({ name: file, parts: { train: own, ...choosing, test: judged }, classNames }, options);
}

async function readInstances(file: string): Promise<CocoInstances> {
  const text = await readTextWithin(file, { most: MOST_BYTES }).catch((cause) => {
    throw new Error(`Cannot read "${file}": ${whyUnreadable(cause)}`, { cause });
  });
  return parseCoco(text, file);
}

/** Returns the file of another part, if there is one: "train" in its name, or its folder's, is another word there. */
async function partBeside(file: string, names: readonly string[]): Promise<string | undefined> {
  const [folder, name] = [dirname(file), basename(file)];
  const ways = names.flatMap((part) =>
    /train/i.test(name)
      ? [join(folder, name.replace(/train/i, part))]
      : /train/i.test(basename(folder))
      ? [join(dirname(folder), basename(folder).replace(/train/i, part), name)]
      : []
  );
  const found = await Promise.all(ways.map(isFile));
  return ways.find((_, i) => found[i]);
}

async function entriesOf(file: string): Promise<readonly Entry[]> {
  return await entriesIn(await readInstances(file), file);
}

async function entriesIn({ pictures, faults }: CocoInstances, file: string): Promise<readonly Entry[]> {
  const folder = await folderOf(pictures, file);
  const entries = await mapInTurns(pictures, async ({ path, where, size, boxes }): Promise<Entry> => {
    const picture = await folder.find(path);
    if (typeof picture !== "string") return { file, because: `${where}: its file_name "${path}": ${picture.because}` };
    const namedBy = `${where} of "${file}"`;
    return { file: picture, annotation: file, namedBy, unit: "pixels", ...(size === undefined ? {} : { size }), boxes };
  });
  return [...entries, ...faults];
}

/** Finds the folder that has one of the first pictures; if none has, the first that is there. */
async function folderOf(pictures: readonly CocoPicture[], file: string): Promise<DataFolder> {
  const own = dirname(file);
  const part = basename(file).replace(/\.json$/i, "").replace(/^.*instances_/, "");
  const above = dirname(own);
  const ways = [
    own,
    join(own, "images"),
    join(own, part),
    join(above, part),
    join(above, "images", part),
    join(above, "images"),
    above,
  ];
  const folders: DataFolder[] = [];
  for (const way of ways) if (await isFolder(way)) folders.push(new DataFolder(way));
  for (const { path } of pictures.slice(0, LOOKED_FOR)) {
    for (const folder of folders) if (await folder.first([path]) !== undefined) return folder;
  }
  return folders[0] ?? new DataFolder(own);
}
