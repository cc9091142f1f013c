/**
 * A built-in set for detection: circles, squares and triangles to find, made from a seed, never downloaded.
 *
 * The recipe for one picture, all choices random: a ground of any darker colour, shaded by waves; one to four shapes of
 * any place, size (a tenth to over half of the picture), tilt and brighter colour, which overlap little; noise on every
 * pixel. Only the outline tells the class. Each picture has a random stream of its own: the first are the same however
 * many are asked for.
 */
import { Random } from "../../src/numbers/random.ts";
import { convertChannels } from "../fit_to.ts";
import { checkMemory, checkShape, imageBytes, type ImageShape } from "../dataset.ts";
import { BOX_NUMBERS, type SampleSet, type SampleSplit } from "../samples.ts";
import { ROOM } from "./_box_set.ts";
import { blend, type Canvas, coverage, drawBright, drawColour, fillShaded, luma, writeBytes } from "./_paint.ts";
import { type Shape, SHAPES } from "./_shapes.ts";

/** What `generateShapes` makes. */
export interface ShapesToFindOptions {
  /** Training pictures; default 300. */
  readonly train?: number;
  /** Test pictures; default 100. */
  readonly test?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Of the pictures; default 96x96x3. */
  readonly shape?: ImageShape;
}

/** Sides of the pictures where nobody asks for others. */
export const SHAPES_TO_FIND: ImageShape = { height: 96, width: 96, channels: 3 };

/** A kind of shape. */
interface Kind {
  /** Its outline within the unit circle, y upwards. */
  readonly outline: Shape;
  /** Returns its half extents and the middle of them, once it is turned by `tilt` radians. */
  readonly extent: (tilt: number) => { readonly x: readonly [number, number]; readonly y: readonly [number, number] };
}

/** Extents of a polygon with corners on the unit circle at these angles from the top, of the given radius. */
function polygonExtent(angles: readonly number[], radius: number): Kind["extent"] {
  return (tilt) => {
    const xs = angles.map((angle) => radius * Math.sin(angle + tilt));
    const ys = angles.map((angle) => -radius * Math.cos(angle + tilt));
    return { x: [Math.min(...xs), Math.max(...xs)], y: [Math.min(...ys), Math.max(...ys)] };
  };
}

const TURN = 2 * Math.PI;

/** Radius of the disc of `SHAPES`, and half a side of its square. */
const DISC = 0.95;
const SQUARE = 0.7;

/** What there is to find. */
const KINDS: Readonly<Record<string, Kind>> = {
  circle: { outline: SHAPES.disc, extent: () => ({ x: [-DISC, DISC], y: [-DISC, DISC] }) },
  square: {
    outline: SHAPES.square,
    extent: polygonExtent([1, 3, 5, 7].map((eighths) => eighths * TURN / 8), SQUARE * Math.SQRT2),
  },
  triangle: { outline: SHAPES.triangle, extent: polygonExtent([0, 1, 2].map((thirds) => thirds * TURN / 3), 1) },
};

const NAMES = Object.keys(KINDS);

/** Most shapes of a picture. */
const MOST = 4;

/** Radii as shares of the picture's smaller side. */
const RADII = { least: 0.08, most: 0.3 };

/** How often a place is drawn for a shape before it is left out. */
const TRIES = 20;

/** Share of the smaller of two boxes that the other may cover. */
const OVERLAP = 0.1;

/** How much brighter shapes are than their ground, and how noisy all is, in steps of 0 to 255. */
const CONTRAST = 60;
const NOISE = 12;

/** Random streams. */
const STREAMS = { train: 0, test: 1 };

/** A shape that has its place; edges in pixels. */
interface Placed {
  readonly label: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly tilt: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Generates the built-in set for detection: the input "image", the target "boxes".
 *
 * The same options give the same bytes.
 *
 * @throws {RangeError} If a count is not positive, the seed is no integer from 0, or the shape is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateShapes } from "./shapes_to_find.ts";
 *
 * const { train, test } = generateShapes({ train: 20, test: 10 });
 * assert.deepEqual([train.count, test.count], [20, 10]);
 * assert.deepEqual(train.targets.boxes.names, ["circle", "square", "triangle"]);
 * ```
 */
export function generateShapes(options: ShapesToFindOptions = {}): SampleSplit {
  const { train = 300, test = 100, seed = 0, shape = SHAPES_TO_FIND } = options;
  const doing = "generate shapes to find";
  checkShape(shape, doing);
  for (const count of [train, test]) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`Cannot ${doing}: the count is ${count}, needed is a positive integer`);
    }
    checkMemory(shape, { count, doing });
  }
  const half = (part: "train" | "test", count: number) => generateHalf({ part, count, seed, shape });
  return { name: "generated:shapes", train: half("train", train), test: half("test", test) };
}

function generateHalf({ part, count, seed, shape }: {
  readonly part: "train" | "test";
  readonly count: number;
  readonly seed: number;
  readonly shape: ImageShape;
}): SampleSet {
  const { height, width } = shape;
  const side = Math.max(height, width);
  const canvas = { side, pixels: new Float32Array(side * side * 3) };
  const most = ROOM * MOST;
  const bytes = new Uint8Array(count * imageBytes(shape));
  const values = new Float32Array(count * most * BOX_NUMBERS);
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, [STREAMS[part], i]);
    const placed = placeShapes(random, shape);
    bytes.set(paint(canvas, { placed, random, shape }), i * imageBytes(shape));
    values.set(rowsOf(placed, { shape, most }), i * most * BOX_NUMBERS);
  }
  return {
    name: `generated:shapes ${part}`,
    count,
    inputs: { image: { kind: "pictures", ...shape, bytes } },
    targets: { boxes: { kind: "boxes", values, most, names: NAMES } },
  };
}

function placeShapes(random: Random, { height, width }: ImageShape): readonly Placed[] {
  const placed: Placed[] = [];
  const smaller = Math.min(height, width);
  for (let left = 1 + random.below(MOST); left > 0; left--) {
    const label = random.below(NAMES.length);
    const tilt = random.between(-0.5, 0.5);
    const radius = smaller * RADII.least * (RADII.most / RADII.least) ** random.unit();
    const extent = KINDS[NAMES[label]].extent(tilt);
    const [x0, x1, y0, y1] = [...extent.x, ...extent.y].map((share) => share * radius);
    for (let tries = 0; tries < TRIES; tries++) {
      const [x, y] = [random.between(-x0, width - x1), random.between(-y0, height - y1)];
      const shape = { label, x, y, radius, tilt, left: x + x0, right: x + x1, top: y + y0, bottom: y + y1 };
      if (placed.some((other) => coveredShare(shape, other) > OVERLAP)) continue;
      placed.push(shape);
      break;
    }
  }
  return placed;
}

/** Returns how much of the smaller of two boxes lies in the other. */
function coveredShare(a: Placed, b: Placed): number {
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const area = ({ left, top, right, bottom }: Placed) => (right - left) * (bottom - top);
  return Math.max(0, wide) * Math.max(0, high) / Math.min(area(a), area(b));
}

/** Paints a picture: the upper left of a square canvas. */
function paint(canvas: Canvas, { placed, random, shape }: {
  readonly placed: readonly Placed[];
  readonly random: Random;
  readonly shape: ImageShape;
}): Uint8Array {
  const { height, width, channels } = shape;
  const ground = drawColour(random, 140);
  fillShaded(canvas, { colour: ground, random, depth: 20 });
  for (const own of placed) {
    const { outline } = KINDS[NAMES[own.label]];
    const colour = drawBright(random, luma(ground) + CONTRAST);
    const [cos, sin] = [Math.cos(own.tilt), Math.sin(own.tilt)];
    for (let y = Math.max(0, Math.floor(own.top) - 1); y <= Math.min(height - 1, own.bottom + 1); y++) {
      for (let x = Math.max(0, Math.floor(own.left) - 1); x <= Math.min(width - 1, own.right + 1); x++) {
        // From the middle of the pixel; the outline has y upwards.
        const [dx, dy] = [(x + 0.5 - own.x) / own.radius, (y + 0.5 - own.y) / own.radius];
        const cover = coverage(own.radius * outline(cos * dx + sin * dy, sin * dx - cos * dy));
        if (cover > 0) blend(canvas, { x, y, cover, colour });
      }
    }
  }
  const whole = new Uint8Array(canvas.pixels.length);
  writeBytes(canvas, { out: whole, random, noise: NOISE });
  const cut = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    cut.set(whole.subarray(y * canvas.side * 3, (y * canvas.side + width) * 3), y * width * 3);
  }
  return convertChannels(cut, { from: 3, to: channels });
}

/** Returns the rows of a sample: see `Boxes`. */
function rowsOf(
  placed: readonly Placed[],
  { shape: { height, width }, most }: { readonly shape: ImageShape; readonly most: number },
): readonly number[] {
  return Array.from({ length: most }, (_, i) => {
    if (i >= placed.length) return [0, 0, 0, 0, -1, 0];
    const { left, top, right, bottom, label } = placed[i];
    const [x, y] = [(left + right) / 2 / width, (top + bottom) / 2 / height];
    return [x, y, (right - left) / width, (bottom - top) / height, label, 0];
  }).flat();
}
