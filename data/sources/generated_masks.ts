/**
 * Pictures of several shapes with the class of each of their pixels, made from a seed, never downloaded.
 *
 * The recipe for one picture of 48x48x3, all choices random: a ground of any darker colour, shaded by waves; one or two
 * shapes (disc, triangle, cross) of any brighter colour, place, size and tilt, later ones before earlier ones; noise on
 * every channel of every pixel. A pixel is of the shape that covers half of it or more; what is left is ground. Colours
 * and brightness do not tell shapes apart, outlines do.
 *
 * Each picture has a random stream of its own: the first ones are the same however many are asked for.
 */
import {
  blend,
  type Canvas,
  coverage,
  drawBright,
  drawColour,
  drawShade,
  fillShaded,
  luma,
  writeBytes,
} from "./_paint.ts";
import { nearest } from "./_masks.ts";
import { type Shape, SHAPES } from "./_shapes.ts";
import { describeShape, imageSet, type ImageShape } from "../dataset.ts";
import { fitTo } from "../fit_to.ts";
import type { SampleSet, SampleSplit } from "../samples.ts";
import { Random } from "../../src/numbers/random.ts";

/** What `generateMasks` makes. */
export interface GeneratedMasksOptions {
  /** Training pictures; default 400. */
  readonly train?: number;
  /** Test pictures; default 200. */
  readonly test?: number;
  /** Default 0. */
  readonly seed?: number;
  /** What pictures and masks are made to fit; default: as they are painted, 48x48x3. */
  readonly shape?: ImageShape;
}

/** Width and height of a picture. */
const SIDE = 48;
const PAINTED: ImageShape = { height: SIDE, width: SIDE, channels: 3 };

const STREAMS = { train: 0, test: 1 };

/** The classes behind "ground". */
const THINGS: Readonly<Record<string, Shape>> = { disc: SHAPES.disc, triangle: SHAPES.triangle, cross: SHAPES.cross };
const NAMES = ["ground", ...Object.keys(THINGS)];

/** Most shapes of a picture. */
const MOST = 2;
/** Sizes of shapes, in pixels of their unit. */
const SIZES = { least: 0.22 * SIDE, most: 0.34 * SIDE };
/** How much brighter shapes are than the ground, and how far pixels stray. */
const CONTRAST = 70;
const DEPTH = 15;
const NOISE = 6;

/**
 * Generates pictures of shapes and their masks.
 *
 * Shapes: pictures [count, 48, 48, 3], masks [count, 48, 48] of four classes; or the shape that is asked for.
 *
 * @throws {RangeError} If a count is not positive, the seed is no integer from 0, or the shape is none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateMasks } from "./generated_masks.ts";
 *
 * const { image } = generateMasks({ train: 3, test: 1 }).train.inputs;
 * const { mask } = generateMasks({ train: 3, test: 1 }).train.targets;
 * assert.ok(image.kind === "pictures" && mask.kind === "masks");
 * assert.deepEqual([image.bytes.length, mask.values.length, mask.names.length], [3 * 48 * 48 * 3, 3 * 48 * 48, 4]);
 * ```
 */
export function generateMasks(
  { train = 400, test = 200, seed = 0, shape = PAINTED }: GeneratedMasksOptions = {},
): SampleSplit {
  for (const count of [train, test]) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new RangeError(`Cannot generate pictures and masks: the count is ${count}, needed is a positive integer`);
  }
  const part = (name: keyof typeof STREAMS, count: number) => generatePart(name, { count, seed, shape });
  return { name: "masks", train: part("train", train), test: part("test", test) };
}

function generatePart(name: keyof typeof STREAMS, { count, seed, shape }: {
  readonly count: number;
  readonly seed: number;
  readonly shape: ImageShape;
}): SampleSet {
  const canvas = { side: SIDE, pixels: new Float32Array(SIDE * SIDE * 3) };
  const images = new Uint8Array(count * canvas.pixels.length);
  const { height, width } = shape;
  const values = new Uint8Array(count * height * width);
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, [STREAMS[name], i]);
    const map = new Uint8Array(SIDE * SIDE);
    paint(canvas, { map, random });
    const out = images.subarray(i * canvas.pixels.length, (i + 1) * canvas.pixels.length);
    writeBytes(canvas, { out, random, noise: NOISE });
    values.set(nearest({ values: map, height: SIDE, width: SIDE }, shape), i * height * width);
  }
  const painted = imageSet(`masks ${name}`, { ...PAINTED, images, labels: new Int32Array(count), classNames: [""] });
  const fitted = describeShape(shape) === describeShape(PAINTED) ? painted : fitTo(painted, shape);
  return {
    name: painted.name,
    count,
    inputs: { image: { kind: "pictures", ...shape, bytes: fitted.images } },
    targets: { mask: { kind: "masks", height, width, values, names: NAMES } },
  };
}

/** Paints a picture onto the canvas, and its classes into the map. */
function paint(canvas: Canvas, { map, random }: { readonly map: Uint8Array; readonly random: Random }): void {
  const ground = drawColour(random, 140);
  fillShaded(canvas, { colour: ground, random, depth: DEPTH });
  const shapes = Object.values(THINGS);
  for (let left = 1 + random.below(MOST); left > 0; left--) {
    const kind = random.below(shapes.length);
    drawThing(canvas, { map, random, shape: shapes[kind], label: kind + 1, least: luma(ground) + CONTRAST });
  }
}

interface Thing {
  readonly map: Uint8Array;
  readonly random: Random;
  readonly shape: Shape;
  readonly label: number;
  /** Luma of its colour at least. */
  readonly least: number;
}

function drawThing(canvas: Canvas, { map, random, shape, label, least }: Thing): void {
  const colour = drawBright(random, least);
  const size = random.between(SIZES.least, SIZES.most);
  const [x, y] = [random.between(size, SIDE - 1 - size), random.between(size, SIDE - 1 - size)];
  const tilt = random.between(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const shade = drawShade(random, SIDE);
  for (let py = 0; py < SIDE; py++) {
    for (let px = 0; px < SIDE; px++) {
      const u = (cos * (px - x) + sin * (py - y)) / size;
      const v = (sin * (px - x) - cos * (py - y)) / size;
      const cover = coverage(size * shape(u, v));
      if (cover > 0) blend(canvas, { x: px, y: py, cover, colour, lift: DEPTH * shade(px, py) });
      if (cover >= 0.5) map[py * SIDE + px] = label;
    }
  }
}
