/**
 * Parts of image files, cut out and scaled to one shape. What lies outside of a picture is as its edge is.
 *
 * Scaling is separable with a triangle filter about the pixels' centres, as wide as the pixels that come together to one:
 * bilinear where it enlarges. A crop may begin and end within a pixel, so that points in it stay exact.
 */
import type { Sharp } from "sharp";
import { imageBytes, type ImageShape } from "../dataset.ts";
import type { Size } from "../letterbox.ts";
import type { Picture } from "../pixels.ts";
import { type BadImage, type OpenPicture, pixelsOf } from "./_decode.ts";
import { decodeStored, isBad, type StretchOptions } from "./stored.ts";

/** A part of a picture, in its pixels from its upper left corner. */
export interface Crop extends Size {
  readonly left: number;
  readonly top: number;
}

/** What is to be cut out. */
export interface CropFile {
  readonly file: string;
  readonly crop: Crop;
  /** Says what is wrong with a picture of these sides. */
  readonly fault?: (size: Size) => string | undefined;
}

/**
 * Decodes a part of each file, turned as its EXIF says, to bytes [height, width, channels], in order.
 *
 * @param options `detail` says what is cut out of which, and what may be wrong with it.
 * @returns A picture for each file, or why there is none.
 */
export async function decodeCrops(
  files: readonly CropFile[],
  options: StretchOptions & { readonly detail: string },
): Promise<(Picture | BadImage)[]> {
  const { shape } = options;
  const make = async ({ index, open }: OpenPicture) => {
    const { file, crop, fault } = files[index];
    const { autoOrient: size } = await open().metadata();
    const because = fault?.(size);
    if (because !== undefined) return { file, because };
    return { pixels: await cut(open().autoOrient(), { crop, size, shape }), side: null };
  };
  const decoded = await decodeStored(files.map(({ file }) => file), { ...options, how: "cropped", make });
  return decoded.map((result) => isBad(result) ? result : result.picture);
}

async function cut(picture: Sharp, { crop, size, shape }: {
  readonly crop: Crop;
  readonly size: Size;
  readonly shape: ImageShape;
}): Promise<Uint8Array> {
  const x = spanOf(crop.left, crop.width, { from: size.width, to: shape.width });
  const y = spanOf(crop.top, crop.height, { from: size.height, to: shape.height });
  const region = { left: x.first, top: y.first, width: x.count, height: y.count };
  const pixels = await pixelsOf(picture.extract(region), shape.channels);
  return scale(pixels, { x, y, shape });
}

/** The pixels along one axis that are read, and the weights of which each pixel that is made of them is the sum. */
interface Span {
  /** The first pixel that is read, and how many are. */
  readonly first: number;
  readonly count: number;
  /** Pixels that one is made of. */
  readonly taps: number;
  /** [to, taps], counted from the first that is read. */
  readonly indices: Int32Array;
  /** [to, taps], rows sum to 1. */
  readonly weights: Float32Array;
}

function spanOf(start: number, length: number, { from, to }: { readonly from: number; readonly to: number }): Span {
  const factor = length / to;
  const radius = Math.max(1, factor);
  const inside = (pixel: number) => Math.min(from - 1, Math.max(0, pixel));
  const first = inside(Math.floor(start + factor / 2 - radius));
  const last = inside(Math.ceil(start + length - factor / 2 + radius));
  const taps = Math.ceil(2 * radius) + 1;
  const indices = new Int32Array(to * taps);
  const weights = new Float32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const centre = start + (i + 0.5) * factor;
    const begin = Math.floor(centre - radius);
    const row = Array.from({ length: taps }, (_, k) => Math.max(0, 1 - Math.abs(begin + k + 0.5 - centre) / radius));
    const sum = row.reduce((a, b) => a + b, 0);
    for (let k = 0; k < taps; k++) {
      indices[i * taps + k] = inside(begin + k) - first;
      weights[i * taps + k] = row[k] / sum;
    }
  }
  return { first, count: last - first + 1, taps, indices, weights };
}

/** Scales rows, then columns. */
function scale(
  pixels: Uint8Array,
  { x, y, shape }: { readonly x: Span; readonly y: Span; readonly shape: ImageShape },
): Uint8Array {
  const { height, width, channels } = shape;
  const wide = width * channels;
  const middle = new Float32Array(y.count * wide);
  for (let row = 0; row < y.count; row++) {
    for (let i = 0; i < width; i++) {
      for (let ch = 0; ch < channels; ch++) {
        let sum = 0;
        for (let k = i * x.taps; k < (i + 1) * x.taps; k++) {
          sum += x.weights[k] * pixels[(row * x.count + x.indices[k]) * channels + ch];
        }
        middle[row * wide + i * channels + ch] = sum;
      }
    }
  }
  const out = new Uint8Array(imageBytes(shape));
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < wide; j++) {
      let sum = 0;
      for (let k = i * y.taps; k < (i + 1) * y.taps; k++) sum += y.weights[k] * middle[y.indices[k] * wide + j];
      // The weights sum to 1, so the sum lies in 0 to 255 and adding a half rounds it.
      out[i * wide + j] = sum + 0.5;
    }
  }
  return out;
}
