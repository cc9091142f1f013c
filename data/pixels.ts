/** Bytes of pictures, in memory or wherever else they are kept. */
import { crc32 } from "node:zlib";
import { digestOfChecks, StoredPixels } from "./cache/stored_pixels.ts";

/** Bytes of pictures, one after another: an array of them, or {@linkcode StoredPixels}. */
export type Pixels = Uint8Array | StoredPixels;

/** The bytes of one picture: in memory, or of a file. */
export type Picture = Uint8Array | StoredPicture;

/** A picture of a file. */
export interface StoredPicture {
  readonly of: StoredPixels;
  /** Its place in the file. */
  readonly index: number;
}

/** Returns all bytes in memory: of a file those of all its pictures, however many they are. */
export function bytesOf(pixels: Pixels): Uint8Array {
  return pixels.subarray(0, pixels.length);
}

/** Returns what tells pictures of `width` bytes from others: the same in memory as of a file. */
export function digestOf(pixels: Pixels, width: number): string {
  if (pixels instanceof StoredPixels) return pixels.digest;
  const checkOf = (i: number) => crc32(pixels.subarray(i * width, (i + 1) * width));
  return digestOfChecks(Uint32Array.from({ length: pixels.length / width }, (_, i) => checkOf(i)), width);
}

/** Keeps the pictures at `indices`, in that order. Of an array it copies. */
export function selectPixels(
  pixels: Pixels,
  { indices, width }: { readonly indices: readonly number[]; readonly width: number },
): Pixels {
  if (pixels instanceof StoredPixels) return pixels.select(indices);
  const picked = new Uint8Array(indices.length * width);
  indices.forEach((from, to) => picked.set(pixels.subarray(from * width, (from + 1) * width), to * width));
  return picked;
}

/**
 * Puts pictures of `width` bytes one after another, as far as they are in memory; those of one file stay there.
 *
 * @throws {TypeError} If they are of several files, or only some are in memory.
 */
export function joinPictures(pictures: readonly Picture[], width: number): Pixels {
  const [first] = pictures;
  if (first !== undefined && !(first instanceof Uint8Array)) {
    return first.of.select(pictures.map((picture) => {
      if (!(picture instanceof Uint8Array) && picture.of === first.of) return picture.index;
      throw new TypeError("Cannot join pictures: they are kept in several places, one is needed");
    }));
  }
  const bytes = new Uint8Array(pictures.length * width);
  pictures.forEach((picture, i) => {
    if (!(picture instanceof Uint8Array)) {
      throw new TypeError("Cannot join pictures: they are kept in several places, one is needed");
    }
    bytes.set(picture, i * width);
  });
  return bytes;
}
