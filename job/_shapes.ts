/** Shapes of inputs as `--shape` has them. */
import { showValue } from "../src/text/plain.ts";

/** A side of a million is a slip of the finger, and so many numbers fit in no memory beside a net. */
const MOST_SIDE = 2 ** 20;
const MOST_NUMBERS = 2 ** 28;

/**
 * Reads shapes, the batch first, by the names of their inputs: "image=1,224,224,3".
 *
 * @throws {RangeError} If one is anything else, or an input has two.
 */
export function parseShapes(texts: readonly string[]): Readonly<Record<string, readonly number[]>> {
  const shapes = new Map<string, readonly number[]>();
  for (const text of texts) {
    const [, name, sides] = /^(.+)=(\d{1,9}(?:,\d{1,9})*)$/.exec(text) ?? [];
    const shape = (sides ?? "").split(",").map(Number);
    if (name === undefined || shape.some((side) => side < 1 || side > MOST_SIDE)) {
      throw new RangeError(
        `Cannot use --shape ${showValue(text)}: needed are an input's name and its sides, the batch first, ` +
          `as image=1,224,224,3`,
      );
    }
    if (shape.reduce((product, side) => product * side, 1) > MOST_NUMBERS) {
      throw new RangeError(`Cannot use --shape ${showValue(text)}: it has more than ${MOST_NUMBERS} numbers`);
    }
    if (shapes.has(name)) throw new RangeError(`Cannot use --shape ${showValue(text)}: "${name}" has another already`);
    shapes.set(name, shape);
  }
  return Object.fromEntries(shapes);
}
