/** Non-maximum suppression: of boxes that mean the same thing the surest stays. */
import { type FoundBox, overlap } from "./boxes.ts";

/** How boxes are thinned out. */
export interface NmsOptions {
  /** A box that overlaps a surer one of its class by more than this is left out. */
  readonly iou: number;
  /** Boxes of a class that are looked at, the surest. */
  readonly mostLookedAt?: number;
  /** Boxes of a class that are kept at the most, the surest. */
  readonly most?: number;
}

/** As in torchvision's detectors: what comes after the thousandth box of a class is noise. */
const MOST_LOOKED_AT = 1000;

/** COCO judges a hundred boxes a picture and class. */
const MOST_KEPT = 100;

/**
 * Leaves out what overlaps a surer box of its class, class by class.
 *
 * @returns The boxes that stay, the surest first; of equally sure ones the one that was given first.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { suppress } from "./nms.ts";
 *
 * const box = { left: 0, top: 0, right: 0.4, bottom: 0.4 };
 * const found = [{ ...box, label: 0, score: 0.6 }, { ...box, label: 0, score: 0.9 }, { ...box, label: 1, score: 0.5 }];
 * assert.deepEqual(suppress(found, { iou: 0.5 }).map(({ score }) => score), [0.9, 0.5]);
 * ```
 */
export function suppress(
  found: readonly FoundBox[],
  { iou, mostLookedAt = MOST_LOOKED_AT, most = MOST_KEPT }: NmsOptions,
): readonly FoundBox[] {
  const kept = [...Map.groupBy(found, ({ label }) => label).values()].flatMap((ofClass) => {
    const stays: FoundBox[] = [];
    for (const box of ofClass.toSorted(bySureness).slice(0, mostLookedAt)) {
      if (stays.length === most) break;
      if (stays.every((surer) => !(overlap(surer, box) > iou))) stays.push(box);
    }
    return stays;
  });
  return kept.sort(bySureness);
}

function bySureness(a: FoundBox, b: FoundBox): number {
  return b.score - a.score;
}
