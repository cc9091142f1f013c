/**
 * The entropy observer: the range whose grid keeps most of what the distribution of magnitudes says, by search.
 *
 * Magnitudes are counted in 2,048 bins of equal width. Of the candidates, the first i bins from as many as there are codes
 * on, p is the distribution with all that is beyond put into the last bin; q has the bins within put together in one cell a
 * code, and each cell spread evenly over those of its bins that are not empty. The candidate with the least Kullback-Leibler
 * divergence of q from p is taken, the widest of equal ones. The first bin counts as much as the second: zeros, half of all
 * behind a ReLU, are exact on every grid.
 *
 * With sums from the first bin on of counts c, of bins that are not empty, and of c · ln c, a candidate takes one logarithm
 * a cell: Σ p ln p is such a sum, and q is one number a cell.
 * Source: NVIDIA's calibration as TensorRT Model Optimizer has it (calib/histogram.py). ONNX Runtime's has 128 bins for 128
 * codes, and so one candidate only: all values.
 */
import type { Range } from "../../numbers/qparams.ts";
import { codesAboveZero } from "../../numbers/qparams.ts";
import { type QuantScheme, stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, ObserverOptions } from "./observer.ts";
import { type Bins, foldBins, Tally } from "./tally.ts";

/** Bins of the distribution. */
const BINS = 2048;

/**
 * Makes an observer whose range has the least divergence, cut to the values seen.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { entropyObserver } from "./entropy.ts";
 *
 * const observation = entropyObserver().start();
 * const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
 * waves[0] = 8;
 * observation.add(waves);
 * const { max } = observation.range();
 * assert.ok(max < 2, String(max)); // one value is given up for the sake of 200,000
 * ```
 */
export function entropyObserver({ scheme = UINT8_AFFINE, mantissaBits }: ObserverOptions = {}): HostObserver {
  return {
    where: "host",
    start: () => {
      const tally = new Tally(mantissaBits);
      return {
        add: (x) => tally.add(x),
        range: () => {
          const { min, max } = tally.range;
          const end = Math.max(-min, max);
          const codes = codesOfMagnitudes(scheme, { min, max });
          const counts = evenBins(foldBins(tally.bins()), { end, bins: BINS });
          const edge = leastDivergence(counts, codes) / BINS * end;
          return { min: Math.max(min, -edge), max: Math.min(max, edge) };
        },
      };
    },
  };
}

/** Codes that stand for magnitudes: all of them where values have one sign and zero may be at an end. */
function codesOfMagnitudes(scheme: QuantScheme, { min, max }: Range): number {
  if (scheme.symmetric) return codesAboveZero(scheme) + 1;
  const steps = stepsOf(scheme);
  return min === 0 || max === 0 ? steps + 1 : Math.floor((steps + 1) / 2);
}

/**
 * Returns the number of bins, from the first on, that a grid of `codes` codes keeps most of.
 *
 * @param counts Of values by magnitude, in bins of equal width.
 */
export function leastDivergence(counts: Float64Array, codes: number): number {
  const known = counts.with(0, counts[1]);
  const sums = {
    counts: sumsOf(known),
    filled: sumsOf(known.map((count) => count > 0 ? 1 : 0)),
    logs: sumsOf(known.map(timesLog)),
  };
  let best = { bins: counts.length, divergence: Infinity };
  for (let bins = counts.length; bins >= codes; bins--) {
    const divergence = divergenceAt(sums, bins, codes);
    if (divergence < best.divergence) best = { bins, divergence };
  }
  return best.bins;
}

/** Sums of the first 0, 1, … bins. */
interface Sums {
  readonly counts: Float64Array;
  readonly filled: Float64Array;
  readonly logs: Float64Array;
}

/** Σ p ln(p / q) of the first `bins` bins, of distributions that are not yet divided by their totals. */
function divergenceAt({ counts, filled, logs }: Sums, bins: number, codes: number): number {
  const [total, within] = [counts.at(-1)!, counts[bins]];
  const beyond = total - within;
  const last = counts[bins] - counts[bins - 1];
  // No code stands for what is put into an empty bin.
  if (within === 0 || (last === 0 && beyond > 0)) return Infinity;
  const own = logs[bins - 1] + timesLog(last + beyond);
  let other = 0;
  for (let cell = 0, begin = 0; cell < codes; cell++) {
    const end = Math.ceil((cell + 1) * bins / codes);
    const count = counts[end] - counts[begin];
    const outliers = cell === codes - 1 ? beyond : 0;
    if (count > 0) other += (count + outliers) * Math.log(count / (filled[end] - filled[begin]));
    begin = end;
  }
  return (own - other) / total - Math.log(total / within);
}

function timesLog(count: number): number {
  return count > 0 ? count * Math.log(count) : 0;
}

function sumsOf(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i];
  return sums;
}

/** Returns counts of magnitudes in as many bins of equal width up to `end`: what reaches over an edge is divided by it. */
function evenBins({ from, to, count }: Bins, { end, bins }: { readonly end: number; readonly bins: number }) {
  const even = new Float64Array(bins);
  const place = (value: number) => Math.min(value / end * bins, bins);
  for (let bin = 0; bin < count.length; bin++) {
    const [a, b] = [place(from[bin]), place(to[bin])];
    const [first, last] = [Math.min(Math.floor(a), bins - 1), Math.min(Math.floor(b), bins - 1)];
    for (let at = first; at <= last; at++) {
      const share = b > a ? (Math.min(b, at + 1) - Math.max(a, at)) / (b - a) : 1;
      even[at] += share * count[bin];
    }
  }
  return even;
}
