/**
 * The OCTAV observer: the range that balances what rounding loses within against what clipping loses beyond, by iteration.
 *
 * With n values within [lo, hi], spread as noise over the cells of a grid of L steps, the squared error is taken to be
 *
 *   J(lo, hi) = n · (hi - lo)² / (12 L²) + Σ_{x > hi} (x - hi)² + Σ_{x < lo} (lo - x)²
 *
 * Zeros are codes, and lose nothing. Where the derivative by an end is 0, with a = n / (12 L²),
 *
 *   hi = (Σ_{x > hi} x + a · lo) / (#{x > hi} + a)          lo = (Σ_{x < lo} x + a · hi) / (#{x < lo} + a)
 *
 * which is iterated from 0 on, as Newton's method. On a symmetric grid hi is an end of |x|, lo is 0 and L are the steps on
 * one side: with 2^(b - 1) of them a is n · 4^(-b) / 3.
 * Source: Sakr et al., "Optimal clipping and magnitude-aware differentiation" (2022), algorithm 1.
 */
import type { Range } from "../../numbers/qparams.ts";
import { stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, ObserverOptions } from "./observer.ts";
import { type Bins, foldBins, Tally } from "./tally.ts";

/** The paper's; more change little. */
const ITERATIONS = 20;

/**
 * Makes an observer that finds its range by OCTAV's iteration.
 *
 * Of the ranges that come up and the one of all values it takes that of the least error by the formula above.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { octavObserver } from "./octav.ts";
 *
 * const observation = octavObserver().start();
 * const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
 * waves[0] = 1.8;
 * observation.add(waves);
 * const { max } = observation.range();
 * assert.ok(max < 1.3, String(max)); // one value is given up for the sake of 200,000
 * ```
 */
export function octavObserver({ scheme = UINT8_AFFINE, mantissaBits }: ObserverOptions = {}): HostObserver {
  return {
    where: "host",
    start: () => {
      const tally = new Tally(mantissaBits);
      return {
        add: (x) => tally.add(x),
        range: () => {
          const { min, max } = tally.range;
          const bins = tally.bins();
          if (!scheme.symmetric) return iterate(bins, { whole: { min, max }, steps: stepsOf(scheme) });
          const magnitudes = { whole: { min: 0, max: Math.max(-min, max) }, steps: stepsOf(scheme) / 2 };
          const end = iterate(foldBins(bins), magnitudes).max;
          return { min: Math.max(min, -end), max: Math.min(max, end) };
        },
      };
    },
  };
}

/** The range of all values, and the steps that a grid has over a range. */
interface Bounds {
  readonly whole: Range;
  readonly steps: number;
}

function iterate(bins: Bins, { whole, steps }: Bounds): Range {
  let best = { range: whole, loss: errorOf(bins, whole, steps) };
  let range: Range = { min: 0, max: 0 };
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    range = nextRange(bins, range, steps);
    const loss = errorOf(bins, range, steps);
    if (loss < best.loss) best = { range, loss };
  }
  return best.range;
}

function nextRange(bins: Bins, range: Range, steps: number): Range {
  const { within, above, below } = partsOf(bins, range);
  const weight = within / (12 * steps ** 2);
  const end = ({ count, sum }: Beyond, other: number) => (sum + weight * other) / (count + weight);
  return {
    min: below.count === 0 ? range.min : Math.min(end(below, range.max), 0),
    max: above.count === 0 ? range.max : Math.max(end(above, range.min), 0),
  };
}

/** Returns J of `range`. */
export function errorOf(bins: Bins, range: Range, steps: number): number {
  const { within, above, below } = partsOf(bins, range);
  return within * (range.max - range.min) ** 2 / (12 * steps ** 2) + above.squares + below.squares;
}

/** Values beyond an end: their number, their sum, and the squares of how far beyond they are. */
interface Beyond {
  count: number;
  sum: number;
  squares: number;
}

interface Parts {
  /** Number of values within the range that are not 0. */
  readonly within: number;
  readonly above: Beyond;
  readonly below: Beyond;
}

function partsOf({ from, to, count }: Bins, { min, max }: Range): Parts {
  const [above, below]: Beyond[] = [0, 1].map(() => ({ count: 0, sum: 0, squares: 0 }));
  let within = 0;
  for (let bin = 0; bin < count.length; bin++) {
    // Its end farther from 0, so that the last bins are the extremes themselves.
    const [value, counted] = [from[bin] < 0 ? from[bin] : to[bin], count[bin]];
    if (value >= min && value <= max) {
      if (value !== 0) within += counted;
      continue;
    }
    const beyond = value > max ? above : below;
    beyond.count += counted;
    beyond.sum += counted * value;
    beyond.squares += counted * (value - (value > max ? max : min)) ** 2;
  }
  return { within, above, below };
}
