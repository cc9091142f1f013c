/** Which samples a picture of a batch shows, where in it, and how they are changed: one sample, or parts of four. */
import type { Random } from "../../src/numbers/random.ts";
import type { Size } from "../letterbox.ts";
import { type Affine, IDENTITY, inTurn, moveBy, moveRect, type Rect, WHOLE } from "./affine.ts";
import type { Augment } from "./augment.ts";
import { type Change, drawChange, mapOf, rescale, UNCHANGED } from "./change.ts";

/** A sample within a picture. */
export interface Tile {
  /** Its index in the set. */
  readonly from: number;
  readonly change: Change;
  /** Where places of the sample go, in shares of the picture's sides. */
  readonly map: Affine;
  /** The part of the picture that shows it, in such shares. */
  readonly area: Rect;
}

/** What is drawn for a sample of a batch. */
export interface Drawn {
  /** The sample alone. */
  readonly alone: Tile;
  /** It and parts of three others; absent: none was drawn. */
  readonly mosaic?: readonly Tile[];
}

/** What is drawn from. */
export interface DrawOptions {
  /** Absent: nothing is changed. */
  readonly augment?: Augment;
  /** Whether mosaics may be drawn. */
  readonly mosaic: boolean;
  /** Samples of the set. */
  readonly count: number;
  /** Sides of its pictures. */
  readonly size: Size;
}

/** One whole picture: what shares are of. */
const ONE = { height: 1, width: 1 };

/** Where four parts meet: so far from the edges at least, as a share of the sides. */
const LEAST_PART = 0.3;

/** Draws what becomes of the sample `from`. What is not asked for takes no random numbers. */
export function drawTiles(random: Random, from: number, { augment, mosaic, count, size }: DrawOptions): Drawn {
  const change = augment === undefined ? UNCHANGED : drawChange(random, augment);
  const alone = { from, change, map: sharesOf(change, size), area: WHOLE };
  if (augment === undefined || !mosaic || !random.chance(augment.mosaic ?? 0)) return { alone };
  const [x, y] = [random.between(LEAST_PART, 1 - LEAST_PART), random.between(LEAST_PART, 1 - LEAST_PART)];
  const areas = [[0, 0, x, y], [x, 0, 1, y], [0, y, x, 1], [x, y, 1, 1]];
  // A sample is in any of the corners, not always in the first.
  const own = random.below(areas.length);
  const tiles = areas.map(([left, top, right, bottom], i) => {
    const area = { left, top, right, bottom };
    const shown = i === own ? from : random.below(count);
    return drawTile(random, { from: shown, area, change: i === own ? change : drawChange(random, augment), size });
  });
  return { alone, mosaic: tiles };
}

function sharesOf(change: Change, size: Size): Affine {
  if (change === UNCHANGED) return IDENTITY;
  return rescale(mapOf(change, size), { from: size, to: ONE });
}

/** Draws which part of a changed sample an area shows: as much of it as there is room for. */
function drawTile(random: Random, { from, area, change, size }: {
  readonly from: number;
  readonly area: Rect;
  readonly change: Change;
  readonly size: Size;
}): Tile {
  const map = sharesOf(change, size);
  const moved = moveRect(WHOLE, map);
  const between = (start: number, end: number) => start + (end - start) * random.unit();
  const x = between(area.left - moved.left, area.right - moved.right);
  const y = between(area.top - moved.top, area.bottom - moved.bottom);
  return { from, change, area, map: inTurn(map, moveBy({ x, y })) };
}
