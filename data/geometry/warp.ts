/**
 * Pictures and masks moved by affine maps: each pixel of the result looks back for what it shows.
 *
 * Positions are measured from the upper left corner, so a pixel's middle is at a half. What lies outside of the picture is
 * the border: grey, or its outermost pixels. Weights of bilinear interpolation are whole 256ths, so that all is integers.
 */
import type { ImageShape } from "../dataset.ts";
import { BORDER } from "../letterbox.ts";
import { NO_CLASS } from "../samples.ts";
import { type Affine, inverse } from "./affine.ts";

/** A part of a picture in whole pixels; right and bottom are outside. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What is moved, and where to. */
export interface Warp {
  readonly shape: ImageShape;
  /** Bytes of a picture of `shape`. */
  readonly source: Uint8Array;
  /** Where pixels of the source go. */
  readonly map: Affine;
  /** The part of the result that is written. */
  readonly area: Area;
  readonly border: "grey" | "edge";
}

/** Whole weights of a pixel and its neighbour sum to this. */
const ONE = 256;

/** Where the pixels of a row or a column look: two neighbours and how much of the second. */
interface Looks {
  /** Elements from the start of a row or of the picture. */
  readonly near: Int32Array;
  readonly far: Int32Array;
  readonly weight: Int32Array;
  /** First and last but one that lie within the picture; all of them where the border is the edge. */
  readonly begin: number;
  readonly end: number;
}

/** Moves a picture: bilinear. */
export function warp(out: Uint8Array, given: Warp): void {
  const { map, border, area, shape } = given;
  const back = inverse(map);
  if (border === "grey") fillArea(out, { area, shape, value: BORDER });
  if (back.xy === 0 && back.yx === 0) warpStraight(out, given, back);
  else warpTurned(out, given, back);
}

function fillArea(out: Uint8Array, { area, shape, value }: {
  readonly area: Area;
  readonly shape: ImageShape;
  readonly value: number;
}): void {
  const wide = shape.width * shape.channels;
  for (let y = area.top; y < area.bottom; y++) {
    out.fill(value, y * wide + area.left * shape.channels, y * wide + area.right * shape.channels);
  }
}

/** One axis of a map that does not turn: where pixels from `first` to `last` look. */
interface Axis {
  readonly first: number;
  readonly last: number;
  readonly factor: number;
  readonly start: number;
  readonly side: number;
  /** Elements of a step along the axis. */
  readonly step: number;
  readonly isClamped: boolean;
}

function looksAlong({ first, last, factor, start, side, step, isClamped }: Axis): Looks {
  const count = Math.max(0, last - first);
  const [near, far, weight] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  let [begin, end] = isClamped ? [0, count] : [count, 0];
  for (let i = 0; i < count; i++) {
    const position = factor * (first + i + 0.5) + start;
    if (!isClamped && position >= 0 && position < side) {
      begin = Math.min(begin, i);
      end = i + 1;
    }
    const at = Math.min(Math.max(position - 0.5, 0), side - 1);
    const low = Math.floor(at);
    near[i] = low * step;
    far[i] = Math.min(low + 1, side - 1) * step;
    weight[i] = Math.round((at - low) * ONE);
  }
  return { near, far, weight, begin, end };
}

function warpStraight(out: Uint8Array, { shape, source, area, border }: Warp, back: Affine): void {
  const { height, width, channels } = shape;
  const isClamped = border === "edge";
  const across = { first: area.left, last: area.right, factor: back.xx, start: back.x0, side: width, step: channels };
  const x = looksAlong({ ...across, isClamped });
  const down = { first: area.top, last: area.bottom, factor: back.yy, start: back.y0, side: height };
  const y = looksAlong({ ...down, step: width * channels, isClamped });
  for (let j = y.begin; j < y.end; j++) {
    const upper = y.near[j];
    const lower = y.far[j];
    const low = y.weight[j];
    let o = ((area.top + j) * width + area.left + x.begin) * channels;
    for (let i = x.begin; i < x.end; i++, o += channels) {
      const near = x.near[i];
      const far = x.far[i];
      const right = x.weight[i];
      const a = upper + near;
      const b = upper + far;
      const c = lower + near;
      const d = lower + far;
      // Four weights that sum to 65536.
      const wd = right * low;
      const wb = (right << 8) - wd;
      const wc = (low << 8) - wd;
      const wa = 65536 - wb - wc - wd;
      out[o] = (source[a] * wa + source[b] * wb + source[c] * wc + source[d] * wd + HALF) >> 16;
      if (channels === 3) {
        out[o + 1] = (source[a + 1] * wa + source[b + 1] * wb + source[c + 1] * wc + source[d + 1] * wd + HALF) >> 16;
        out[o + 2] = (source[a + 2] * wa + source[b + 2] * wb + source[c + 2] * wc + source[d + 2] * wd + HALF) >> 16;
      }
    }
  }
}

/** Half of what a byte is multiplied by on its way: it rounds. */
const HALF = ONE * ONE / 2;

function warpTurned(out: Uint8Array, { shape, source, area, border }: Warp, back: Affine): void {
  const { height, width, channels } = shape;
  const isClamped = border === "edge";
  const wide = width * channels;
  for (let j = area.top; j < area.bottom; j++) {
    let o = (j * width + area.left) * channels;
    let x = back.xx * (area.left + 0.5) + back.xy * (j + 0.5) + back.x0;
    let y = back.yx * (area.left + 0.5) + back.yy * (j + 0.5) + back.y0;
    for (let i = area.left; i < area.right; i++, o += channels, x += back.xx, y += back.yx) {
      if (!isClamped && !(x >= 0 && x < width && y >= 0 && y < height)) continue;
      const atX = Math.min(Math.max(x - 0.5, 0), width - 1);
      const atY = Math.min(Math.max(y - 0.5, 0), height - 1);
      const lowX = atX | 0;
      const lowY = atY | 0;
      const right = ((atX - lowX) * ONE + 0.5) | 0;
      const low = ((atY - lowY) * ONE + 0.5) | 0;
      const upper = lowY * wide + lowX * channels;
      const far = lowX + 1 < width ? channels : 0;
      const lower = lowY + 1 < height ? upper + wide : upper;
      for (let ch = 0; ch < channels; ch++) {
        const top = source[upper + ch] * (ONE - right) + source[upper + far + ch] * right;
        const bottom = source[lower + ch] * (ONE - right) + source[lower + far + ch] * right;
        out[o + ch] = (top * (ONE - low) + bottom * low + HALF) >> 16;
      }
    }
  }
}

/** Where a mask is written, and from what. */
export interface MaskWarp {
  readonly height: number;
  readonly width: number;
  /** Classes of a mask of these sides, 255 for what counts for nothing. */
  readonly source: Uint8Array;
  /** Where pixels of the source go. */
  readonly map: Affine;
  /** First element to write. */
  readonly to: number;
}

/** Moves a mask: the nearest pixel's class, -1 for what counts for nothing and for what is uncovered. */
export function warpMask(out: Int32Array, { height, width, source, map, to }: MaskWarp): void {
  const back = inverse(map);
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      const x = Math.floor(back.xx * (i + 0.5) + back.xy * (j + 0.5) + back.x0);
      const y = Math.floor(back.yx * (i + 0.5) + back.yy * (j + 0.5) + back.y0);
      const isIn = x >= 0 && x < width && y >= 0 && y < height;
      const value = isIn ? source[y * width + x] : NO_CLASS;
      out[to + j * width + i] = value === NO_CLASS ? -1 : value;
    }
  }
}
