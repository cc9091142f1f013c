/** Mask files decoded and fitted to a model's size, within a bound of memory. */
import type sharp from "sharp";
import { formatBytes, readFileWithin } from "../../src/io/read.ts";
import { NO_CLASS } from "../samples.ts";
import { Budget } from "./_budget.ts";
import { type ClassPixels, decodeGrey, greyPng } from "./_class_png.ts";
import { AT_ONCE, type BadImage, MOST_BYTES_AT_ONCE, MOST_FILE_BYTES, refuse } from "./_decode.ts";
import { whyUnreadable } from "./_files.ts";
import type { Pair } from "./_pairs.ts";
import { readPictureHeader } from "./_picture_header.ts";

/** The class of each pixel at the model's size. */
export interface ClassMap {
  /** [height, width] */
  readonly values: Uint8Array;
  /** Pixels of each value from 0 to 255, as the file has them. */
  readonly counts: Float64Array;
}

/** What masks become. */
export interface MaskOptions {
  readonly shape: { readonly height: number; readonly width: number };
  /** Values from here on are no classes, but for 255. */
  readonly classes: number;
}

/**
 * Decodes the masks of pairs, in order: of the size of the picture, then to the wanted size by the nearest pixel.
 *
 * @returns A map for each, or why it could not be read.
 */
export async function decodeMasks(
  pairs: readonly Pair[],
  options: MaskOptions,
): Promise<readonly (ClassMap | BadImage)[]> {
  const { default: open } = await import("sharp");
  const results: (ClassMap | BadImage)[] = [];
  const budget = new Budget({ atOnce: AT_ONCE, most: MOST_BYTES_AT_ONCE });
  for (const [i, pair] of pairs.entries()) {
    const file = await readMask(pair.mask);
    if ("because" in file) results[i] = file;
    else {
      await budget.start(file.cost, async () => {
        results[i] = await decodeMask(file, { pair, open, ...options }).catch((error) => refuse(pair.mask, error));
      });
    }
  }
  await budget.finish();
  return results;
}

/** A mask that is worth decoding. */
interface MaskFile {
  readonly bytes: Uint8Array;
  readonly depth: number;
  readonly cost: number;
}

async function readMask(file: string): Promise<MaskFile | BadImage> {
  let bytes: Uint8Array;
  try {
    bytes = await readFileWithin(file, { most: MOST_FILE_BYTES });
  } catch (error) {
    return { file, because: whyUnreadable(error) };
  }
  const grey = greyPng(bytes);
  if (typeof grey === "string") return { file, because: `${grey}, needed is a PNG with a palette or in grey` };
  const header = readPictureHeader(bytes);
  if (typeof header === "string") return { file, because: header };
  const { width, height } = header;
  // The values as they are decoded, and as they become.
  const cost = width * height * (grey.depth === 16 ? 4 : 2) + 2 * bytes.length;
  if (cost <= MOST_BYTES_AT_ONCE) return { ...grey, cost };
  const most = `${formatBytes(cost)}, at most ${formatBytes(MOST_BYTES_AT_ONCE)}`;
  return { file, because: `its ${width}x${height} pixels take ${most} can be decoded` };
}

async function decodeMask(
  file: MaskFile,
  { pair, open, shape, classes }: MaskOptions & { readonly pair: Pair; readonly open: typeof sharp },
): Promise<ClassMap | BadImage> {
  const pixels = await decodeGrey(file, open);
  const because = await otherSize(pixels, { picture: pair.picture, open }) ?? strangeValue(pixels, classes);
  if (because !== undefined) return { file: pair.mask, because };
  const counts = new Float64Array(256);
  for (const value of pixels.values) counts[value]++;
  return { values: nearest(pixels, shape), counts };
}

/** Says where the picture is of another size; a picture that cannot be read is somebody else's fault. */
async function otherSize(
  { height, width }: ClassPixels,
  { picture, open }: { readonly picture: string; readonly open: typeof sharp },
): Promise<string | undefined> {
  const own = await open(picture).metadata().then(({ autoOrient }) => autoOrient, () => undefined);
  if (own === undefined || (own.height === height && own.width === width)) return undefined;
  return `it is ${width}x${height}, its picture ${own.width}x${own.height}`;
}

function strangeValue({ values, width }: ClassPixels, classes: number): string | undefined {
  const at = values.findIndex((value) => value >= classes && value !== NO_CLASS);
  if (at < 0) return undefined;
  return `its pixel at column ${at % width}, row ${Math.floor(at / width)} is ${values[at]}, needed is 0 to ` +
    `${classes - 1}, or ${NO_CLASS} where none counts`;
}

/** Makes a map of another size by the pixel whose centre is nearest to each new pixel's; between two of them the latter. */
export function nearest({ values, height, width }: ClassPixels, shape: MaskOptions["shape"]): Uint8Array {
  const source = (i: number, { from, to }: { readonly from: number; readonly to: number }) =>
    Math.min(from - 1, Math.floor((i + 0.5) * from / to));
  const columns = Int32Array.from({ length: shape.width }, (_, x) => source(x, { from: width, to: shape.width }));
  const out = new Uint8Array(shape.height * shape.width);
  for (let y = 0; y < shape.height; y++) {
    const row = source(y, { from: height, to: shape.height }) * width;
    for (let x = 0; x < shape.width; x++) out[y * shape.width + x] = values[row + columns[x]];
  }
  return out;
}
