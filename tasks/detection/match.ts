/**
 * Which boxes that were found are right: each sample is matched once, and metrics of any samples follow from that.
 *
 * Two rules, which differ where a box overlaps several true ones. Both look at the boxes of one picture and class from
 * the surest down:
 *
 *   coco   A box takes the true box that it overlaps most, of those that nobody has taken yet. It is right if that is at
 *          least the threshold. Else, if it overlaps a difficult one by as much, it does not count.
 *   voc    A box is for the true box that it overlaps most, whoever has it. It is right if that is at least the threshold
 *          and nobody has it; it does not count if that one is difficult, and else it is wrong.
 *
 * A difficult box is taken by nobody: any number of boxes may be for it, and it is missed by none.
 *
 * Sources: pycocotools' `COCOeval.evaluateImg`, with VOC's difficult boxes in the place of boxes to be ignored;
 * `VOCevaldet.m` of the development kit of PASCAL VOC 2012, with sides between corners instead of counted pixels.
 */
import { type FoundBox, overlap, type TrueBox } from "./boxes.ts";

/** Whose rule decides which box is for which. */
export type MatchRule = "coco" | "voc";

/** What is known of a box that was found, at one threshold of overlap. */
export const VERDICT = { wrong: 0, right: 1, uncounted: 2 } as const;

/** The boxes of one class, of all samples, from the surest down; of equally sure ones those of the first sample come first. */
export interface RankedClass {
  /** The sample of each. */
  readonly samples: Int32Array;
  readonly scores: Float64Array;
  /** For each threshold the verdict of each box. */
  readonly verdicts: readonly Uint8Array[];
  /** For each threshold the places of boxes that are right, and of those that do not count. */
  readonly places: readonly { readonly right: Int32Array; readonly uncounted: Int32Array }[];
  /** True boxes of each sample that are not difficult. */
  readonly there: Int32Array;
}

/** How boxes are matched. */
export interface MatchOptions {
  readonly classes: number;
  readonly rule: MatchRule;
  /** Overlaps, each by itself. */
  readonly thresholds: readonly number[];
}

/** COCO asks for no more than this of an overlap, since numbers round. */
const MOST_NEEDED = 1 - 1e-10;

/**
 * Matches the boxes of all samples.
 *
 * @param found For each sample its boxes, the surest first.
 * @returns A ranking for each class.
 */
export function matchAll(
  found: readonly (readonly FoundBox[])[],
  truth: readonly (readonly TrueBox[])[],
  options: MatchOptions,
): readonly RankedClass[] {
  return Array.from({ length: options.classes }, (_, label) => {
    const ranked: Ranked[] = [];
    const there = new Int32Array(found.length);
    found.forEach((boxes, sample) => {
      const mine = boxes.filter((box) => box.label === label);
      const trueBoxes = truth[sample].filter((box) => box.label === label);
      there[sample] = trueBoxes.filter(({ difficult }) => !difficult).length;
      const verdicts = matchSample(mine, trueBoxes, options);
      mine.forEach(({ score }, i) => ranked.push({ sample, score, verdicts: verdicts.map((each) => each[i]) }));
    });
    // Stable: equally sure ones stay in the order of the samples.
    ranked.sort((a, b) => b.score - a.score);
    return rankedClass({
      samples: Int32Array.from(ranked, ({ sample }) => sample),
      scores: Float64Array.from(ranked, ({ score }) => score),
      verdicts: options.thresholds.map((_, t) => Uint8Array.from(ranked, ({ verdicts }) => verdicts[t])),
      there,
    });
  });
}

/** Completes a ranking by the places of its verdicts. */
export function rankedClass(ranking: Omit<RankedClass, "places">): RankedClass {
  const placesOf = (verdicts: Uint8Array, wanted: number) =>
    Int32Array.from([...verdicts.keys()].filter((place) => verdicts[place] === wanted));
  const places = ranking.verdicts.map((verdicts) => ({
    right: placesOf(verdicts, VERDICT.right),
    uncounted: placesOf(verdicts, VERDICT.uncounted),
  }));
  return { ...ranking, places };
}

interface Ranked {
  readonly sample: number;
  readonly score: number;
  readonly verdicts: readonly number[];
}

/** Returns for each threshold the verdict of each box of one sample and class, the surest first. */
function matchSample(
  found: readonly FoundBox[],
  truth: readonly TrueBox[],
  { rule, thresholds }: Pick<MatchOptions, "rule" | "thresholds">,
): readonly Uint8Array[] {
  const overlaps = found.map((box) => truth.map((other) => overlap(box, other)));
  return thresholds.map((threshold) => {
    const isTaken = new Uint8Array(truth.length);
    const needed = Math.min(threshold, MOST_NEEDED);
    return Uint8Array.from(overlaps, (row) => {
      const at = CHOOSE[rule](row, { truth, isTaken, needed });
      if (at === undefined) return VERDICT.wrong;
      if (truth[at].difficult) return VERDICT.uncounted;
      if (isTaken[at] === 1) return VERDICT.wrong;
      isTaken[at] = 1;
      return VERDICT.right;
    });
  });
}

interface Choice {
  readonly truth: readonly TrueBox[];
  readonly isTaken: Uint8Array;
  readonly needed: number;
}

/** Choose the true box that a box with these overlaps is for. */
const CHOOSE: Readonly<Record<MatchRule, (overlaps: readonly number[], choice: Choice) => number | undefined>> = {
  coco: (overlaps, { truth, isTaken, needed }) =>
    mostOf(overlaps, needed, (i) => !truth[i].difficult && isTaken[i] === 0) ??
      mostOf(overlaps, needed, (i) => truth[i].difficult),
  voc: (overlaps, { needed }) => {
    const most = Math.max(...overlaps);
    return most >= needed ? overlaps.indexOf(most) : undefined;
  },
};

/** Returns the free one with the largest overlap, of equal ones the last, as pycocotools does. */
function mostOf(
  overlaps: readonly number[],
  needed: number,
  isFree: (index: number) => boolean,
): number | undefined {
  let best: number | undefined;
  let most = needed;
  overlaps.forEach((value, i) => {
    if (value < most || !isFree(i)) return;
    [best, most] = [i, value];
  });
  return best;
}
