/** How many boxes of two models are the same. */
import { type FoundBox, overlap } from "./boxes.ts";

/** How many boxes are one and the same, of how many. */
export interface SameBoxes {
  /** Boxes that both have. */
  readonly same: number;
  /** Boxes that either has; those that both have count once. */
  readonly of: number;
}

/**
 * Pairs the boxes of two models in one picture, from the surest down: of one class, and with an IoU of at least `iou`.
 *
 * @returns For each box of `a` the index of its partner in `b`, or -1.
 */
export function pairBoxes(a: readonly FoundBox[], b: readonly FoundBox[], iou: number): readonly number[] {
  const isTaken = new Uint8Array(b.length);
  return a.map((box) => {
    let [best, most] = [-1, iou];
    b.forEach((other, i) => {
      if (isTaken[i] === 1 || other.label !== box.label) return;
      const value = overlap(box, other);
      if (value >= most) [best, most] = [i, value];
    });
    if (best >= 0) isTaken[best] = 1;
    return best;
  });
}

/** Counts the boxes that two models have in common, over all samples. */
export function countSame(
  a: readonly (readonly FoundBox[])[],
  b: readonly (readonly FoundBox[])[],
  iou: number,
): SameBoxes {
  let [same, all] = [0, 0];
  a.forEach((boxes, i) => {
    same += pairBoxes(boxes, b[i], iou).filter((partner) => partner >= 0).length;
    all += boxes.length + b[i].length;
  });
  return { same, of: all - same };
}
