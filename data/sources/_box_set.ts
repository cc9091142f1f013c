/** Pictures in their letterboxes and boxes in shares of them, as a sample set. */
import { imageBytes, type ImageShape } from "../dataset.ts";
import { fromOriginal, packPlacements } from "../letterbox.ts";
import { joinPictures } from "../pixels.ts";
import { BOX_NUMBERS, type SampleSet } from "../samples.ts";
import type { Box } from "./_box_checks.ts";
import type { BadImage } from "./_decode.ts";
import { leftOut } from "./_left_out.ts";
import type { Letterboxed } from "./_letterboxed.ts";

/** A letterboxed picture with its boxes, in shares of the original's sides. */
export interface BoxSample extends Letterboxed {
  readonly boxes: readonly Box[];
}

/**
 * Rows for each box of the picture that has the most: pictures that are put together of parts of several, while
 * training, may show more than any of them.
 */
export const ROOM = 2;

/** Most bytes of the boxes of a set. */
const MOST_BYTES = 2 ** 31;

/** What a set is made of beside its samples. */
export interface BoxSetOptions {
  readonly name: string;
  readonly shape: ImageShape;
  /** Rows of a sample. */
  readonly most: number;
  readonly names: readonly string[];
  /** What was left out of the whole set: the reason where no sample is left. */
  readonly faults?: readonly BadImage[];
}

/**
 * Makes a sample set.
 *
 * @throws {RangeError} If there are no samples, or their boxes take more than 2 GiB.
 */
export function boxSet(
  samples: readonly BoxSample[],
  { name, shape, most, names, faults = [] }: BoxSetOptions,
): SampleSet {
  const count = samples.length;
  if (count === 0) {
    throw new RangeError(`Cannot read "${name}": it has no picture that can be read, 1 is needed${leftOut(faults)}`);
  }
  const width = most * BOX_NUMBERS;
  if (4 * count * width > MOST_BYTES) {
    throw new RangeError(
      `Cannot read "${name}": a picture has ${most / ROOM} boxes, of ${count} pictures with as many each ` +
        `${MOST_BYTES / 2 ** 30} GiB are taken up (take fewer pictures)`,
    );
  }
  const bytes = joinPictures(samples.map(({ picture }) => picture), imageBytes(shape));
  const values = new Float32Array(count * width);
  samples.forEach((sample, i) => {
    values.set(packBoxes(sample, { shape, most }), i * width);
  });
  const placements = packPlacements(samples.map(({ placement }) => placement));
  return {
    name,
    count,
    inputs: { image: { kind: "pictures", ...shape, bytes, placements } },
    targets: { boxes: { kind: "boxes", values, most, names } },
  };
}

/** Returns the rows of a sample: see `Boxes`. */
function packBoxes(
  { boxes, placement }: BoxSample,
  { shape, most }: Pick<BoxSetOptions, "shape" | "most">,
): readonly number[] {
  const { original } = placement;
  const place = (x: number, y: number) =>
    fromOriginal({ x: x * original.width, y: y * original.height }, { placement, shape });
  const rows = boxes.flatMap(({ left, top, right, bottom, label, isDifficult }) => {
    const [start, end] = [place(left, top), place(right, bottom)];
    return [
      (start.x + end.x) / 2,
      (start.y + end.y) / 2,
      end.x - start.x,
      end.y - start.y,
      label,
      isDifficult ? 1 : 0,
    ];
  });
  return [...rows, ...Array.from({ length: most - boxes.length }, () => [0, 0, 0, 0, -1, 0]).flat()];
}
