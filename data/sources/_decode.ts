/** Image files decoded by sharp. */
import type sharp from "sharp";
import { firstLine } from "./_files.ts";
import type { ImageShape } from "../dataset.ts";
import { convertChannels } from "../fit_to.ts";

/** How many files are decoded at once: enough to keep libvips's threads busy while files are read. */
const AT_ONCE = 16;

/** An image that could not be read. */
export interface BadImage {
  /** Its path. */
  readonly file: string;
  /** What the decoder said. */
  readonly because: string;
}

/**
 * Decodes a file: turned as its EXIF says, transparent parts on white, 8 bits a channel in sRGB, stretched to the
 * shape's sides (sharp's linear kernel).
 */
async function decode(file: string, { open, shape }: { open: typeof sharp; shape: ImageShape }): Promise<Uint8Array> {
  const { data, info } = await open(file, { failOn: "error" })
    .autoOrient()
    .flatten({ background: "white" })
    .resize(shape.width, shape.height, { fit: "fill", kernel: "linear" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return convertChannels(data, { from: info.channels, to: shape.channels });
}

/**
 * Decodes files to bytes [height, width, channels], in order.
 *
 * @returns An array of pixels for each file, or why it could not be read.
 */
export async function decodeAll(files: readonly string[], shape: ImageShape): Promise<(Uint8Array | BadImage)[]> {
  // Loaded when needed: the native library takes 50 ms, and most data sets have no files to decode.
  const { default: open } = await import("sharp");
  const results: (Uint8Array | BadImage)[] = [];
  for (let i = 0; i < files.length; i += AT_ONCE) {
    const chunk = files.slice(i, i + AT_ONCE).map((file) =>
      decode(file, { open, shape }).catch((error) => refuse(file, error))
    );
    results.push(...await Promise.all(chunk));
  }
  return results;
}

function refuse(file: string, error: unknown): BadImage {
  const because = error instanceof Error ? firstLine(error.message) : String(error);
  return { file, because: because.replace(/^Input file (contains|is) /, "it $1 ").replace(`${file}: `, "") };
}
