/** What readers of sets of pictures have in common. */
import type { ImageShape, Parts } from "../dataset.ts";
import type { CacheOptions } from "./stored.ts";

/** How a set of pictures is read. */
export interface PictureSetOptions {
  /** What pictures are scaled to. */
  readonly shape: ImageShape;
  /** Decides the split, and what a limit keeps; default 0. */
  readonly seed?: number;
  /** Part that becomes the test part where the set has none of its own; default 0.2. */
  readonly testFraction?: number;
  /** Read at most so many samples of each part, drawn at random. */
  readonly limit?: number;
  /** Of the parts to learn from and to choose by, at most so many. Default: `limit`. */
  readonly learnLimit?: number;
  /** Leave out what is bad and list it in `skipped`; by default it is an error. */
  readonly skipBadImages?: boolean;
  /** Where pictures are kept that are too many for memory; absent: they must not be. */
  readonly cache?: CacheOptions;
}

/** What the parts of a set are called. */
export type PartName = keyof Parts<unknown>;

/** Random streams: of the split, and of what a limit keeps of each part. */
export const STREAMS: Readonly<Record<PartName, number>> & { readonly split: number } = {
  split: 0,
  train: 1,
  test: 2,
  validation: 3,
};

/** Returns how many samples of a part are read at the most. */
export function limitOf(
  { limit = Infinity, learnLimit = Infinity }: Pick<PictureSetOptions, "limit" | "learnLimit">,
  part: PartName,
): number {
  return part === "test" ? limit : Math.min(limit, learnLimit);
}
