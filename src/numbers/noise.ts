/** Quantization noise: what rounding makes of a signal, in decibels. */

/** Energy of a signal and of what was made of it less the signal, both sums of squares. */
export interface Noise {
  readonly signal: number;
  readonly noise: number;
}

/** Of no values. */
export const NO_NOISE: Noise = { signal: 0, noise: 0 };

/**
 * Returns the noise of `given`, values that should be `real`.
 *
 * @param sum The noise of values before these. Default: there were none.
 */
export function noiseOf(real: ArrayLike<number>, given: ArrayLike<number>, sum: Noise = NO_NOISE): Noise {
  let { signal, noise } = sum;
  for (let i = 0; i < real.length; i++) {
    signal += real[i] ** 2;
    noise += (real[i] - given[i]) ** 2;
  }
  return { signal, noise };
}

/**
 * Returns the signal to quantization noise ratio in dB, 10·log10(Σx² / Σ(x − x̂)²); null where there is no noise, or no
 * signal.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { noiseOf, sqnrDb } from "./noise.ts";
 *
 * assert.equal(sqnrDb(noiseOf([3, 4], [3, 4.5])), 20);
 * assert.equal(sqnrDb(noiseOf([3, 4], [3, 4])), null);
 * ```
 */
export function sqnrDb({ signal, noise }: Noise): number | null {
  return noise === 0 || signal === 0 ? null : 10 * Math.log10(signal / noise);
}
