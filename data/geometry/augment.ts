/** How samples are changed at random while a model learns from them: declared as data, drawn from a seeded stream. */
import type { SampleTarget } from "../samples.ts";

/** Random changes of pictures, and of what is known to lie in them. */
export interface Augment {
  /** Mirror left to right, half of the time. */
  readonly flip: boolean;
  /** Pad by so many black pixels on each side, then crop at random to the old size; 0 for none. */
  readonly pad: number;
  /** Make smaller or larger around the middle, from the first factor to the second; both directions are as likely. */
  readonly scale?: readonly [least: number, most: number];
  /** Move by up to this share of each side, either way. */
  readonly shift?: number;
  /** Turn around the middle by up to so many degrees, either way. */
  readonly rotate?: number;
  /** What is uncovered where a picture is scaled, moved or turned: grey (default), or its outermost pixels. */
  readonly border?: "grey" | "edge";
  readonly colour?: Colour;
  /** How often a picture is put together of parts of four, 0 to 1. Of boxes only. */
  readonly mosaic?: number;
}

/** Random changes of colours. */
export interface Colour {
  /** Multiply all channels by a factor within this of 1. */
  readonly brightness?: number;
  /** Multiply what differs from the middle by a factor within this of 1. */
  readonly contrast?: number;
  /** Multiply what differs from grey by a factor within this of 1; of colour pictures. */
  readonly saturation?: number;
  /** Turn colours by up to so many degrees; of colour pictures. */
  readonly hue?: number;
}

/** Things are of any size and in any place, and a few more of them do no harm. */
const BOXES: Augment = {
  flip: true,
  pad: 0,
  scale: [0.7, 1.4],
  shift: 0.1,
  border: "grey",
  colour: { brightness: 0.3, contrast: 0.1, saturation: 0.5, hue: 5 },
  mosaic: 0.5,
};

/** Points are found in crops around them, which are nearly in place. */
const POINTS: Augment = {
  flip: true,
  pad: 0,
  scale: [0.9, 1.1],
  shift: 0.05,
  rotate: 20,
  border: "edge",
  colour: { brightness: 0.3, contrast: 0.2, saturation: 0.3 },
};

/** Pixels that are uncovered belong to no class. */
const MASKS: Augment = { flip: true, pad: 0, scale: [0.8, 1.25], shift: 0.1, border: "grey" };

/** Returns the changes that suit targets that lie in the picture; undefined where none do. */
export function augmentFor(targets: Readonly<Record<string, SampleTarget>>): Augment | undefined {
  for (const target of Object.values(targets)) {
    switch (target.kind) {
      case "boxes":
        return BOXES;
      case "points":
        return { ...POINTS, flip: target.mirror !== undefined };
      case "masks":
        return MASKS;
    }
  }
  return undefined;
}

/** A number of an `Augment`, and what it must be. */
interface Rule {
  readonly what: string;
  readonly value: number | undefined;
  readonly most: number;
}

/**
 * Checks that changes can be drawn.
 *
 * @param cannot How the error begins: `Cannot make batches of "x"`.
 * @throws {RangeError} If a number is out of range, or targets cannot be changed so.
 */
export function checkAugment(
  augment: Augment,
  { targets, cannot }: { readonly targets: Readonly<Record<string, SampleTarget>>; readonly cannot: string },
): void {
  const { flip, pad, scale, shift, rotate, colour = {}, mosaic } = augment;
  if (!(Number.isInteger(pad) && pad >= 0)) {
    throw new RangeError(`${cannot}: the padding is ${pad} pixels, needed is an integer from 0`);
  }
  if (scale !== undefined && !(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= MOST_SCALE)) {
    throw new RangeError(`${cannot}: the scale is ${scale.join(" to ")}, needed are two factors up to ${MOST_SCALE}`);
  }
  const rules: readonly Rule[] = [
    { what: "shift", value: shift, most: 1 },
    { what: "rotation", value: rotate, most: 180 },
    { what: "brightness", value: colour.brightness, most: 1 },
    { what: "contrast", value: colour.contrast, most: 1 },
    { what: "saturation", value: colour.saturation, most: 1 },
    { what: "hue", value: colour.hue, most: 180 },
    { what: "chance of a mosaic", value: mosaic, most: 1 },
  ];
  for (const { what, value, most } of rules) {
    if (value === undefined || (value >= 0 && value <= most)) continue;
    throw new RangeError(`${cannot}: the ${what} is ${value}, needed is 0 to ${most}`);
  }
  for (const [name, target] of Object.entries(targets)) {
    if (flip && target.kind === "points" && target.mirror === undefined) {
      throw new RangeError(`${cannot}: its "${name}" are points of which nobody says what they become when mirrored`);
    }
    if (mosaic !== undefined && mosaic > 0 && target.kind !== "boxes") {
      throw new RangeError(`${cannot}: its "${name}" are ${target.kind}, a mosaic is for boxes`);
    }
  }
}

/** Larger factors show nothing but a few pixels. */
const MOST_SCALE = 10;
