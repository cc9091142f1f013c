/** The percentile observer: the narrowest range that keeps a share of all values. */
import { UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, ObserverOptions } from "./observer.ts";
import { type Bins, foldBins, Tally } from "./tally.ts";

/**
 * Makes an observer that cuts off the outermost values: of p percent kept, (100 - p) / 2 percent at each end, or on a
 * symmetric grid those of the largest magnitude.
 *
 * Precise to 1/4096 of an end. Source: ONNX Runtime's `calibrate.py`, where p is 99.999 too.
 *
 * @throws {RangeError} If the share is not in (0, 100].
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { percentileObserver } from "./percentile.ts";
 *
 * const observation = percentileObserver({ percentile: 98 }).start();
 * observation.add(Float32Array.from({ length: 1000 }, (_, i) => i + 1));
 * const { max } = observation.range();
 * assert.ok(Math.abs(max - 990) < 1); // 1 percent is above
 * ```
 */
export function percentileObserver(options: ObserverOptions = {}): HostObserver {
  const { scheme = UINT8_AFFINE, percentile = 99.999 } = options;
  if (!(percentile > 0 && percentile <= 100)) {
    throw new RangeError(`Cannot observe a percentile: it is ${percentile}, it must be in (0, 100]`);
  }
  return {
    where: "host",
    start: () => {
      const tally = new Tally(options.mantissaBits);
      return {
        add: (x) => tally.add(x),
        range: () => {
          const bins = tally.bins();
          const { min, max } = tally.range;
          if (scheme.symmetric) {
            const end = upperEnd(foldBins(bins), percentile / 100 * tally.count);
            return { min: Math.max(min, -end), max: Math.min(max, end) };
          }
          const kept = (50 + percentile / 2) / 100 * tally.count;
          return { min: Math.min(-upperEnd(mirrorBins(bins), kept), 0), max: Math.max(upperEnd(bins, kept), 0) };
        },
      };
    },
  };
}

/** Returns the upper edge of the first bin with `kept` values up to it. */
function upperEnd({ to, count }: Bins, kept: number): number {
  let sum = 0;
  const last = to.length - 1;
  for (let bin = 0; bin < last; bin++) {
    sum += count[bin];
    if (sum >= kept) return to[bin];
  }
  return to[last];
}

function mirrorBins({ from, to, count }: Bins): Bins {
  return { from: to.map((end) => -end).reverse(), to: from.map((end) => -end).reverse(), count: count.toReversed() };
}
