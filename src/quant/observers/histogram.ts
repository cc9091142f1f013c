/**
 * The histogram observer: of all ranges cut from both ends, the one that a grid loses least in.
 *
 * 2,048 bins between the smallest and the largest value seen. A grid of n codes over bins l to r has n cells of equal
 * width d, and what it stands for are their centres c. Values spread evenly within a bin [a, b] of density p lose
 *
 *   p · ∫ (x − c)² dx = p · ((b − c)³ − (a − c)³) / 3
 *
 * piece by piece of the cells that the bin reaches into; beyond the ends the outermost cells go on for ever. The search
 * gives up a hundred-thousandth of all values at a time, at the end where that takes off more bins, until the loss grows.
 */
import type { Range } from "../../numbers/qparams.ts";
import { type QuantScheme, stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, Observation, ObserverOptions } from "./observer.ts";

/** Bins of the histogram. */
export const BINS = 2048;

/** Parts of a bin that it is taken apart into when its values move to another range. */
const PARTS = 16;

/** Share of all values that one step of the search gives up. */
const STEP = 1e-5;

/**
 * Makes an observer that keeps a histogram of all values, and cuts its range to the least squared error.
 *
 * It keeps min and max of all values and 2,048 counts between; they move in sixteenths of a bin when a later batch has a
 * wider range.
 * Source: PyTorch `HistogramObserver`. As there, the first step is taken whatever it loses; but if the range found loses
 * more than that from min to max, and is narrower by more than the one bin that a histogram cannot tell, it is the latter.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { histogramObserver } from "./histogram.ts";
 *
 * const observation = histogramObserver().start();
 * const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
 * waves[0] = 1.8;
 * observation.add(waves);
 * const { max } = observation.range();
 * assert.ok(max < 1.1, String(max)); // one value is given up for the sake of 200,000
 * ```
 */
export function histogramObserver({ scheme = UINT8_AFFINE }: ObserverOptions = {}): HostObserver {
  return { where: "host", start: () => new Histogram(scheme) };
}

/** Counts of values between the least and the largest of them. */
export class Histogram implements Observation {
  /** Least value, a float32; before any, Infinity. */
  min = Infinity;
  /** Largest value, a float32; before any, -Infinity. */
  max = -Infinity;
  /** How many values there are in each bin. */
  counts: Float64Array = new Float64Array(BINS);
  readonly #codes: number;

  /** @param scheme Of the grid that the range is for. */
  constructor(scheme: QuantScheme) {
    this.#codes = stepsOf(scheme) + 1;
  }

  /**
   * Counts `x`.
   *
   * @returns Whether its values are finite; if not, they are not counted.
   */
  add(x: Float32Array): boolean {
    if (!this.#widen(x)) return false;
    const { counts, min, max } = this;
    const span = max - min;
    // `binOf` written out, which V8 takes half the time for: this loop is most of what calibration does besides inference.
    for (let i = 0; i < x.length; i++) {
      const bin = ((x[i] - min) / span * BINS) | 0;
      counts[bin < BINS ? bin : BINS - 1]++;
    }
    return true;
  }

  /** Returns the range that loses least. */
  range(): Range {
    const { min, max } = this;
    const span = Math.fround(max - min);
    const width = Math.fround(span / BINS);
    // Exact, but of subnormal numbers: among those there are no bins.
    if (width * BINS !== span) return { min, max };
    const { first, last } = leastLoss(this.counts, this.#codes);
    const at = (edge: number) => Math.fround(min + Math.fround(width * edge));
    return { min: at(first), max: last === BINS - 1 ? max : at(last + 1) };
  }

  /** Makes room for `x`, if its values are finite: every part of a bin goes where its middle lies. */
  #widen(x: Float32Array): boolean {
    let { min, max } = this;
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const value = x[i];
      if (value < min) min = value;
      if (value > max) max = value;
      // 0, or NaN from the first value on that is not finite.
      sum += value - value;
    }
    if (sum !== 0) return false;
    if (min === this.min && max === this.max) return true;
    const moved = new Float64Array(BINS);
    const width = (this.max - this.min) / BINS;
    for (let bin = 0; bin < BINS; bin++) {
      const count = this.counts[bin];
      if (count === 0) continue;
      for (let part = 0; part < PARTS; part++) {
        moved[binOf(this.min + (bin + (part + 0.5) / PARTS) * width - min, max - min)] += count / PARTS;
      }
    }
    [this.min, this.max, this.counts] = [min, max, moved];
    return true;
  }
}

/** Returns the bin of a value that is `above` the least one. */
function binOf(above: number, span: number): number {
  // As an integer it is rounded down, and 0 / 0, where all values are one, becomes 0.
  const bin = (above / span * BINS) | 0;
  return bin < BINS ? bin : BINS - 1;
}

/** Bins, both included, that a range covers. */
export interface Bins {
  readonly first: number;
  readonly last: number;
}

/** Searches the bins over which a grid of `codes` codes loses least. */
function leastLoss(histogram: Float64Array, codes: number): Bins {
  const sums = cumulated(histogram);
  const total = sums[BINS - 1];
  const whole: Bins = { first: 0, last: BINS - 1 };
  let best = { bins: whole, loss: Infinity };
  for (let low = 0, high = 1; low < high;) {
    const { first, last } = best.bins;
    const cut = cutOf(best.bins, { sums, least: (low + STEP) * total, most: (high - STEP) * total });
    const fromBelow = cut.first - first > last - cut.last;
    if (fromBelow) low += STEP;
    else high -= STEP;
    const bins = fromBelow ? { first: cut.first, last } : { first, last: cut.last };
    if (bins.first === first && bins.last === last) continue;
    const loss = lossOf(histogram, { ...bins, codes });
    if (loss > best.loss) break;
    best = { bins, loss };
  }
  const isNarrow = best.bins.last - best.bins.first < BINS - 2;
  return isNarrow && best.loss > lossOf(histogram, { ...whole, codes }) ? whole : best.bins;
}

interface Quantiles {
  readonly sums: Float64Array;
  readonly least: number;
  readonly most: number;
}

/** Moves both ends inwards: to the first bin with `least` values up to it, and to the last with no more than `most`. */
function cutOf({ first, last }: Bins, { sums, least, most }: Quantiles): Bins {
  let [low, high] = [first, last];
  while (low < last && sums[low] < least) low++;
  while (high > first && sums[high] > most) high--;
  return { first: low, last: high };
}

function cumulated(histogram: Float64Array): Float64Array {
  let sum = 0;
  return histogram.map((count) => sum += count);
}

/**
 * Returns the squared error that a grid of `codes` codes over bins `first` to `last` makes of all values, in squared widths
 * of a bin.
 */
export function lossOf(
  histogram: ArrayLike<number>,
  { first, last, codes }: Bins & { readonly codes: number },
): number {
  const cell = (last - first + 1) / codes;
  const cellOf = (x: number) => Math.min(Math.max(Math.floor(x / cell), 0), codes - 1);
  const whole = integral(-cell / 2, cell / 2);
  let loss = 0;
  for (let bin = 0; bin < histogram.length; bin++) {
    if (histogram[bin] === 0) continue;
    const [begin, end] = [bin - first, bin - first + 1];
    const [from, to] = [cellOf(begin), cellOf(end)];
    const head = integral(begin - (from + 0.5) * cell, cell / 2);
    const tail = integral(-cell / 2, end - (to + 0.5) * cell);
    loss += histogram[bin] * (head + (to - from - 1) * whole + tail);
  }
  return loss;
}

/** ∫ x² dx from `a` to `b`. */
function integral(a: number, b: number): number {
  return (b ** 3 - a ** 3) / 3;
}
