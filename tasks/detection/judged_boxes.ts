/** The boxes of answers beside those that are there, matched once for all metrics and sections. */
import type { Answers } from "../../models/answers.ts";
import type { JudgedAll, Targets } from "../task.ts";
import { type FoundBox, type TrueBox, trueBoxes } from "./boxes.ts";
import { decodeAnswers } from "./decode.ts";
import type { Grids } from "./grids.ts";
import { matchAll, type RankedClass } from "./match.ts";

/** How a model's outputs are read. */
export interface Reading {
  /** The outputs, one for each grid. */
  readonly names: readonly string[];
  readonly grids: Grids;
  readonly nmsIou: number;
}

/** Overlaps that COCO's mean average precision is taken at: 0.5, 0.55 … 0.95. */
export const OVERLAPS: readonly number[] = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/**
 * Boxes that are less sure are nobody's, in metrics over all scores too: darknet's own threshold where it measures average
 * precision. What an untrained model finds would be every anchor otherwise.
 */
export const LEAST_SCORE = 0.005;

/** What was found in samples, and what is there. */
export interface JudgedBoxes {
  /** For each sample its boxes, the surest first. */
  readonly found: readonly (readonly FoundBox[])[];
  readonly truth: readonly (readonly TrueBox[])[];
  /** By COCO's rule, at each of `OVERLAPS`. */
  readonly coco: readonly RankedClass[];
  /** By VOC's rule, at 0.5. */
  readonly voc: readonly RankedClass[];
}

/** Reads boxes, and remembers what it read of answers that are asked for again. */
export class BoxReader {
  readonly #reading: Reading;
  readonly #found = new WeakMap<Answers, JudgedBoxes["found"]>();
  readonly #judged = new WeakMap<Answers, { readonly targets: Targets; readonly boxes: JudgedBoxes }>();

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** Returns the boxes in answers, those above `LEAST_SCORE`. */
  found(answers: Answers): JudgedBoxes["found"] {
    const known = this.#found.get(answers);
    if (known !== undefined) return known;
    const { names, grids, nmsIou } = this.#reading;
    const found = decodeAnswers(answers, names, { grids, options: { scoreThreshold: LEAST_SCORE, nmsIou } });
    this.#found.set(answers, found);
    return found;
  }

  /** Returns what was found and what is there. */
  judged({ answers, targets }: JudgedAll): JudgedBoxes {
    const known = this.#judged.get(answers);
    if (known?.targets === targets) return known.boxes;
    const { names: [name], grids: { classes } } = this.#reading;
    const found = this.found(answers);
    const width = targets[name].length / found.length;
    const truth = found.map((_, i) => trueBoxes(targets[name].subarray(i * width, (i + 1) * width)));
    const boxes = {
      found,
      truth,
      coco: matchAll(found, truth, { classes, rule: "coco", thresholds: OVERLAPS }),
      voc: matchAll(found, truth, { classes, rule: "voc", thresholds: [0.5] }),
    };
    this.#judged.set(answers, { targets, boxes });
    return boxes;
  }
}
