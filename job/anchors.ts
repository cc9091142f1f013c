/** The anchors of a detector: what `--anchors` says. */
import type { SampleTarget } from "../data/samples.ts";
import { findAnchors } from "../models/anchors.ts";
import { readTextWithin } from "../src/io/read.ts";
import { parseJson } from "../src/text/json.ts";
import { showValue } from "../src/text/plain.ts";
import type { Anchors } from "../tasks/settings.ts";

/** Found among the boxes of the training samples. */
const AUTO = "auto";
/** The architecture's own. */
const PUBLISHED = "published";

/** More boxes than this move k-means by fractions of a pixel. */
const MOST_BOXES = 20_000;

/** What anchors are for. */
export interface AnchorsFor {
  readonly target: SampleTarget;
  /** Sides of the picture that goes in. */
  readonly inputSize: readonly [height: number, width: number];
  /** Those of the architecture. */
  readonly published: Anchors;
  readonly seed: number;
}

/**
 * Returns the anchors of a detector that is built here.
 *
 * Those that nobody asked for are found among the boxes where there are enough of them, and else the published ones.
 *
 * @param asked What `--anchors` says.
 * @throws {RangeError} If there are too few boxes, or the file is damaged.
 */
export async function anchorsFor(asked: string | undefined, { target, ...options }: AnchorsFor): Promise<Anchors> {
  const { inputSize, published, seed } = options;
  if (asked === PUBLISHED) return published;
  if (asked !== undefined && asked !== AUTO) return await readAnchors(asked);
  const counts = published.map(({ length }) => length);
  try {
    return findAnchors(sizesOf(target, inputSize), { counts, seed });
  } catch (cause) {
    if (!(cause instanceof RangeError) || asked === AUTO) throw cause;
    return published;
  }
}

/** Lists the sizes of boxes in pixels, of so many evenly over the samples. */
function sizesOf(target: SampleTarget, [height, width]: AnchorsFor["inputSize"]) {
  if (target.kind !== "boxes") return [];
  const { values } = target;
  const sizes: (readonly [number, number])[] = [];
  for (let at = 0; at < values.length; at += BOX_NUMBERS) {
    if (values[at + 4] >= 0) sizes.push([values[at + 2] * width, values[at + 3] * height]);
  }
  const step = Math.max(1, Math.ceil(sizes.length / MOST_BOXES));
  return sizes.filter((_, i) => i % step === 0);
}

/** Numbers of a box, see `Boxes` of data/samples.ts. */
const BOX_NUMBERS = 6;

/**
 * Checks that anchors are not to be looked for that a trained model has already.
 *
 * @throws {RangeError} If they are.
 */
export function checkOwnAnchors(asked: string, path: string | undefined): void {
  if (asked !== AUTO && asked !== PUBLISHED) return;
  throw new RangeError(
    `Cannot use --anchors ${asked} with "${path}": its boxes start from anchors already, a file is needed`,
  );
}

/** Longer files are no anchors. */
const MOST_BYTES = 2 ** 16;

/**
 * Reads anchors from a JSON file: a list an output, the coarsest grid first, of widths and heights in pixels.
 *
 * @throws {RangeError} If it is something else, or cannot be read.
 */
export async function readAnchors(path: string): Promise<Anchors> {
  const cannot = `Cannot read the anchors in "${path}"`;
  let given: unknown;
  try {
    given = parseJson(await readTextWithin(path, { most: MOST_BYTES }));
  } catch (cause) {
    const because = cause instanceof Deno.errors.NotFound
      ? `there is no such file; needed are "${AUTO}", "${PUBLISHED}" or a file`
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new RangeError(`${cannot}: ${because}`, { cause });
  }
  if (areAnchors(given)) return given;
  throw new RangeError(
    `${cannot}: it is ${showValue(given)}, needed is a list an output of [width, height] in pixels, ` +
      "such as [[[81,82],[135,169]],[[10,14],[23,27]]]",
  );
}

function areAnchors(given: unknown): given is Anchors {
  const isList = (value: unknown, isItem: (item: unknown) => boolean) =>
    Array.isArray(value) && value.length > 0 && value.every(isItem);
  const isSide = (side: unknown) => typeof side === "number" && side > 0 && Number.isFinite(side);
  return isList(given, (list) => isList(list, (size) => isList(size, isSide) && Object(size).length === 2));
}
