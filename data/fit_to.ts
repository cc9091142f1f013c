/**
 * Sets made to fit a model's input: another size, grey to colour, colour to grey.
 *
 * Resizing is separable with a triangle filter, its weights normalized at the edges, as Pillow's BILINEAR: bilinear with
 * half-pixel centres when enlarging (TF.js's resizeBilinear with halfPixelCenters); when shrinking the filter widens
 * with the factor, so that every source pixel counts. Done here and not by sharp because sharp takes 0.7 ms an image
 * however small (41 s for MNIST's 60,000 at 64x64; here 2 s) and shifts by half a pixel when enlarging.
 */
import { checkMemory, checkShape, imageBytes, type ImageSet, type ImageShape } from "./dataset.ts";

/** The weights that make each output pixel of one axis: `taps` source pixels from `first[i]` on. */
interface Taps {
  readonly count: number;
  readonly first: Int32Array;
  /** [outputs, count], rows sum to 1. */
  readonly weights: Float32Array;
}

/** Samples the triangle filter for every output pixel; pixel centres lie at i + 0.5, edges repeat nothing. */
function tapsOf(from: number, to: number): Taps {
  const factor = from / to;
  const radius = Math.max(1, factor);
  const count = Math.min(from, Math.ceil(radius) * 2 + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * factor;
    const start = Math.min(Math.max(0, Math.floor(centre - radius)), from - count);
    const row = Array.from({ length: count }, (_, k) => Math.max(0, 1 - Math.abs(start + k + 0.5 - centre) / radius));
    const sum = row.reduce((a, b) => a + b, 0);
    first[i] = start;
    weights.set(row.map((w) => w / sum), i * count);
  }
  return { count, first, weights };
}

/** Resizes one image by rows, then by columns; `middle` holds [from height, to width, channels]. */
function resizeImage(source: Uint8Array, out: Uint8Array, axes: {
  readonly x: Taps;
  readonly y: Taps;
  readonly from: ImageShape;
  readonly to: ImageShape;
  readonly middle: Float32Array;
}): void {
  const { x, y, from, to, middle } = axes;
  const channels = from.channels;
  const wide = to.width * channels;
  for (let row = 0; row < from.height; row++) {
    for (let i = 0; i < to.width; i++) {
      const base = (row * from.width + x.first[i]) * channels;
      for (let ch = 0; ch < channels; ch++) {
        let sum = 0;
        for (let k = 0; k < x.count; k++) sum += x.weights[i * x.count + k] * source[base + k * channels + ch];
        middle[row * wide + i * channels + ch] = sum;
      }
    }
  }
  for (let i = 0; i < to.height; i++) {
    for (let j = 0; j < wide; j++) {
      let sum = 0;
      for (let k = 0; k < y.count; k++) sum += y.weights[i * y.count + k] * middle[(y.first[i] + k) * wide + j];
      // The weights sum to 1, so the sum lies in 0 to 255 and adding a half rounds it.
      out[i * wide + j] = sum + 0.5;
    }
  }
}

/** Resizes every image of `set`. */
function resize(set: ImageSet, to: ImageShape): ImageSet {
  if (set.height === to.height && set.width === to.width) return set;
  const shape = { height: to.height, width: to.width, channels: set.channels };
  const axes = {
    x: tapsOf(set.width, to.width),
    y: tapsOf(set.height, to.height),
    from: set,
    to: shape,
    middle: new Float32Array(set.height * to.width * set.channels),
  };
  const images = new Uint8Array(set.count * imageBytes(shape));
  const [before, after] = [imageBytes(set), imageBytes(shape)];
  for (let i = 0; i < set.count; i++) {
    const source = set.images.subarray(i * before, (i + 1) * before);
    resizeImage(source, images.subarray(i * after, (i + 1) * after), axes);
  }
  return { ...set, ...shape, images };
}

/**
 * Converts pixels between grey and colour: grey is repeated three times, colour becomes luma.
 *
 * Rounding: to nearest. Source: ITU-R BT.601, Y = 0.299 R + 0.587 G + 0.114 B, as JPEG, Pillow and OpenCV have it.
 *
 * @param pixels Bytes, interleaved by pixel.
 */
export function convertChannels(pixels: Uint8Array, { from, to }: { from: number; to: number }): Uint8Array {
  if (from === to) return pixels;
  const count = pixels.length / from;
  const out = new Uint8Array(count * to);
  if (to === 1) {
    for (let i = 0; i < count; i++) {
      out[i] = (299 * pixels[3 * i] + 587 * pixels[3 * i + 1] + 114 * pixels[3 * i + 2] + 500) / 1000;
    }
  } else {
    for (let i = 0; i < out.length; i++) out[i] = pixels[Math.floor(i / 3)];
  }
  return out;
}

/**
 * Makes the images of `set` fit a model's input: converts colour, then resizes (stretched to the new sides).
 *
 * Shapes: [count, h, w, c] → [count, height, width, channels]. A set that fits already is returned as it is.
 *
 * @throws {RangeError} If the shape is none or the result would take more than 2 GiB.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { imageSet } from "./dataset.ts";
 * import { fitTo } from "./fit_to.ts";
 *
 * const grey = imageSet("grey", {
 *   height: 1, width: 1, channels: 1, images: Uint8Array.of(9), labels: Int32Array.of(0), classNames: ["a"],
 * });
 * assert.deepEqual([...fitTo(grey, { height: 1, width: 2, channels: 3 }).images], [9, 9, 9, 9, 9, 9]);
 * ```
 */
export function fitTo(set: ImageSet, shape: ImageShape): ImageSet {
  const doing = `fit "${set.name}" to a model's input`;
  checkShape(shape, doing);
  checkMemory(shape, { count: set.count, doing });
  // In the order that resizes fewer channels.
  const narrow = Math.min(set.channels, shape.channels);
  const resized = resize(recolour(set, narrow), shape);
  return recolour(resized, shape.channels);
}

function recolour(set: ImageSet, channels: number): ImageSet {
  if (channels === set.channels) return set;
  return { ...set, channels, images: convertChannels(set.images, { from: set.channels, to: channels }) };
}
