/** Samples put aside from the training set, to choose the best epoch by: the test set must not be asked for that. */
import { Random } from "../src/numbers/random.ts";
import { type SampleSet, selectSamples } from "./samples.ts";

/** How many samples are put aside, and which. */
export interface ValidationOptions {
  /** Share of the samples, from 0 to below 1. */
  readonly fraction: number;
  /** Decides which. */
  readonly seed: number;
}

/** A training set without what was put aside. */
export interface ValidationSplit {
  readonly train: SampleSet;
  /** Absent where nothing was put aside. */
  readonly validation?: SampleSet;
}

/** The random stream of what is put aside; those of the epochs have two numbers. */
const STREAM = [0, 0, 2];

/**
 * Puts a share of the samples aside. Where samples belong to groups, whole groups: no group is in both parts, and one at
 * least is learned from. Else, where there is one target and it is a class, of each class as large a share as possible;
 * every class keeps a sample to be learned from. Both parts keep the order of the set.
 *
 * Rounding: the share of all samples to the nearest number; that may be none. Groups are drawn until there are as many.
 *
 * @throws {RangeError} If the share is not from 0 to below 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { splitValidation } from "./validation.ts";
 *
 * const labels = Int32Array.from({ length: 20 }, (_, i) => i % 2);
 * const targets = { label: { kind: "classes", labels, names: ["even", "odd"] } } as const;
 * const { train, validation } = splitValidation({ name: "numbers", count: 20, inputs: {}, targets }, {
 *   fraction: 0.1,
 *   seed: 0,
 * });
 * assert.deepEqual([train.count, validation?.count], [18, 2]); // one of each class
 * ```
 */
export function splitValidation(set: SampleSet, { fraction, seed }: ValidationOptions): ValidationSplit {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new RangeError(
      `Cannot put samples of "${set.name}" aside: the share is ${fraction}, needed is a number from 0 to below 1`,
    );
  }
  const aside = chooseAside(set, { fraction, seed });
  if (aside.size === 0) return { train: set };
  const indices = Array.from({ length: set.count }, (_, i) => i);
  const part = (name: string, isPart: (i: number) => boolean) =>
    selectSamples(set, { name, indices: indices.filter(isPart) });
  return {
    train: part(set.name, (i) => !aside.has(i)),
    validation: part(`${set.name}, put aside`, (i) => aside.has(i)),
  };
}

function chooseAside(set: SampleSet, { fraction, seed }: ValidationOptions): ReadonlySet<number> {
  if (set.groups !== undefined) return chooseGroups(set.groups, { fraction, seed });
  const random = new Random(seed, STREAM);
  const order = random.shuffle(Array.from({ length: set.count }, (_, i) => i));
  const classes = [...Map.groupBy(order, classOf(set)).values()];
  const counts = shareOut(classes.map(({ length }) => length), fraction);
  return new Set(classes.flatMap((members, i) => members.slice(0, counts[i])));
}

/** Draws groups until their samples are a share of all; one group is left. */
function chooseGroups(groups: readonly string[], { fraction, seed }: ValidationOptions): ReadonlySet<number> {
  const members = Map.groupBy(groups.map((_, i) => i), (i) => groups[i]);
  const [, ...drawn] = new Random(seed, STREAM).shuffle([...members.values()]);
  const wanted = Math.round(fraction * groups.length);
  const aside = new Set<number>();
  for (const group of drawn) {
    if (aside.size >= wanted) break;
    for (const i of group) aside.add(i);
  }
  return aside;
}

/** Says which samples are alike; all of them are where a target is no class, or there are several. */
function classOf({ targets }: SampleSet): (i: number) => number {
  const [target, ...others] = Object.values(targets);
  const isClass = target?.kind === "classes" && target.positions === undefined && others.length === 0;
  return isClass ? (i) => target.labels[i] : () => 0;
}

/** Shares out so many of all members to classes of these sizes: whole shares first, then to the largest remainders. */
function shareOut(sizes: readonly number[], fraction: number): readonly number[] {
  const total = Math.round(fraction * sizes.reduce((sum, size) => sum + size, 0));
  const counts = sizes.map((size) => Math.min(Math.floor(fraction * size), size - 1));
  const byRemainder = sizes.map((size, i) => ({ i, remainder: fraction * size - counts[i] }))
    .sort((a, b) => b.remainder - a.remainder);
  let left = total - counts.reduce((sum, count) => sum + count, 0);
  for (const { i } of byRemainder) {
    if (left <= 0) break;
    if (counts[i] === sizes[i] - 1) continue;
    counts[i]++;
    left--;
  }
  return counts;
}
