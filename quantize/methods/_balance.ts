/**
 * Finds the scales by which weights that give a channel reach as far as those that read it.
 *
 * For r₁ the largest magnitude of the weights that give a channel and r₂ that of those that read it, s = √(r₁/r₂) makes
 * both √(r₁·r₂). Groups of channels are done one after the other, again and again, until nothing moves: a depthwise
 * convolution between two others ends with all three at ∛(r₁·r₂·r₃), as the closed form of three layers has it.
 *
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), equations 8 to 11.
 */
import type { Channels } from "./_channels.ts";
import { givenReach, type Reach, readReach } from "./_reach.ts";
import type { Scales } from "./_scale_channels.ts";
import { type Row, Sets } from "./_sets.ts";

/** No scales of a group moved by more than this factor against one another: it is done. */
const CONVERGED = Math.log(1.01);
const MOST_SWEEPS = 100;

/** Channels that stages give or read together. */
interface Group {
  /** Numbers of its sets. */
  readonly sets: readonly number[];
  readonly givers: readonly Reach[];
  readonly readers: readonly Reach[];
  /** The part of a step that is taken: where a stage reads what it gives, a whole one could go back and forth. */
  readonly stride: number;
}

/** Scales, and how they were found. */
export interface Balance {
  readonly scales: Scales;
  readonly groups: number;
  readonly sweeps: number;
}

/**
 * Balances `channels` as far as the weights of `reaches` go. Where one side is all 0 nothing is scaled; and no bias grows
 * beyond the largest that its layer has: a channel that is dead but for its bias would else give values of any size.
 */
export function balance(channels: Channels, reaches: readonly Reach[]): Balance {
  const scales = new Float64Array(channels.sets).fill(1);
  const groups = groupsOf(channels, reaches);
  const least = leastScales(channels, reaches);
  let sweeps = 0;
  for (let moved = Infinity; moved > CONVERGED && sweeps < MOST_SWEEPS && groups.length > 0; sweeps++) {
    // Forth and back: what one end of a chain needs comes to the other end in one round.
    const order = sweeps % 2 === 0 ? groups : groups.toReversed();
    moved = Math.max(...order.map((group) => balanceGroup(group, scales, least)));
  }
  return { scales, groups: groups.length, sweeps };
}

/**
 * Returns the logarithm of the factor by which scales moved most against one another: what moves all channels of a group
 * alike goes slowly up and down long chains, and makes no range wider than another.
 */
function balanceGroup({ sets, givers, readers, stride }: Group, scales: Scales, bounds: Scales): number {
  const [given, read] = [new Map<number, number>(), new Map<number, number>()];
  for (const reach of givers) spread(given, reach.stage.output, givenReach(reach, scales));
  for (const reach of readers) spread(read, reach.stage.input, readReach(reach, scales));
  let [least, most] = [Infinity, -Infinity];
  for (const set of sets) {
    const [r1, r2] = [given.get(set) ?? 0, read.get(set) ?? 0];
    if (r1 === 0 || r2 === 0) continue;
    const before = scales[set];
    scales[set] = Math.max(before * Math.sqrt(r1 / r2) ** stride, bounds[set]);
    const moved = Math.log(scales[set] / before);
    [least, most] = [Math.min(least, moved), Math.max(most, moved)];
  }
  return most === -Infinity ? 0 : sets.length === 1 ? Math.abs(most) : most - least;
}

/** Notes the largest value of each set. */
function spread(largest: Map<number, number>, row: Row, values: Float64Array): void {
  row.forEach((set, i) => {
    if (values[i] > (largest.get(set) ?? 0)) largest.set(set, values[i]);
  });
}

function groupsOf({ sets: count }: Channels, reaches: readonly Reach[]): readonly Group[] {
  const sets = new Sets();
  sets.add(count);
  const sides = reaches.flatMap(({ stage }) => [free(stage.output), free(stage.input)]);
  for (const [first, ...rest] of sides) for (const set of rest) sets.unite(first, set);
  const members = Map.groupBy(Array.from({ length: count }, (_, set) => set), (set) => sets.rootOf(set));
  const ofSide = (row: Row) => free(row).map((set) => sets.rootOf(set))[0];
  return [...members].flatMap(([root, own]): readonly Group[] => {
    const givers = reaches.filter(({ stage }) => ofSide(stage.output) === root);
    const readers = reaches.filter(({ stage }) => ofSide(stage.input) === root);
    if (givers.length === 0 || readers.length === 0) return [];
    return [{ sets: own, givers, readers, stride: givers.some((reach) => readers.includes(reach)) ? 0.5 : 1 }];
  });
}

function leastScales({ sets }: Channels, reaches: readonly Reach[]): Scales {
  const least = new Float64Array(sets);
  for (const { stage, offsets } of reaches) {
    const most = offsets.reduce((a, b) => Math.max(a, b), 0);
    if (most === 0) continue;
    stage.output.forEach((set, o) => {
      if (set >= 0) least[set] = Math.max(least[set], offsets[o] / most);
    });
  }
  return least;
}

function free(row: Row): Row {
  return row.filter((set) => set >= 0);
}
