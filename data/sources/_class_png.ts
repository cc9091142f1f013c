/**
 * PNG files whose values are classes: the stored samples as they are, palette indices included.
 *
 * Decoders of pictures give colours: a palette is looked up, few bits are stretched to eight, profiles are applied. So a
 * palette is declared to be grey before the file is decoded, without what would change values, and stretching is undone.
 *
 * Source: PNG specification (third edition), 5.3 chunks, 11.2.1 IHDR, 13.12 sample depth scaling.
 */
import { joinBytes } from "../../src/numbers/bytes.ts";
import { crc32 } from "node:zlib";
import type sharp from "sharp";
import { readPictureHeader } from "./_picture_header.ts";

/** Values of the pixels of a file, row by row. */
export interface ClassPixels {
  readonly height: number;
  readonly width: number;
  /** [height, width] */
  readonly values: Uint8Array | Uint16Array;
}

const SIGNATURE = 8;
/** Length, type and check of a chunk. */
const FRAME = 12;
const GREY = 0;
const PALETTE = 3;

/**
 * Makes of a PNG of one value a pixel a grey one of the same values.
 *
 * @returns The file's bytes and bits of a value, or why it is none, as the end of a sentence that begins with "it".
 */
export function greyPng(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly depth: number } | string {
  const header = readPictureHeader(bytes);
  if (typeof header === "string") return header;
  if (bytes[0] !== 0x89) return "it is a JPEG, whose values are not kept as they were";
  const [depth, type] = [bytes[24], bytes[25]];
  if (type !== GREY && type !== PALETTE) {
    return `it is a PNG of ${type === 4 ? "grey with transparency" : "colours without a palette"}`;
  }
  const kept: Uint8Array[] = [bytes.subarray(0, SIGNATURE)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = SIGNATURE; at + FRAME <= bytes.length;) {
    const length = view.getUint32(at);
    const end = at + FRAME + length;
    if (end > bytes.length) return "it is a PNG that is cut off";
    const name = new TextDecoder("latin1").decode(bytes.subarray(at + 4, at + 8));
    if (name === "IHDR") kept.push(asGrey(bytes.slice(at, end)));
    else if (name === "IDAT" || name === "IEND") kept.push(bytes.subarray(at, end));
    if (name === "IEND") return { bytes: joinBytes(kept), depth };
    at = end;
  }
  return "it is a PNG that is cut off";
}

/** Changes the type of colours of a header, and its check. */
function asGrey(chunk: Uint8Array): Uint8Array {
  const view = new DataView(chunk.buffer);
  // Nothing is said of a header whose check was wrong before.
  const wasSound = crc32(chunk.subarray(4, -4)) === view.getUint32(chunk.length - 4);
  chunk[17] = GREY;
  if (wasSound) view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, -4)));
  return chunk;
}

/**
 * Decodes what `greyPng` returned.
 *
 * @throws {Error} As the decoder says it, if the file is damaged.
 */
export async function decodeGrey(
  { bytes, depth }: { readonly bytes: Uint8Array; readonly depth: number },
  open: typeof sharp,
): Promise<ClassPixels> {
  const grey = open(bytes, { failOn: "error" }).toColourspace(depth === 16 ? "grey16" : "b-w");
  const { data, info: { width, height } } = await grey.raw({ depth: depth === 16 ? "ushort" : "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (depth === 16) {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    return {
      height,
      width,
      values: Uint16Array.from({ length: width * height }, (_, i) => view.getUint16(2 * i, true)),
    };
  }
  // Of 1, 2 or 4 bits the decoder makes 8 by repeating them, which multiplies by 255, 85 or 17.
  const factor = 255 / (2 ** depth - 1);
  return { height, width, values: factor === 1 ? data : Uint8Array.from(data, (value) => value / factor) };
}
