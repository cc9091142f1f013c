/** A picture's way into a batch where no pixel lies between two: shifted by whole ones, mirrored, normalized. */
import type { ImageShape } from "../dataset.ts";
import type { Change } from "./change.ts";

/** What `writeImage` reads and writes. */
export interface Copy {
  readonly shape: ImageShape;
  readonly images: Uint8Array;
  /** First byte of the image. */
  readonly from: number;
  /** Values of bytes by channel, from `normalizeTable`. */
  readonly table: Float32Array;
  readonly out: Float32Array;
  /** First element to write. */
  readonly to: number;
}

/** Writes an image as it is. */
function writePlain({ shape, images, from, table, out, to }: Copy): void {
  const { height, width, channels } = shape;
  const end = from + height * width * channels;
  if (channels === 1) {
    for (let i = from, o = to; i < end; i++, o++) out[o] = table[images[i]];
    return;
  }
  for (let i = from, o = to; i < end; i += 3, o += 3) {
    out[o] = table[images[i]];
    out[o + 1] = table[256 + images[i + 1]];
    out[o + 2] = table[512 + images[i + 2]];
  }
}

/** Writes an image, changed; pixels that the shift uncovers are black (byte 0), as in padding before normalization. */
export function writeImage(copy: Copy, { dy, dx, mirror }: Pick<Change, "dy" | "dx" | "mirror">): void {
  if (dy === 0 && dx === 0 && !mirror) return writePlain(copy);
  const { shape: { height, width, channels }, images, from, table, out, to } = copy;
  const step = mirror ? -channels : channels;
  for (let y = 0; y < height; y++) {
    const sy = y - dy;
    const row = from + sy * width * channels;
    let o = to + (y * width + (mirror ? width - 1 : 0)) * channels;
    for (let x = 0; x < width; x++, o += step) {
      const sx = x - dx;
      const inside = sy >= 0 && sy < height && sx >= 0 && sx < width;
      const i = row + sx * channels;
      for (let ch = 0; ch < channels; ch++) out[o + ch] = table[256 * ch + (inside ? images[i + ch] : 0)];
    }
  }
}
