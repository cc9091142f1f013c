/** Pictures and masks of the same stems in two folders. */
import type { BadImage } from "./_decode.ts";
import { join, listFolder } from "./_files.ts";

/** A picture and its mask, by their paths. */
export interface Pair {
  readonly picture: string;
  readonly mask: string;
}

/** What is in the two folders. */
export interface PairsFound {
  /** In the order of their names. */
  readonly pairs: readonly Pair[];
  /** Files without partners, and several of one stem. */
  readonly alone: readonly BadImage[];
}

const PICTURE = /\.(jpe?g|png)$/i;
const MASK = /\.png$/i;

/**
 * Pairs the files in `images` with those in `masks`; files of other kinds are left alone.
 *
 * @throws {Error} If a folder cannot be read.
 * @throws {RangeError} If there are neither pictures nor masks.
 */
export async function pairsOf(dir: string): Promise<PairsFound> {
  const pictures = await filesIn(join(dir, "images"), PICTURE);
  const masks = await filesIn(join(dir, "masks"), MASK);
  if (pictures.size + masks.size === 0) {
    throw new RangeError(
      `Cannot read "${dir}": "images" has no pictures and "masks" no masks, needed are .jpg or .png and .png files`,
    );
  }
  const pairs: Pair[] = [];
  const alone: BadImage[] = [];
  for (const stem of [...new Set([...pictures.keys(), ...masks.keys()])].sort()) {
    const [own, others] = [pictures.get(stem) ?? [], masks.get(stem) ?? []];
    const twice = [own, others].find(({ length }) => length > 1);
    if (twice !== undefined) {
      alone.push({ file: twice[1], because: `"${twice[0]}" has the same name without its ending` });
    } else if (others.length === 0) alone.push({ file: own[0], because: `it has no mask "${stem}.png" in "masks"` });
    else if (own.length === 0) alone.push({ file: others[0], because: `it has no picture "${stem}.*" in "images"` });
    else pairs.push({ picture: own[0], mask: others[0] });
  }
  return { pairs, alone };
}

/** Lists files by their stems. */
async function filesIn(dir: string, kind: RegExp): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = (await listFolder(dir)).filter((name) => kind.test(name));
  const byStem = Map.groupBy(names, (name) => name.replace(kind, ""));
  return new Map([...byStem].map(([stem, names]) => [stem, names.map((name) => join(dir, name))]));
}
