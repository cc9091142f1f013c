/** Boxes that were found, and boxes that are there, on the host: as shares of the sides of the input picture. */
import { TRUE_NUMBERS } from "./grids.ts";

/** A rectangle, as shares of a picture's sides. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A thing that was found. */
export interface FoundBox extends Rectangle {
  /** Its class, an index. */
  readonly label: number;
  /** How sure the detector is, 0 to 1. */
  readonly score: number;
}

/** A thing that is there. */
export interface TrueBox extends Rectangle {
  readonly label: number;
  /** Whether it counts neither as found nor as missed. */
  readonly difficult: boolean;
}

/** Returns the intersection over union of two rectangles; of two without area 0. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const common = width * height;
  return common / (areaOf(a) + areaOf(b) - common);
}

function areaOf({ left, top, right, bottom }: Rectangle): number {
  return (right - left) * (bottom - top);
}

/**
 * Returns the rectangle of a centre and sides, as far as it is within the picture. An infinite side is the picture's.
 */
export function rectangleOf(x: number, y: number, width: number, height: number): Rectangle {
  const within = (share: number) => Math.max(0, Math.min(1, share));
  return {
    left: within(x - width / 2),
    top: within(y - height / 2),
    right: within(x + width / 2),
    bottom: within(y + height / 2),
  };
}

/** Reads the boxes of one sample: [most, 6], see `Boxes` in data/samples.ts. */
export function trueBoxes(values: ArrayLike<number>): readonly TrueBox[] {
  const boxes: TrueBox[] = [];
  for (let at = 0; at < values.length; at += TRUE_NUMBERS) {
    const label = values[at + 4];
    if (label < 0) continue;
    const [x, y, width, height] = [values[at], values[at + 1], values[at + 2], values[at + 3]];
    boxes.push({
      left: x - width / 2,
      top: y - height / 2,
      right: x + width / 2,
      bottom: y + height / 2,
      label,
      difficult: values[at + 5] === 1,
    });
  }
  return boxes;
}
