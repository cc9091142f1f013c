/** How grids of weights are found: from all of a channel's range, or from the share of it that loses least. */
import { computeQParams, LEAST_SCALE, type Range } from "../../numbers/qparams.ts";
import { unclampedCode } from "../../numbers/quantize.ts";
import type { QuantScheme } from "../../numbers/scheme.ts";
import { bestShare, type Loss } from "./_best_share.ts";

/** Names of the ways. */
export const WEIGHT_OBSERVER_NAMES = ["min-max", "mse"] as const;

/** Name of a way to find the scales of weights. */
export type WeightObserverName = typeof WEIGHT_OBSERVER_NAMES[number];

/** Whether `name` is the name of one. */
export function isWeightObserverName(name: string): name is WeightObserverName {
  return (WEIGHT_OBSERVER_NAMES as readonly string[]).includes(name);
}

/**
 * Returns the share of the range of `weights` that a grid is to reach, so that the squared error of rounding them is least.
 *
 * The range of a symmetric grid is the largest magnitude to both sides; of an affine one both ends move together. All of it
 * is among what is tried: nothing is worse than 1, which is min-max.
 *
 * @param weights Of one channel, or of a tensor with one scale; finite.
 */
export function leastSquaresShare(weights: Float32Array, scheme: QuantScheme): number {
  const whole = { min: 0, max: 0 };
  for (const weight of weights) {
    whole.min = Math.min(whole.min, weight);
    whole.max = Math.max(whole.max, weight);
  }
  if (whole.min === whole.max) return 1;
  return bestShare((share) => squaresLost(weights, partOf(whole, Math.fround(share)), scheme)).share;
}

function partOf({ min, max }: Range, share: number): Range {
  return { min: Math.fround(min * share), max: Math.fround(max * share) };
}

/** Returns what the grid of `range` loses, rounding as the file does. */
function squaresLost(weights: Float32Array, range: Range, scheme: QuantScheme): Loss {
  const grid = computeQParams(range, scheme);
  const scale = range.min === range.max ? LEAST_SCALE : grid.scale;
  const [first, last] = [scheme.qmin - grid.zeroPoint, scheme.qmax - grid.zeroPoint];
  let [total, clipped] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    const code = unclampedCode(weights[i], { scale, zeroPoint: 0 });
    const kept = Math.min(Math.max(code, first), last);
    const lost = (weights[i] - kept * scale) ** 2;
    total += lost;
    if (kept !== code) clipped += lost;
  }
  return { total, clipped };
}
