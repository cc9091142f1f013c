/**
 * Random changes of colours, put together into one affine map of a pixel's channels.
 *
 * Hue turns colours around the axis of greys (Rodrigues' formula), saturation stretches them from their luma (BT.601),
 * brightness multiplies, contrast stretches from the middle of the range: all are linear, so one matrix does it.
 */
import type { Random } from "../../src/numbers/random.ts";
import type { Colour } from "./augment.ts";

/** A pixel's channel i becomes the sum over j of matrix[3 i + j] times channel j, plus `offset`. */
export interface ColourMap {
  /** [3, 3], row-major. */
  readonly matrix: readonly number[];
  readonly offset: number;
  /** What a grey picture's one channel is multiplied by. */
  readonly gain: number;
}

/** Bytes that contrast leaves as they are. */
const MIDDLE = 127.5;

/** Red, green and blue in luma. Source: ITU-R BT.601. */
const LUMA = [0.299, 0.587, 0.114];

/** What a change of colours is made of. */
export interface ColourChange {
  /** Radians. */
  readonly hue: number;
  readonly saturation: number;
  readonly brightness: number;
  readonly contrast: number;
}

/** Draws a change of colours. */
export function drawColourMap(random: Random, { brightness, contrast, saturation, hue }: Colour): ColourMap {
  const factor = (within: number | undefined) => within === undefined ? 1 : random.between(1 - within, 1 + within);
  return colourMap({
    brightness: factor(brightness),
    contrast: factor(contrast),
    saturation: factor(saturation),
    hue: hue === undefined ? 0 : random.between(-hue, hue) * Math.PI / 180,
  });
}

/** Puts a change of colours together: hue, then saturation, brightness, contrast. */
export function colourMap({ hue, saturation, brightness, contrast }: ColourChange): ColourMap {
  const gain = brightness * contrast;
  const turned = turnHue(hue);
  // s x + (1 - s) luma(x), of what was turned.
  const lumaOf = (j: number) => LUMA[0] * turned[j] + LUMA[1] * turned[3 + j] + LUMA[2] * turned[6 + j];
  const matrix = turned.map((value, k) => gain * (saturation * value + (1 - saturation) * lumaOf(k % 3)));
  return { matrix, offset: MIDDLE * (1 - contrast), gain };
}

/** Turns around (1, 1, 1). */
function turnHue(radians: number): readonly number[] {
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [along, across] = [(1 - cos) / 3, sin / Math.sqrt(3)];
  return [
    cos + along,
    along - across,
    along + across,
    along + across,
    cos + along,
    along - across,
    along - across,
    along + across,
    cos + along,
  ];
}

/** Rounds to a byte. */
function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}

/** Where pixels are read and written. */
export interface ColourCopy {
  /** Bytes of a picture. */
  readonly bytes: Uint8Array;
  /** Values of bytes by channel, from `normalizeTable`. */
  readonly table: Float32Array;
  readonly out: Float32Array;
  /** First element to write. */
  readonly to: number;
}

/** Writes a picture of 1 or 3 channels in other colours, rounded to bytes, as the values that `table` has for them. */
export function writeColours({ bytes, table, out, to }: ColourCopy, { matrix, offset, gain }: ColourMap): void {
  if (table.length === 256) {
    const changed = Float32Array.from({ length: 256 }, (_, byte) => table[toByte(gain * byte + offset)]);
    for (let i = 0; i < bytes.length; i++) out[to + i] = changed[bytes[i]];
    return;
  }
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = matrix;
  for (let i = 0; i < bytes.length; i += 3) {
    const r = bytes[i];
    const g = bytes[i + 1];
    const b = bytes[i + 2];
    out[to + i] = table[toByte(rr * r + rg * g + rb * b + offset)];
    out[to + i + 1] = table[256 + toByte(gr * r + gg * g + gb * b + offset)];
    out[to + i + 2] = table[512 + toByte(br * r + bg * g + bb * b + offset)];
  }
}

/** Writes a picture as it is. */
export function writePlain({ bytes, table, out, to }: ColourCopy): void {
  if (table.length === 256) {
    for (let i = 0; i < bytes.length; i++) out[to + i] = table[bytes[i]];
    return;
  }
  for (let i = 0; i < bytes.length; i += 3) {
    out[to + i] = table[bytes[i]];
    out[to + i + 1] = table[256 + bytes[i + 1]];
    out[to + i + 2] = table[512 + bytes[i + 2]];
  }
}
