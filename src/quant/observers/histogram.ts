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
import { stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import type { HostObserver, HostState, ObserverOptions } from "./observer.ts";

/** Bins of the histogram. */
export const BINS = 2048;

/** A histogram of all values seen, min and max as float32 numbers; before any, Infinity and -Infinity. */
interface Seen {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly histogram: Float64Array;
}

/** Parts of a bin that it is taken apart into when its values move to another range. */
const PARTS = 16;

/** Share of all values that one step of the search gives up. */
const STEP = 1e-5;

/**
 * Makes an observer that keeps a histogram of all values, and cuts its range to the least squared error.
 *
 * State: min and max of all values, their number, and 2,048 counts between; they move in sixteenths of a bin when a later
 * batch has a wider range.
 * Source: PyTorch `HistogramObserver`. As there, the first step is taken whatever it loses; but if the range found loses
 * more than that from min to max, and is narrower by more than the one bin that a histogram cannot tell, it is the latter.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { histogramObserver } from "./histogram.ts";
 * import { initialState } from "./observer.ts";
 *
 * const observer = histogramObserver();
 * const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
 * waves[0] = 1.8;
 * const { max } = observer.rangeOf(observer.update(initialState(observer), waves));
 * assert.ok(max < 1.1, String(max)); // one value is given up for the sake of 200,000
 * ```
 */
export function histogramObserver({ scheme = UINT8_AFFINE }: ObserverOptions = {}): HostObserver {
  return {
    where: "host",
    state: {
      min: { shape: [], initial: 0 },
      max: { shape: [], initial: 0 },
      count: { shape: [], initial: 0 },
      histogram: { shape: [BINS], initial: 0 },
    },
    update: (state, x) => {
      const seen = readState(state);
      const range = x.reduce(
        ({ min, max }, value) => ({ min: Math.min(min, value), max: Math.max(max, value) }),
        { min: seen.min, max: seen.max },
      );
      const histogram = movedTo(range, seen);
      for (const value of x) histogram[binOf(value, range)]++;
      return {
        min: Float64Array.of(range.min),
        max: Float64Array.of(range.max),
        count: Float64Array.of(seen.count + x.length),
        histogram,
      };
    },
    rangeOf: (state) => {
      const { min, max, histogram } = readState(state);
      const span = Math.fround(max - min);
      const width = Math.fround(span / BINS);
      // Exact, but of subnormal numbers: among those there are no bins.
      if (width * BINS !== span) return { min, max };
      const { first, last } = leastLoss(histogram, stepsOf(scheme) + 1);
      const at = (edge: number) => Math.fround(min + Math.fround(width * edge));
      return { min: at(first), max: last === BINS - 1 ? max : at(last + 1) };
    },
  };
}

function readState({ min: [min], max: [max], count: [count], histogram }: HostState): Seen {
  return count === 0 ? { min: Infinity, max: -Infinity, count, histogram } : { min, max, count, histogram };
}

function binOf(value: number, { min, max }: Range): number {
  const bin = Math.floor((value - min) / (max - min) * BINS);
  // 0 / 0 where all values are one.
  return bin > 0 ? Math.min(bin, BINS - 1) : 0;
}

/** Returns the counts of `seen` over a range that contains its own: every part of a bin goes where its middle lies. */
function movedTo(range: Range, seen: Seen): Float64Array {
  if (seen.min === range.min && seen.max === range.max) return seen.histogram.slice();
  const moved = new Float64Array(BINS);
  const width = (seen.max - seen.min) / BINS;
  for (let bin = 0; bin < BINS; bin++) {
    const count = seen.histogram[bin];
    if (count === 0) continue;
    for (let part = 0; part < PARTS; part++) {
      moved[binOf(seen.min + (bin + (part + 0.5) / PARTS) * width, range)] += count / PARTS;
    }
  }
  return moved;
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
