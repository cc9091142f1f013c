/**
 * Letterboxing: a picture of any sides in one of given sides, its own kept in proportion and the rest grey.
 *
 * Where it lies is whole pixels, so that what is found in the model's picture can be put back into the original exactly.
 */
import type { ImageShape } from "./dataset.ts";
import { type Pictures, PLACEMENT_NUMBERS } from "./samples.ts";

/** Sides of a picture in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where an original lies within the picture that goes into the model. */
export interface Placement extends Size {
  /** Pixels from the left edge of the model's picture. */
  readonly left: number;
  /** Pixels from its top edge. */
  readonly top: number;
  /** Sides of the original. */
  readonly original: Size;
}

/** What surrounds the original: the grey that detectors are trained with since Ultralytics' YOLOv3. */
export const BORDER = 114;

/**
 * Returns where a picture of some size lies in one of `shape`: as large as it can be, in the middle.
 *
 * Rounding: sides to the nearest pixel, at least one; an odd pixel is left below or at the right.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { placeIn } from "./letterbox.ts";
 *
 * const { left, top, width, height } = placeIn({ width: 416, height: 416 }, { width: 640, height: 480 });
 * assert.deepEqual([left, top, width, height], [0, 52, 416, 312]);
 * ```
 */
export function placeIn({ width, height }: Size, original: Size): Placement {
  const scale = Math.min(width / original.width, height / original.height);
  const side = (own: number, most: number) => Math.min(most, Math.max(1, Math.round(own * scale)));
  const [w, h] = [side(original.width, width), side(original.height, height)];
  return {
    left: Math.floor((width - w) / 2),
    top: Math.floor((height - h) / 2),
    width: w,
    height: h,
    original: { width: original.width, height: original.height },
  };
}

/** Returns where the original of a picture of a set lies; where the set does not say, it fills the picture. */
export function placementOf(pictures: Pictures, index: number): Placement {
  const { placements, width, height } = pictures;
  if (placements === undefined) return { left: 0, top: 0, width, height, original: { width, height } };
  const [left, top, w, h, originalWidth, originalHeight] = placements.subarray(index * PLACEMENT_NUMBERS);
  return { left, top, width: w, height: h, original: { width: originalWidth, height: originalHeight } };
}

/** Lists placements as `Pictures.placements` has them. */
export function packPlacements(placements: readonly Placement[]): Int32Array {
  return Int32Array.from(
    placements.flatMap(({ left, top, width, height, original }) => [
      left,
      top,
      width,
      height,
      original.width,
      original.height,
    ]),
  );
}

/** A place in a picture. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Puts a place in a model's picture back into the original.
 *
 * Units: shares of the model's picture of `shape` → pixels of the original.
 */
export function toOriginal({ x, y }: Place, { placement, shape }: {
  readonly placement: Placement;
  readonly shape: Size;
}): Place {
  const { left, top, width, height, original } = placement;
  return {
    x: (x * shape.width - left) * original.width / width,
    y: (y * shape.height - top) * original.height / height,
  };
}

/**
 * Finds a place in the original within the model's picture.
 *
 * Units: pixels of the original → shares of the model's picture of `shape`.
 */
export function fromOriginal({ x, y }: Place, { placement, shape }: {
  readonly placement: Placement;
  readonly shape: Size;
}): Place {
  const { left, top, width, height, original } = placement;
  return {
    x: (left + x * width / original.width) / shape.width,
    y: (top + y * height / original.height) / shape.height,
  };
}

/** Pastes pixels into a grey picture: bytes of the placement's sides, of as many channels as `shape`. */
export function pasteInto(shape: ImageShape, { pixels, placement }: {
  readonly pixels: Uint8Array;
  readonly placement: Placement;
}): Uint8Array {
  const { left, top, width, height } = placement;
  const { channels } = shape;
  const out = new Uint8Array(shape.height * shape.width * channels).fill(BORDER);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * channels, (y + 1) * width * channels);
    out.set(row, ((top + y) * shape.width + left) * channels);
  }
  return out;
}
