/** One file in the form of COCO's instances: pictures, annotations and categories that name one another by numbers. */
import { JsonError, parseJson } from "../../src/text/json.ts";
import { lookUp } from "../../src/text/nearest.ts";
import { showValue } from "../../src/text/plain.ts";
import type { Size } from "../letterbox.ts";
import type { BadBox, FoundBox } from "./_box_checks.ts";
import type { BadImage } from "./_decode.ts";

/** A picture of the file. */
export interface CocoPicture {
  /** Its path, as the file has it. */
  readonly path: string;
  /** Where in the file it stands: `images[3]`. */
  readonly where: string;
  readonly size?: Size;
  readonly boxes: readonly (FoundBox | BadBox)[];
}

/** What a file says. */
export interface CocoInstances {
  /** Names of the categories, in the order of the file. */
  readonly names: readonly string[];
  readonly pictures: readonly CocoPicture[];
  /** What is wrong with it, but for boxes of a picture that is there. */
  readonly faults: readonly BadImage[];
}

type Item = Readonly<Record<string, unknown>>;

/**
 * Reads a file.
 *
 * @throws {RangeError} If it is no JSON, or has no such lists.
 */
export function parseCoco(text: string, file: string): CocoInstances {
  const root = parse(text, file);
  const listOf = (key: string) => {
    const list = lookUp(root, key);
    if (Array.isArray(list)) return list;
    throw new RangeError(`Cannot read "${file}": its ${key} are ${showValue(list)}, a list is needed`);
  };
  const categories = categoriesOf(listOf("categories"), file);
  const faults: BadImage[] = [];
  const boxes = new Map<number, (FoundBox | BadBox)[]>();
  const pictures = listOf("images").flatMap((value, i): readonly (Omit<CocoPicture, "boxes"> & { id: number })[] => {
    const where = `images[${i}]`;
    const picture = pictureOf(value);
    const isTwice = typeof picture !== "string" && boxes.has(picture.id);
    if (typeof picture === "string" || isTwice) {
      const because = typeof picture === "string" ? picture : `the picture ${picture.id} is there twice`;
      faults.push({ file, because: `${where}: ${because}` });
      return [];
    }
    boxes.set(picture.id, []);
    return [{ ...picture, where }];
  });
  listOf("annotations").forEach((value, i) => {
    const where = `annotations[${i}]`;
    const of = isItem(value) ? boxes.get(numberAt(value, "image_id")) : undefined;
    if (of !== undefined) return of.push(boxOf(value, { where, categories }));
    const id = showValue(isItem(value) ? lookUp(value, "image_id") : value);
    faults.push({ file, box: where, because: `it is of the picture ${id}, which the file has not` });
  });
  return {
    names: [...categories.values()],
    pictures: pictures.map(({ id, ...picture }) => ({ ...picture, boxes: boxes.get(id) ?? [] })),
    faults,
  };
}

function parse(text: string, file: string): Item {
  try {
    const root = parseJson(text);
    if (isItem(root)) return root;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new RangeError(`Cannot read "${file}": ${error.message}`, { cause: error });
  }
  throw new RangeError(`Cannot read "${file}": it is no JSON with images, annotations and categories`);
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns a number of an item; NaN where it has none. */
function numberAt(item: Item, key: string): number {
  const value = lookUp(item, key);
  return typeof value === "number" ? value : NaN;
}

/** Names of categories by their numbers, each once. */
function categoriesOf(list: readonly unknown[], file: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const seen = new Set<string>();
  list.forEach((value, i) => {
    const refuse = (because: string) => new RangeError(`Cannot read "${file}": its categories[${i}] ${because}`);
    const name = isItem(value) ? lookUp(value, "name") : undefined;
    const id = isItem(value) ? numberAt(value, "id") : NaN;
    if (typeof name !== "string" || name.trim() === "" || !Number.isInteger(id)) {
      throw refuse(`is ${showValue(value)}, an id and a name are needed`);
    }
    if (names.has(id) || seen.has(name)) throw refuse(`has an id or a name that one before has, ${showValue(name)}`);
    names.set(id, name);
    seen.add(name);
  });
  return names;
}

function pictureOf(value: unknown): (Omit<CocoPicture, "boxes" | "where"> & { readonly id: number }) | string {
  if (!isItem(value)) return `it is ${showValue(value)}, an id and a file_name are needed`;
  const [id, path] = [numberAt(value, "id"), lookUp(value, "file_name")];
  if (!Number.isInteger(id)) return `its id is ${showValue(lookUp(value, "id"))}, a whole number is needed`;
  if (typeof path !== "string" || path.trim() === "") return `its file_name is ${showValue(path)}, a path is needed`;
  const [width, height] = [numberAt(value, "width"), numberAt(value, "height")];
  return { id, path, ...(width > 0 && height > 0 ? { size: { width, height } } : {}) };
}

function boxOf(value: unknown, { where, categories }: {
  readonly where: string;
  readonly categories: ReadonlyMap<number, string>;
}): FoundBox | BadBox {
  const item = isItem(value) ? value : {};
  const bbox = lookUp(item, "bbox");
  const className = categories.get(numberAt(item, "category_id"));
  if (className === undefined) {
    return { where, because: `its category_id is ${showValue(lookUp(item, "category_id"))}, which no category has` };
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((number) => typeof number === "number")) {
    return { where, because: `its bbox is ${showValue(bbox)}, four numbers are needed: left, top, width, height` };
  }
  const [left, top, width, height] = bbox.map(Number);
  const crowd = lookUp(item, "iscrowd") ?? 0;
  if (crowd !== 0 && crowd !== 1) return { where, because: `its iscrowd is ${showValue(crowd)}, 0 or 1 is needed` };
  const isDifficult = crowd === 1;
  return { where, className, left, top, right: left + width, bottom: top + height, isDifficult };
}
