/**
 * Normalization: which real numbers a model's input expects for the bytes 0 to 255 of an image.
 *
 * All forms are one affine map on the pixel p = byte / 255: x = (p - mean) / std. A range `a..b` is that map with
 * std = 1 / (b - a) and mean = -a / (b - a), so 0 goes to a and 255 to b.
 */
import { parseDecimal } from "../src/text/decimal.ts";
import { lookUp, nearestName } from "../src/text/nearest.ts";

/** An affine map from pixels to a model's input, for all channels or for each. */
export interface Normalize {
  /** What the user wrote, for reports. */
  readonly text: string;
  /** One mean for all channels or one for each, in units of p = byte / 255. */
  readonly mean: readonly number[];
  /** One deviation for all channels or one for each, in units of p, greater than 0. */
  readonly std: readonly number[];
}

/** Says what is done to images: `as imagenet: (p - 0.485, 0.456, 0.406) / 0.229, 0.224, 0.225 of pixels p from 0 to 1`. */
export function describeNormalize({ text, mean, std }: Normalize): string {
  // The map of a range has divisions in it, which no reader wants to see all digits of.
  const list = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(6))).join(", ");
  return `as ${text}: (p - ${list(mean)}) / ${list(std)} of pixels p from 0 to 1`;
}

/** The forms that `parseNormalize` takes, for messages and help texts. */
export const NORMALIZE_FORMS: string = `"0..1", "-1..1", "0..255", "imagenet" or "mean:std" as in ".1307:.3081" or ` +
  `"0.49,0.48,0.45:0.25,0.24,0.26"`;

/** Normalizations with a name; Source: torchvision's ImageNet weights, transforms of every classification model. */
const NAMED: Readonly<Record<string, string>> = { imagenet: "0.485,0.456,0.406:0.229,0.224,0.225" };

function refuse(text: string, because: string): RangeError {
  const meant = nearestName(text, Object.keys(NAMED));
  return new RangeError(
    `Cannot read the normalization "${text}": ${because}, needed is ${NORMALIZE_FORMS}` +
      (meant === undefined ? "" : ` (did you mean "${meant}"?)`),
  );
}

/** Checks that black and white are two numbers that float32 has. */
function checkEnds(normalize: Normalize): Normalize {
  const { text, mean, std } = normalize;
  for (let i = 0; i < Math.max(mean.length, std.length); i++) {
    const [m, s] = [mean[mean.length === 1 ? 0 : i], std[std.length === 1 ? 0 : i]];
    const [black, white] = [Math.fround((0 - m) / s), Math.fround((1 - m) / s)];
    if (!(Number.isFinite(black) && Number.isFinite(white) && black < white)) {
      throw refuse(text, `it makes black ${black} and white ${white} in float32`);
    }
  }
  return normalize;
}

/** Reads `a..b`: the bytes 0 and 255 become a and b. */
function parseRange(text: string, [low, high]: readonly number[]): Normalize {
  if (!(Number.isFinite(low) && Number.isFinite(high))) throw refuse(text, "an end is no number");
  if (low >= high) throw refuse(text, `${low} is not below ${high}`);
  return checkEnds({ text, mean: [-low / (high - low) + 0], std: [1 / (high - low)] });
}

/** Reads `mean:std`, each one number or one a channel. */
function parseMeanStd(text: string, spec: string): Normalize {
  const sides = spec.split(":").map((side) => side.split(",").map(parseDecimal));
  if (sides.length !== 2) throw refuse(text, "it is no known form");
  const [mean, std] = sides;
  if (![...mean, ...std].every(Number.isFinite)) throw refuse(text, "a part is no number");
  if (mean.length > 1 && std.length > 1 && mean.length !== std.length) {
    throw refuse(text, `it has ${mean.length} means and ${std.length} deviations`);
  }
  const scale = "in units of pixels from 0 to 1 (divide by 255)";
  if (mean.some((m) => m < 0 || m > 1)) throw refuse(text, `a mean is outside 0 to 1; means are ${scale}`);
  if (std.some((s) => s <= 0)) throw refuse(text, "a deviation is not greater than 0");
  return checkEnds({ text, mean, std });
}

/**
 * Reads what a model's input expects: `0..1`, `-1..1`, `0..255` (any `low..high`), `imagenet`, or `mean:std` with one
 * number for all channels or a comma-separated list with one for each.
 *
 * Units: means and deviations are of pixels from 0 to 1.
 *
 * @throws {RangeError} If `text` is none of these.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeTable, parseNormalize } from "./normalize.ts";
 *
 * const table = normalizeTable(parseNormalize("-1..1"), 1);
 * assert.deepEqual([table[0], table[255]], [-1, 1]);
 * ```
 */
export function parseNormalize(text: string): Normalize {
  const range = text.split("..");
  if (range.length === 2) return parseRange(text, range.map(parseDecimal));
  return parseMeanStd(text, lookUp(NAMED, text) ?? text);
}

/**
 * Tabulates `normalize`: the entry 256 * channel + byte is that byte's value in the model's input.
 *
 * Rounding: each entry is computed in float64 and rounded once to float32.
 *
 * @param channels Channels of the images, 1 or 3.
 * @throws {RangeError} If `normalize` has a list of another length than `channels`.
 */
export function normalizeTable(normalize: Normalize, channels: number): Float32Array {
  const { mean, std, text } = normalize;
  const given = Math.max(mean.length, std.length);
  if (given !== 1 && given !== channels) {
    throw new RangeError(
      `Cannot normalize with "${text}": it is for ${given} channels, the images have ${channels}; ` +
        `needed is one number for all channels or one for each`,
    );
  }
  const table = new Float32Array(256 * channels);
  for (let ch = 0; ch < channels; ch++) {
    const m = mean[mean.length === 1 ? 0 : ch];
    const s = std[std.length === 1 ? 0 : ch];
    for (let byte = 0; byte < 256; byte++) table[256 * ch + byte] = (byte / 255 - m) / s;
  }
  return table;
}
