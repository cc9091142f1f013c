/**
 * Faces with points in them, drawn from a seed, never downloaded: heads of several people, each in several frames.
 *
 * A person has a shape of the head, a place of eyes and mouth and colours; a frame a turn, a size, a light and an open or
 * closed mouth. Each person and each frame has a random stream of its own: the first ones are the same however many are
 * asked for.
 *
 * A face's own coordinates have their origin at the middle of the head, u to the right and v down; the head's half height is 1.
 */
import { Random } from "../../src/numbers/random.ts";
import { checkShape, imageBytes, type ImageShape } from "../dataset.ts";
import { convertChannels } from "../fit_to.ts";
import type { Points, SampleSet, SampleSplit } from "../samples.ts";
import { blend, type Canvas, type Colour, coverage, drawShade, fillShaded, writeBytes } from "./_paint.ts";

/** How many faces are made, and how large. */
export interface FacesOptions {
  /** Training samples; default 800. */
  readonly train?: number;
  /** Test samples; default 200. */
  readonly test?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default: 64×64 pixels in colour. */
  readonly shape?: ImageShape;
}

/** Frames of one person. */
const FRAMES = 4;

/** Random streams: of halves, and within them of people and frames. */
const HALVES = { train: 0, test: 1 };
const PEOPLE = 0;
const FRAME = 1;

/** The points in their order: the outline from the left over the chin, eyes, tip of the nose, mouth. */
const NAMES: readonly string[] = [
  ...Array.from({ length: 9 }, (_, i) => `outline ${i}`),
  ...["outer corner", "top", "inner corner", "bottom"].map((name) => `left eye's ${name}`),
  ...["inner corner", "top", "outer corner", "bottom"].map((name) => `right eye's ${name}`),
  "nose",
  ...["left corner", "top", "right corner", "bottom"].map((name) => `mouth's ${name}`),
];

/** What is known of the points. */
const LAYOUT: Omit<Points, "kind" | "values" | "size"> = {
  names: NAMES,
  mirror: [8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 16, 11, 10, 9, 12, 17, 20, 19, 18, 21],
  scales: { "inter-ocular": [[9], [15]], "inter-pupil": [[9, 10, 11, 12], [13, 14, 15, 16]] },
};

/**
 * Generates faces: pictures [count, height, width, channels] and 22 points each.
 *
 * @throws {RangeError} If a count is not positive, the shape is none or the seed is no integer from 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateFaces } from "./generated_faces.ts";
 *
 * const { train: { targets: { points } } } = generateFaces({ train: 8, test: 4 });
 * assert.ok(points.kind === "points" && points.values.length === 8 * 22 * 2);
 * ```
 */
export function generateFaces(options: FacesOptions = {}): SampleSplit {
  const { train = 800, test = 200, seed = 0, shape = { height: 64, width: 64, channels: 3 } } = options;
  checkShape(shape, "generate faces");
  for (const count of [train, test]) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new RangeError(`Cannot generate faces: the count is ${count}, needed is a positive integer`);
  }
  return {
    name: "faces",
    train: generateHalf("train", { count: train, seed, shape }),
    test: generateHalf("test", { count: test, seed, shape }),
  };
}

interface HalfOptions {
  readonly count: number;
  readonly seed: number;
  readonly shape: ImageShape;
}

function generateHalf(half: keyof typeof HALVES, { count, seed, shape }: HalfOptions): SampleSet {
  const { height, width } = shape;
  // Drawn as a square, of which what is asked for is the middle.
  const side = Math.max(height, width);
  const canvas: Canvas = { side, pixels: new Float32Array(side * side * 3) };
  const square = new Uint8Array(canvas.pixels.length);
  const corner = { left: Math.floor((side - width) / 2), top: Math.floor((side - height) / 2) };
  const bytes = new Uint8Array(count * imageBytes(shape));
  const values = new Float32Array(count * 2 * NAMES.length);
  const people = Array.from({ length: count }, (_, i) => Math.floor(i / FRAMES));
  for (const [i, number] of people.entries()) {
    const person = drawPerson(new Random(seed, [HALVES[half], PEOPLE, number]));
    const random = new Random(seed, [HALVES[half], FRAME, i]);
    const frame = drawFrame(random, person);
    paint(canvas, { person, frame, random });
    writeBytes(canvas, { out: square, random, noise: 5 });
    bytes.set(cropped(square, { side, corner, shape }), i * imageBytes(shape));
    values.set(
      pointsOf(person, frame).flatMap((point) => {
        const { x, y } = placeOf(point, frame);
        return [(x * side - corner.left) / width, (y * side - corner.top) / height];
      }),
      i * 2 * NAMES.length,
    );
  }
  return {
    name: `faces ${half}`,
    count,
    inputs: { image: { kind: "pictures", ...shape, bytes } },
    targets: { points: { kind: "points", values, ...LAYOUT, size: [height, width] } },
    groups: people.map((person) => `person ${person}`),
  };
}

function cropped(
  square: Uint8Array,
  { side, corner: { left, top }, shape: { height, width, channels } }: {
    readonly side: number;
    readonly corner: { readonly left: number; readonly top: number };
    readonly shape: ImageShape;
  },
): Uint8Array {
  const out = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * side + left) * 3;
    out.set(square.subarray(from, from + width * 3), y * width * 3);
  }
  return convertChannels(out, { from: 3, to: channels });
}

/** What stays the same in all frames of a person. */
interface Person {
  /** Half the width of the head. */
  readonly wide: number;
  /** Where the eyes are, from the middle, and half their size. */
  readonly eyes: { readonly u: number; readonly v: number; readonly wide: number; readonly high: number };
  readonly nose: number;
  readonly mouth: { readonly v: number; readonly wide: number };
  readonly skin: Colour;
  readonly hair: Colour;
  readonly iris: Colour;
}

function drawPerson(random: Random): Person {
  const light = random.between(90, 240);
  const dark = random.between(20, 80);
  return {
    wide: random.between(0.68, 0.85),
    eyes: {
      u: random.between(0.28, 0.36),
      v: random.between(-0.22, -0.05),
      wide: random.between(0.12, 0.17),
      high: random.between(0.06, 0.09),
    },
    nose: random.between(0.14, 0.24),
    mouth: { v: random.between(0.45, 0.58), wide: random.between(0.2, 0.34) },
    skin: [light, light * random.between(0.7, 0.85), light * random.between(0.5, 0.7)],
    hair: [dark * 1.4, dark, dark * random.between(0.3, 0.9)],
    iris: [random.between(20, 90), random.between(40, 130), random.between(30, 150)],
  };
}

/** How one picture shows a person. */
interface Frame {
  /** Middle of the head and its half height, as shares of the picture's side. */
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Radians. */
  readonly tilt: number;
  /** How far eyes, nose and mouth are moved to a side, as of a head that is turned. */
  readonly turn: number;
  /** Half the height of the mouth. */
  readonly open: number;
}

function drawFrame(random: Random, { mouth }: Person): Frame {
  return {
    x: random.between(0.46, 0.54),
    y: random.between(0.46, 0.54),
    size: random.between(0.34, 0.42),
    tilt: random.between(-0.25, 0.25),
    turn: random.between(-0.12, 0.12),
    open: mouth.wide * random.between(0.2, 0.6),
  };
}

/** A place in a face's own coordinates. */
interface FacePoint {
  readonly u: number;
  readonly v: number;
}

/** The points of a face, in the order of their names. */
function pointsOf({ wide, eyes, nose, mouth }: Person, { turn, open }: Frame): readonly FacePoint[] {
  const outline = Array.from({ length: 9 }, (_, i) => {
    const angle = Math.PI * (1 - i / 8);
    return { u: wide * Math.cos(angle), v: Math.sin(angle) };
  });
  const around = (u: number, v: number, wide: number, high: number): readonly FacePoint[] => [
    { u: u - wide, v },
    { u, v: v - high },
    { u: u + wide, v },
    { u, v: v + high },
  ];
  return [
    ...outline,
    ...around(turn - eyes.u, eyes.v, eyes.wide, eyes.high),
    ...around(turn + eyes.u, eyes.v, eyes.wide, eyes.high),
    { u: 1.4 * turn, v: nose },
    ...around(turn, mouth.v, mouth.wide, open),
  ];
}

/** Where a place of the face is in the picture, as shares of its side. */
function placeOf({ u, v }: FacePoint, { x, y, size, tilt }: Frame): { readonly x: number; readonly y: number } {
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  return { x: x + size * (cos * u - sin * v), y: y + size * (sin * u + cos * v) };
}

/** An ellipse of one colour. */
interface Ellipse extends FacePoint {
  readonly wide: number;
  readonly high: number;
  readonly colour: Colour;
}

const WHITE: Colour = [235, 235, 235];
const LIPS: Colour = [170, 50, 60];
const THROAT: Colour = [60, 15, 20];

function paint(canvas: Canvas, { person, frame, random }: {
  readonly person: Person;
  readonly frame: Frame;
  readonly random: Random;
}): void {
  const ground: Colour = [random.between(0, 255), random.between(0, 255), random.between(0, 255)];
  fillShaded(canvas, { colour: ground, random, depth: 30 });
  const shade = drawShade(random, canvas.side);
  const light = random.between(0.75, 1.05);
  const { wide, eyes, nose, mouth, skin, hair, iris } = person;
  const { turn, open } = frame;
  const eye = (u: number): readonly Ellipse[] => [
    { u, v: eyes.v, wide: eyes.wide, high: eyes.high, colour: WHITE },
    { u, v: eyes.v, wide: eyes.high, high: eyes.high, colour: iris },
    { u, v: eyes.v, wide: 0.4 * eyes.high, high: 0.4 * eyes.high, colour: [10, 10, 10] },
  ];
  const ellipses: readonly Ellipse[] = [
    { u: 0, v: -0.18, wide: 1.15 * wide, high: 1, colour: hair },
    { u: 0, v: 0, wide, high: 1, colour: skin },
    { u: 0, v: -0.85, wide: 0.8 * wide, high: 0.3, colour: hair },
    ...eye(turn - eyes.u),
    ...eye(turn + eyes.u),
    { u: 1.2 * turn, v: nose - 0.12, wide: 0.05, high: 0.12, colour: scaled(skin, 0.8) },
    { u: turn, v: mouth.v, wide: mouth.wide, high: open, colour: LIPS },
    { u: turn, v: mouth.v, wide: 0.7 * mouth.wide, high: 0.45 * open, colour: THROAT },
  ];
  for (const ellipse of ellipses) {
    drawEllipse(canvas, { ellipse: { ...ellipse, colour: scaled(ellipse.colour, light) }, frame, shade });
  }
}

function scaled([r, g, b]: Colour, factor: number): Colour {
  return [r * factor, g * factor, b * factor];
}

function drawEllipse(canvas: Canvas, { ellipse, frame, shade }: {
  readonly ellipse: Ellipse;
  readonly frame: Frame;
  readonly shade: (x: number, y: number) => number;
}): void {
  const { side } = canvas;
  const { u, v, wide, high, colour } = ellipse;
  const { size, tilt } = frame;
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const middle = placeOf({ u, v }, frame);
  // No pixel that is farther away can be covered.
  const reach = size * Math.max(wide, high) * side + 1;
  const from = (at: number) => Math.max(0, Math.floor(at * side - reach));
  const to = (at: number) => Math.min(side, Math.ceil(at * side + reach));
  for (let py = from(middle.y); py < to(middle.y); py++) {
    for (let px = from(middle.x); px < to(middle.x); px++) {
      const [dx, dy] = [(px + 0.5) / side - middle.x, (py + 0.5) / side - middle.y];
      const [along, across] = [(cos * dx + sin * dy) / size, (cos * dy - sin * dx) / size];
      const distance = (Math.hypot(along / wide, across / high) - 1) * Math.min(wide, high) * size * side;
      const cover = coverage(distance);
      if (cover > 0) blend(canvas, { x: px, y: py, cover, colour, lift: 12 * shade(px, py) });
    }
  }
}
