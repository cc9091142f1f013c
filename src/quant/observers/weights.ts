/** How scales of weights are found: from the largest magnitude of a channel, or from the share of it that loses least. */
import { LEAST_SCALE, symmetricZeroPoint } from "../../numbers/qparams.ts";
import { unclampedCode } from "../../numbers/quantize.ts";
import { type QuantScheme, stepsOf } from "../../numbers/scheme.ts";
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
 * Returns the share of the largest magnitude of `weights` that a symmetric grid is to reach, so that the squared error of
 * rounding them is least.
 *
 * All of it is among what is tried: nothing is worse than 1, which is min-max.
 *
 * @param weights Of one channel, or of a tensor with one scale; finite.
 */
export function leastSquaresShare(weights: Float32Array, scheme: QuantScheme): number {
  let most = 0;
  for (const weight of weights) most = Math.max(most, Math.abs(weight));
  if (most === 0) return 1;
  return bestShare((share) => squaresLost(weights, Math.fround(most * Math.fround(share)), scheme)).share;
}

/** Returns what the grid that reaches `end` loses, rounding as the file does. */
function squaresLost(weights: Float32Array, end: number, scheme: QuantScheme): Loss {
  const scale = Math.max(Math.fround(end / (stepsOf(scheme) / 2)), LEAST_SCALE);
  const zeroPoint = symmetricZeroPoint(scheme);
  const [first, last] = [scheme.qmin - zeroPoint, scheme.qmax - zeroPoint];
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
