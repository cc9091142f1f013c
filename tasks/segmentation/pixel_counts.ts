/** Pixels counted, picture by picture: what all metrics of segmentation are made of. */
import type { Answer, Digest } from "../../models/answers.ts";
import type { Judged, TargetValues } from "../task.ts";

/** The class that targets have where a pixel counts for nothing, as bytes have -1. */
const NONE = 255;

/** What is counted of a class. */
export const COUNTED = { both: 0, truth: 1, answered: 2 } as const;

/** Numbers that are counted of a class. */
export const NUMBERS = 3;

/** Counts of pixels that count for something. */
export interface PixelCounts {
  /**
   * [pictures, classes, 3]: pixels of the class that were answered as such, pixels of the class, pixels that were answered
   * as such.
   */
  readonly rows: Float64Array;
  /** [classes, classes]: pixels of a class (rows) by what was answered (columns), over all pictures. */
  readonly matrix: Float64Array;
}

/** More classes would be none of bytes; 255 is none. */
export const MOST_CLASSES = 255;

/**
 * Returns the class of each pixel: the largest of its numbers, the first of equal ones; 255 where none is a number.
 *
 * Shapes: answers [n, h, w, classes] → bytes [n, h, w].
 */
export function classesOf({ values, shape }: Answer): Digest {
  const classes = shape[shape.length - 1];
  const bytes = new Uint8Array(values.length / classes);
  for (let pixel = 0, at = 0; pixel < bytes.length; pixel++, at += classes) {
    let top = NONE;
    let most = -Infinity;
    for (let k = 0; k < classes; k++) {
      const value = values[at + k];
      if (value > most || (top === NONE && value === most)) {
        most = value;
        top = k;
      }
    }
    bytes[pixel] = top;
  }
  return { values: bytes, shape: shape.slice(0, -1) };
}

/** Returns the classes of an answer's pixels, as they were digested or as its numbers have it. */
export function digestOf(answer: Answer): Digest {
  return answer.digest ?? classesOf(answer);
}

/** Counts of the same answers are asked for by each metric. */
const KNOWN = new WeakMap<Answer, { readonly targets: TargetValues; readonly counts: PixelCounts }>();

/** Counts the pixels of answers to pictures of `classes` classes; a pixel whose answer is none is wrong. */
export function countPixels({ answer, targets }: Judged, classes: number): PixelCounts {
  const known = KNOWN.get(answer);
  if (known?.targets === targets) return known.counts;
  const { values, shape: [pictures] } = digestOf(answer);
  const size = values.length / Math.max(1, pictures);
  const rows = new Float64Array(pictures * classes * NUMBERS);
  const matrix = new Float64Array(classes * classes);
  for (let i = 0; i < values.length; i++) {
    const truth = targets[i];
    // -1 in batches is 255 in bytes.
    if (truth < 0 || truth === NONE) continue;
    const given = values[i];
    const row = Math.floor(i / size) * classes;
    rows[(row + truth) * NUMBERS + COUNTED.truth]++;
    if (given === NONE) continue;
    rows[(row + given) * NUMBERS + COUNTED.answered]++;
    if (given === truth) rows[(row + truth) * NUMBERS + COUNTED.both]++;
    matrix[truth * classes + given]++;
  }
  const counts = { rows, matrix };
  KNOWN.set(answer, { targets, counts });
  return counts;
}

/** Sums up counts of pictures: [classes, 3]. */
export function sumCounts(rows: Float64Array, width: number): Float64Array {
  const total = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) total[i % width] += rows[i];
  return total;
}
