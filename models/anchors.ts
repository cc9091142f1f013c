/**
 * Anchors: the widths and heights that boxes are told apart from.
 *
 * They are found by k-means of the boxes' sizes with the distance 1 − IoU, two sizes laid upon each other: squared
 * differences would care for large boxes alone.
 * Sources: Redmon & Farhadi, "YOLO9000" (2017), section 2; Arthur & Vassilvitskii, "k-means++" (2007).
 */
import { Random } from "../src/numbers/random.ts";

/** A width and a height. */
export type BoxSize = readonly [width: number, height: number];

/** Sizes in pixels of the picture that goes in: a list an output, the coarsest grid first. */
export type Anchors = readonly (readonly BoxSize[])[];

/** The published ones, for pictures of 416×416. */
export const PUBLISHED_ANCHORS = {
  /** yolov3.cfg of darknet, found on COCO. */
  yolov3: [
    [[116, 90], [156, 198], [373, 326]],
    [[30, 61], [62, 45], [59, 119]],
    [[10, 13], [16, 30], [33, 23]],
  ],
  /** yolov3-tiny.cfg of darknet, found on COCO. */
  yolov3_tiny: [[[81, 82], [135, 169], [344, 319]], [[10, 14], [23, 27], [37, 58]]],
  /** yolov2-tiny-voc.cfg of darknet, found on VOC, in pixels in place of cells of 32. */
  tiny_yolov2: [[[34.56, 38.08], [109.44, 141.12], [212.16, 364.16], [301.44, 163.52], [531.84, 336.64]]],
} as const satisfies Readonly<Record<string, Anchors>>;

/** What anchors are looked for. */
export interface AnchorOptions {
  /** Anchors of each output, the coarsest grid first: [3, 3] for yolov3_tiny. */
  readonly counts: readonly number[];
  /** Of where k-means starts. */
  readonly seed: number;
}

/** k-means ends in the next best place to where it starts: the best of several starts is taken. */
const STARTS = 8;

/** More rounds change anchors by fractions of a pixel. */
const MOST_ROUNDS = 100;

/**
 * Finds the anchors that suit `sizes`, and deals them out by area: the largest to the coarsest grid.
 *
 * @param sizes Widths and heights of boxes, in pixels of the picture that goes in.
 * @returns A list an output, each by growing area, as `counts` says.
 * @throws {RangeError} If a size is not positive and finite, or there are fewer different ones than anchors.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { findAnchors } from "./anchors.ts";
 *
 * const sizes = [[10, 10], [12, 10], [100, 50], [100, 54]] as const;
 * assert.deepEqual(findAnchors(sizes, { counts: [1, 1], seed: 0 }), [[[100, 52]], [[11, 10]]]);
 * ```
 */
export function findAnchors(sizes: readonly BoxSize[], { counts, seed }: AnchorOptions): Anchors {
  const count = counts.reduce((sum, n) => sum + n, 0);
  checkSizes(sizes, count);
  let best: Fit | undefined;
  for (let start = 0; start < STARTS; start++) {
    const fit = settle(sizes, drawCentres(sizes, count, new Random(seed, [start])));
    if (best === undefined || fit.overlap > best.overlap) best = fit;
  }
  const sorted = best!.centres.toSorted((a, b) => a[0] * a[1] - b[0] * b[1]);
  return counts.map((n) => sorted.splice(-n, n));
}

/** Returns the mean, over boxes, of the IoU with the anchor that suits each best: how well anchors suit `sizes`. */
export function meanOverlap(sizes: readonly BoxSize[], anchors: Anchors): number {
  const centres = anchors.flat();
  return sizes.reduce((sum, size) => sum + nearest(size, centres).overlap, 0) / sizes.length;
}

/** Centres, and the mean IoU of sizes with the one nearest to each. */
interface Fit {
  readonly centres: readonly BoxSize[];
  readonly overlap: number;
}

function checkSizes(sizes: readonly BoxSize[], count: number): void {
  const cannot = `Cannot find ${count} anchors`;
  const bad = sizes.find((size) => !size.every((side) => Number.isFinite(side) && side > 0));
  if (bad !== undefined) throw new RangeError(`${cannot}: a box is ${bad.join("x")}, positive sides are needed`);
  const different = new Set(sizes.map(String)).size;
  if (different >= count) return;
  throw new RangeError(`${cannot}: boxes have ${different} different sizes, at least ${count} are needed`);
}

/** Draws centres among `sizes`, each with a chance by its squared distance from those drawn before. */
function drawCentres(sizes: readonly BoxSize[], count: number, random: Random): readonly BoxSize[] {
  const centres = [random.pick(sizes)];
  const distances = sizes.map(() => Infinity);
  while (centres.length < count) {
    const last = centres[centres.length - 1];
    sizes.forEach((size, i) => distances[i] = Math.min(distances[i], 1 - overlapOf(size, last)));
    const weights = distances.map((distance) => distance ** 2);
    centres.push(sizes[drawIndex(weights, random)]);
  }
  return centres;
}

/** Draws an index with a chance by its weight; one of weight 0 is never drawn. */
function drawIndex(weights: readonly number[], random: Random): number {
  let left = random.unit() * weights.reduce((sum, weight) => sum + weight, 0);
  let last = 0;
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

/** Moves centres to the means of the sizes that are nearest to them, until none changes its centre. */
function settle(sizes: readonly BoxSize[], start: readonly BoxSize[]): Fit {
  let centres = start;
  let before: readonly number[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = sizes.map((size) => nearest(size, centres).index);
    if (found.every((index, i) => index === before[i])) break;
    centres = centres.map((centre, k) => meanOf(sizes.filter((_, i) => found[i] === k)) ?? centre);
    before = found;
  }
  return { centres, overlap: meanOverlap(sizes, [centres]) };
}

function meanOf(sizes: readonly BoxSize[]): BoxSize | undefined {
  if (sizes.length === 0) return undefined;
  const [width, height] = [0, 1].map((side) => sizes.reduce((sum, size) => sum + size[side], 0) / sizes.length);
  return [width, height];
}

function nearest(size: BoxSize, centres: readonly BoxSize[]): { readonly index: number; readonly overlap: number } {
  let best = { index: 0, overlap: -1 };
  centres.forEach((centre, index) => {
    const overlap = overlapOf(size, centre);
    if (overlap > best.overlap) best = { index, overlap };
  });
  return best;
}

/** Intersection over union of two sizes laid upon each other. */
function overlapOf([width, height]: BoxSize, [otherWidth, otherHeight]: BoxSize): number {
  const common = Math.min(width, otherWidth) * Math.min(height, otherHeight);
  return common / (width * height + otherWidth * otherHeight - common);
}
