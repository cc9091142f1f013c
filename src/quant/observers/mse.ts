/**
 * The mean-square-error observer: of all ranges, the one whose grid loses least, by search.
 *
 * In units of the scale, with codes counted from the one of 0, a value u is rounded to k = clamp(round(u), first, last) and
 * loses (u - k)². The integral of that, from any point on, is F(u) = k / 12 + (u - k)³ / 3: a cell that is passed whole has
 * 1 / 12, and beyond the last one the cube goes on. So values that are spread evenly from a to b lose
 *
 *   s² · (F(b / s) - F(a / s)) / (b / s - a / s)
 *
 * each. What is beyond the range loses more, the narrower the range: where that alone is more than the least loss found,
 * no narrower range can be better, and the search ends.
 */
import { computeQParams, type Range } from "../../numbers/qparams.ts";
import { type QuantScheme, UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, ObserverOptions } from "./observer.ts";
import { bestShare, type Loss } from "./_best_share.ts";
import { type Bins, mergeBins, Tally } from "./tally.ts";

/** Times that one end is searched while the other one stays. */
const ROUNDS = 2;

/** Narrower bins, in scales, are one value: a difference of integrals would be lost in rounding. */
const NARROW = 1e-6;

/**
 * Makes an observer whose range gives the least mean square error of rounding.
 *
 * The error is that of the grid itself, with its zero point. On a symmetric grid both ends move together, else also one by
 * one. What is tried starts with all values, so that nothing found is worse than min-max.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { mseObserver } from "./mse.ts";
 *
 * const observation = mseObserver().start();
 * const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
 * waves[0] = 1.8;
 * observation.add(waves);
 * const { max } = observation.range();
 * assert.ok(max < 1.3, String(max)); // one value is given up for the sake of 200,000
 * ```
 */
export function mseObserver({ scheme = UINT8_AFFINE, mantissaBits }: ObserverOptions = {}): HostObserver {
  return {
    where: "host",
    start: () => {
      const tally = new Tally(mantissaBits);
      return { add: (x) => tally.add(x), range: () => leastSquares(mergeBins(tally.bins()), scheme) };
    },
  };
}

/** Searches the range whose grid rounds `bins` with the least squared error. */
export function leastSquares(bins: Bins, scheme: QuantScheme): Range {
  const whole = { min: Math.min(bins.from[0], 0), max: Math.max(bins.to.at(-1)!, 0) };
  let best = { range: whole, loss: squaresLost(bins, whole, scheme).total };
  const search = (narrowed: (share: number) => Range) => {
    const { share, loss } = bestShare((share) => squaresLost(bins, narrowed(share), scheme));
    if (loss < best.loss) best = { range: narrowed(share), loss };
  };
  search((share) => ({ min: whole.min * share, max: whole.max * share }));
  if (scheme.symmetric || whole.min === 0 || whole.max === 0) return best.range;
  for (let round = 0; round < ROUNDS; round++) {
    const { max } = best.range;
    search((share) => ({ min: whole.min * share, max }));
    const { min } = best.range;
    search((share) => ({ min, max: whole.max * share }));
  }
  return best.range;
}

/** Returns the squared error that the grid of `range` makes of all that `bins` hold. */
export function squaresLost({ from, to, count }: Bins, range: Range, scheme: QuantScheme): Loss {
  const { scale, zeroPoint } = computeQParams(range, scheme);
  const [first, last] = [scheme.qmin - zeroPoint, scheme.qmax - zeroPoint];
  let [total, clipped] = [0, 0];
  for (let bin = 0; bin < count.length; bin++) {
    const [a, b] = [from[bin] / scale, to[bin] / scale];
    const [low, high] = [codeOf(a, first, last), codeOf(b, first, last)];
    const lost = count[bin] * (b - a < NARROW ? (a - low) ** 2 : (integral(b, high) - integral(a, low)) / (b - a));
    total += lost;
    if (a > last || b < first) clipped += lost;
  }
  return { total: total * scale ** 2, clipped: clipped * scale ** 2 };
}

function codeOf(u: number, first: number, last: number): number {
  return Math.min(Math.max(Math.round(u), first), last);
}

/** F above. */
function integral(u: number, code: number): number {
  return code / 12 + (u - code) ** 3 / 3;
}
