/** Outputs whose numbers are places in the picture: points, and the classes of pixels. */
import { type Placement, toOriginal } from "../data/letterbox.ts";
import { sizeOf } from "../src/onnx/mod.ts";
import type { ClassShare, PixelClasses } from "./answer.ts";
import { each, type OpenOutputs, type Place } from "./_reading.ts";

/** Reads points: x and y of each, as shares of the picture that went in. */
export const readPoints: OpenOutputs = each(({ name, shape, decoding }) => {
  const points = decoding.names("points");
  if (sizeOf(shape) !== 2 * points.length) {
    throw new RangeError(
      `${decoding.cannot}: its output "${name}" is [n,${shape}], for ${points.length} points ${2 * points.length} ` +
        "numbers are needed",
    );
  }
  return (row, place) => ({
    kind: "points",
    output: name,
    points: points.map((name, i) => ({ name, ...toOriginal({ x: row[2 * i], y: row[2 * i + 1] }, place) })),
  });
});

/** More classes have no index in a byte, of which the last one is none. */
const MOST_CLASSES = 255;

/** Reads the class of each pixel: the one with the largest number. */
export const readMask: OpenOutputs = each(({ name, shape, decoding }) => {
  const [height, width, count] = shape;
  if (shape.length !== 3 || count > MOST_CLASSES) {
    throw new RangeError(
      `${decoding.cannot}: its output "${name}" is [n,${shape}], [n,height,width,classes] of at most ${MOST_CLASSES} ` +
        "classes is needed",
    );
  }
  const names = decoding.has("classNames")
    ? decoding.names("classNames", count)
    : Array.from({ length: count }, (_, i) => `${i}`);
  return (row, place) => {
    const mask = within({ height, width, classes: largestOf(row, count) }, place);
    return { kind: "mask", output: name, classes: sharesOf(mask, names), mask };
  };
});

/** Returns the index of the largest of every `count` numbers; of equal ones the first. */
function largestOf(values: Float32Array, count: number): Uint8Array {
  return Uint8Array.from({ length: values.length / count }, (_, pixel) => {
    let best = 0;
    for (let i = 1; i < count; i++) if (values[pixel * count + i] > values[pixel * count + best]) best = i;
    return best;
  });
}

/** Cuts off what lies in the bars of a letterbox. */
function within(mask: PixelClasses, { placement, shape }: Place): PixelClasses {
  const [rows, columns] = [
    rangeOf(placement.top, placement.height, { of: shape.height, in: mask.height }),
    rangeOf(placement.left, placement.width, { of: shape.width, in: mask.width }),
  ];
  if (rows.length === mask.height && columns.length === mask.width) return mask;
  const classes = Uint8Array.from(rows.flatMap((y) => columns.map((x) => mask.classes[y * mask.width + x])));
  return { height: rows.length, width: columns.length, classes };
}

/** The pixels of a mask that a part of the picture covers, one at least. */
function rangeOf(
  start: Placement["top"],
  length: number,
  { of, in: count }: { readonly of: number; readonly in: number },
): readonly number[] {
  const first = Math.min(count - 1, Math.round(start * count / of));
  const end = Math.max(first + 1, Math.round((start + length) * count / of));
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function sharesOf({ classes }: PixelClasses, names: readonly string[]): readonly ClassShare[] {
  const counts = new Float64Array(names.length);
  for (const group of classes) counts[group]++;
  return names.map((name, group) => ({ name, group, share: counts[group] / classes.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}
