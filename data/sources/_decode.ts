/** Image files decoded by sharp, within a bound of memory for all that are decoded at once. */
import type { Sharp } from "sharp";
import { formatBytes, readFileWithin } from "../../src/io/read.ts";
import { Budget } from "./_budget.ts";
import { messageOf, whyUnreadable } from "./_files.ts";
import { readPictureHeader } from "./_picture_header.ts";
import type { ImageShape } from "../dataset.ts";
import { convertChannels } from "../fit_to.ts";

/** How many files are decoded at once: enough to keep libvips's threads busy while files are read. */
export const AT_ONCE = 16;

/** Most bytes of one file. */
export const MOST_FILE_BYTES = 2 ** 28;

/** Most bytes of all pictures that are decoded at once, their files included: interlaced ones are held as a whole. */
export const MOST_BYTES_AT_ONCE = 2 ** 29;

/** An image, or something that an annotation says of one, that could not be read. */
export interface BadImage {
  /** Its path, or that of its annotation. */
  readonly file: string;
  /** What the decoder said. */
  readonly because: string;
  /** What of the annotation was bad, such as "object 3", where the image itself is kept. */
  readonly box?: string;
}

/** A file that is worth decoding. */
interface Picture {
  readonly bytes: Uint8Array;
  /** Bytes that it takes while it is decoded. */
  readonly cost: number;
}

/** A file as sharp takes it: what is made of it is up to the caller. */
export interface OpenPicture {
  /** Its place among the files. */
  readonly index: number;
  /** Begins a pipeline. Called twice it begins two, each from the file. */
  readonly open: () => Sharp;
}

/**
 * Makes something of each file, in order, of several side by side.
 *
 * @param make Of a file that says that it is a JPEG or PNG, and fits in memory.
 * @returns What was made of each file, or why it could not be read.
 */
export async function decodeWith<T extends object>(
  files: readonly string[],
  make: (picture: OpenPicture) => Promise<T>,
): Promise<(T | BadImage)[]> {
  // Loaded when needed: the native library takes 50 ms, and most data sets have no files to decode.
  const { default: sharp } = await import("sharp");
  const results: (T | BadImage)[] = [];
  const budget = new Budget({ atOnce: AT_ONCE, most: MOST_BYTES_AT_ONCE });
  for (const [i, file] of files.entries()) {
    const picture = await readPicture(file);
    if ("because" in picture) results[i] = picture;
    else {
      const open = () => sharp(picture.bytes, { failOn: "error" });
      await budget.start(picture.cost, async () => {
        results[i] = await make({ index: i, open }).catch((error) => refuse(file, error));
      });
    }
  }
  await budget.finish();
  return results;
}

/** Reads a file, and looks at what it is and how large, before anything is decoded. */
async function readPicture(file: string): Promise<Picture | BadImage> {
  let bytes: Uint8Array;
  try {
    bytes = await readFileWithin(file, { most: MOST_FILE_BYTES });
  } catch (error) {
    return { file, because: whyUnreadable(error) };
  }
  const header = readPictureHeader(bytes);
  if (typeof header === "string") return { file, because: `${header}, needed is a JPEG or PNG` };
  const { width, height, pixelBytes } = header;
  const cost = width * height * pixelBytes + bytes.length;
  if (cost <= MOST_BYTES_AT_ONCE) return { bytes, cost };
  const most = `${formatBytes(cost)}, at most ${formatBytes(MOST_BYTES_AT_ONCE)}`;
  return { file, because: `its ${width}x${height} pixels take ${most} can be decoded` };
}

/** Decodes a file: turned as its EXIF says, and stretched to the shape's sides (sharp's linear kernel). */
export async function stretch(picture: Sharp, shape: ImageShape): Promise<Uint8Array> {
  const { width, height, channels } = shape;
  return await pixelsOf(picture.autoOrient().resize(width, height, { fit: "fill", kernel: "linear" }), channels);
}

/** Returns the pixels of a pipeline: transparent parts on white, 8 bits a channel in sRGB, of so many channels. */
export async function pixelsOf(picture: Sharp, channels: number): Promise<Uint8Array> {
  const { data, info } = await picture
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return convertChannels(data, { from: info.channels, to: channels });
}

/** Words what a decoder says of a file. */
export function refuse(file: string, error: unknown): BadImage {
  const said = messageOf(error).replace(/^Input (buffer|file) (contains|is|has) /, "it $2 ");
  // libvips has no words for some damage.
  const isVague = said === "" || said === "Unknown error";
  return { file, because: isVague ? "it is damaged" : `it cannot be decoded: ${said}` };
}
