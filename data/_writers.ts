/** Inputs and targets on their way into a batch: each is begun for a batch, and written sample by sample. */
import { writeColours, writePlain } from "./geometry/colour.ts";
import { writeImage } from "./geometry/copy.ts";
import { inTurn, moveBy } from "./geometry/affine.ts";
import { type Change, mapOf, rescale } from "./geometry/change.ts";
import { moveBoxes, movePoints, NO_BOX } from "./geometry/targets.ts";
import type { Tile } from "./geometry/tiles.ts";
import { warp, warpMask } from "./geometry/warp.ts";
import type { Lease } from "./cache/stored_pixels.ts";
import { imageBytes } from "./dataset.ts";
import { type Normalize, normalizeTable } from "./normalize.ts";
import {
  BOX_NUMBERS,
  inputShape,
  type Masks,
  middleOf,
  NO_CLASS,
  type Pictures,
  storedShape,
  targetWidth,
} from "./samples.ts";
import type { SampleInput, SampleTarget } from "./samples.ts";

/** A sample on its way. */
export interface Sample {
  /** What it shows: one sample of the set, or parts of several. */
  readonly tiles: readonly Tile[];
  /** Its index in the batch. */
  readonly to: number;
  /** Pictures of files that are in memory already, by the input that they are of. */
  readonly ready?: ReadonlyMap<SampleInput, Lease>;
}

/** Begins an input's or a target's part of a batch of some size. */
export type Writer<Values> = (size: number) => {
  /** What it has, once every sample is written. */
  readonly values: Values;
  readonly write: (sample: Sample) => void;
};

/** What pictures are changed to besides. */
export interface PictureOptions {
  readonly normalize: Normalize;
  /** What is uncovered. */
  readonly border: "grey" | "edge";
}

/** Returns the writer of an input. */
export function inputWriter(input: SampleInput, options: PictureOptions): Writer<Float32Array | Int32Array> {
  if (input.kind === "pictures") return pictureWriter(input, options);
  const width = inputShape(input).reduce((product, dim) => product * dim, 1);
  return (size) => {
    const values = input.kind === "tokens" ? new Int32Array(size * width) : new Float32Array(size * width);
    return { values, write: rowWriter(input.values, { values, width }) };
  };
}

/** Returns the writer of a target. */
export function targetWriter(target: SampleTarget): Writer<Float32Array | Int32Array> {
  const width = targetWidth(target);
  return (size) => {
    const length = size * width;
    switch (target.kind) {
      case "classes": {
        const values = new Int32Array(length);
        return { values, write: rowWriter(target.labels, { values, width }) };
      }
      case "masks": {
        const values = new Int32Array(length);
        return { values, write: ({ tiles: [tile], to }) => writeMask(target, { tile, values, to: to * width }) };
      }
      case "boxes": {
        const values = new Float32Array(length);
        const write = ({ tiles, to }: Sample) => {
          const [tile] = tiles;
          const rows = isStill(tile)
            ? target.values.subarray(tile.from * width, (tile.from + 1) * width)
            : moveBoxes(target, tiles);
          values.set(rows, to * width);
          for (let at = rows.length; at < width; at += BOX_NUMBERS) values.set(NO_BOX, to * width + at);
        };
        return { values, write };
      }
      case "points": {
        const values = new Float32Array(length);
        const copy = rowWriter(target.values, { values, width });
        const write = (sample: Sample) => {
          const [tile] = sample.tiles;
          if (isStill(tile)) copy(sample);
          else values.set(movePoints(target, tile), sample.to * width);
        };
        return { values, write };
      }
      default: {
        const values = new Float32Array(length);
        return { values, write: rowWriter(target.values, { values, width }) };
      }
    }
  };
}

/** Copies the rows of samples as they are. */
function rowWriter<T extends Float32Array | Int32Array>(
  from: T,
  { values, width }: { readonly values: T; readonly width: number },
): (sample: Sample) => void {
  return ({ tiles: [tile], to }) => values.set(from.subarray(tile.from * width, (tile.from + 1) * width), to * width);
}

/** Whether a sample is alone and lies as it lay. */
function isStill({ change: { dx, dy, mirror, pose }, area }: Tile): boolean {
  const isAlone = area.left === 0 && area.top === 0 && area.right === 1 && area.bottom === 1;
  return isAlone && dx === 0 && dy === 0 && !mirror && pose === undefined;
}

function pictureWriter(input: Pictures, { normalize, border }: PictureOptions): Writer<Float32Array> {
  const table = normalizeTable(normalize, input.channels);
  const width = imageBytes(input);
  const stored = imageBytes(storedShape(input));
  const hasSurround = stored > width;
  const warped = new Uint8Array(width);
  const room = new Uint8Array(hasSurround ? stored : 0);
  return (size) => {
    const values = new Float32Array(size * width);
    const write = ({ tiles, to, ready }: Sample) => {
      const [{ from, change }, ...others] = tiles;
      const lease = ready?.get(input);
      const pictureOf = (index: number) =>
        lease?.get(index) ?? input.bytes.subarray(index * stored, (index + 1) * stored);
      const isPlain = change.pose === undefined && change.colours === undefined;
      if (others.length === 0 && isPlain && !hasSurround) {
        writeImage({ shape: input, images: pictureOf(from), from: 0, table, out: values, to: to * width }, change);
        return;
      }
      if (hasSurround) warpSurrounded(warped, { input, source: pictureOf(from), change, room, border });
      else {
        for (const tile of tiles) {
          warpTile(warped, { input, source: pictureOf(tile.from), tile, isAlone: others.length === 0, border });
        }
      }
      const copy = { bytes: warped, table, out: values, to: to * width };
      if (change.colours === undefined) writePlain(copy);
      else writeColours(copy, change.colours);
    };
    return { values, write };
  };
}

/** Writes a picture that is stored with what surrounds it: that is moved as a whole, and the middle of it is taken. */
function warpSurrounded(out: Uint8Array, { input, source, change, room, border }: {
  readonly input: Pictures;
  /** The sample's own picture, as it is stored. */
  readonly source: Uint8Array;
  readonly change: Change;
  /** Bytes as many as the source. */
  readonly room: Uint8Array;
  readonly border: "grey" | "edge";
}): void {
  const { height, width, surround = 0 } = input;
  const map = inTurn(
    moveBy({ x: -surround, y: -surround }),
    mapOf(change, input),
    moveBy({ x: surround, y: surround }),
  );
  const area = { left: surround, top: surround, right: surround + width, bottom: surround + height };
  warp(room, { shape: storedShape(input), source, map, area, border });
  middleOf(room, input, out);
}

/** Writes the part of a picture that shows one sample. */
function warpTile(out: Uint8Array, { input, source, tile, isAlone, border }: {
  readonly input: Pictures;
  /** The sample's own picture. */
  readonly source: Uint8Array;
  readonly tile: Tile;
  readonly isAlone: boolean;
  readonly border: "grey" | "edge";
}): void {
  const { height, width } = input;
  const { left, top, right, bottom } = tile.area;
  warp(out, {
    shape: input,
    source,
    // Pictures of several sides move by as many pixels each.
    map: isAlone ? mapOf(tile.change, input) : rescale(tile.map, { from: { height: 1, width: 1 }, to: input }),
    area: {
      left: Math.round(left * width),
      top: Math.round(top * height),
      right: Math.round(right * width),
      bottom: Math.round(bottom * height),
    },
    border,
  });
}

function writeMask({ height, width, values: source }: Masks, { tile, values, to }: {
  readonly tile: Tile;
  readonly values: Int32Array;
  readonly to: number;
}): void {
  const own = source.subarray(tile.from * height * width, (tile.from + 1) * height * width);
  if (!isStill(tile)) {
    const map = rescale(tile.map, { from: { height: 1, width: 1 }, to: { height, width } });
    return warpMask(values, { height, width, source: own, map, to });
  }
  own.forEach((value, i) => values[to + i] = value === NO_CLASS ? -1 : value);
}
