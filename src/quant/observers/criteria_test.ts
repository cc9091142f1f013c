/** Every observer that searches: never worse than min-max by what it searches for, and what that is, written plainly. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { seeded } from "../_test_support.ts";
import { codesAboveZero, computeQParams, type Range } from "../../numbers/qparams.ts";
import { dequantizeLinear, quantizeLinear } from "../../numbers/quantize.ts";
import { PER_TENSOR, type QuantScheme, stepsOf, UINT8_AFFINE } from "../../numbers/scheme.ts";
import { batches, joined, schemes } from "./_test_values.ts";
import { leastDivergence } from "./entropy.ts";
import { leastSquares, squaresLost } from "./mse.ts";
import { errorOf } from "./octav.ts";
import { Tally } from "./tally.ts";
import { type HostObserver, makeObserver, type ObserverName, type ObserverOptions, OBSERVERS } from "./mod.ts";

const UINT4: QuantScheme = { ...UINT8_AFFINE, dtype: "uint4", qmax: 15 };
const INT4: QuantScheme = { ...UINT8_AFFINE, dtype: "int4", qmin: -7, qmax: 7, symmetric: true };
const INT8: QuantScheme = { ...UINT8_AFFINE, dtype: "int8", qmin: -127, qmax: 127, symmetric: true };

function onHost(name: ObserverName, options: ObserverOptions): HostObserver {
  const observer = makeObserver(name, options);
  assert.equal(observer.where, "host");
  return observer as HostObserver;
}

function rangeBy(name: ObserverName, data: readonly Float32Array[], options: ObserverOptions = {}): Range {
  const observation = onHost(name, options).start();
  for (const batch of data) observation.add(batch);
  return observation.range();
}

/** The range of all values, with 0. */
function wholeOf(data: readonly Float32Array[]): Range {
  const all = joined(data);
  return { min: Math.min(0, ...all) + 0, max: Math.max(0, ...all) + 0 };
}

/** Root of the mean square error of rounding `x` to the grid of `range`. */
function rootError(x: Float32Array, range: Range, scheme: QuantScheme): number {
  const { qmin, qmax } = scheme;
  const grid = { ...computeQParams(range, scheme), qmin, qmax, granularity: PER_TENSOR };
  const rounded = dequantizeLinear(quantizeLinear(x, grid), grid);
  return Math.sqrt(x.reduce((sum, value, i) => sum + (value - rounded[i]) ** 2, 0) / x.length);
}

const SEARCHING: readonly ObserverName[] = ["mse", "percentile", "entropy", "octav"];

Deno.test("all observers on the host but the histogram, which has tests of its own, are tried here", () => {
  const hosts = Object.keys(OBSERVERS).filter((name) => makeObserver(name as ObserverName).where === "host");
  assert.deepEqual(hosts.filter((name) => name !== "histogram"), SEARCHING);
});

for (const name of SEARCHING) {
  Deno.test(`${name} gives a range within that of all values, the same whatever batches they come in`, () => {
    fc.assert(
      fc.property(batches, schemes, (data, scheme) => {
        const { min, max } = rangeBy(name, data, { scheme });
        const whole = wholeOf(data);
        assert.ok(min <= max && min >= whole.min && max <= whole.max, `${min} to ${max}`);
        assert.deepEqual(rangeBy(name, [joined(data)], { scheme }), { min, max });
      }),
      { seed: 3, numRuns: 40 },
    );
  });

  Deno.test(`${name} gives a value that is the only one, and zeros, as they are`, () => {
    for (const value of [0.1, 5, 1e-30, 1e30, 0]) {
      assert.deepEqual(rangeBy(name, [Float32Array.of(value, value)]), { min: 0, max: Math.fround(value) });
      assert.deepEqual(rangeBy(name, [Float32Array.of(-value)], { scheme: INT8 }), {
        min: -Math.fround(value) + 0,
        max: 0,
      });
    }
  });
}

Deno.test("mse rounds with no greater error than min-max, by all values and by its grid", () => {
  fc.assert(
    fc.property(batches, schemes, (data, scheme) => {
      const [all, whole] = [joined(data), wholeOf(data)];
      const error = rootError(all, rangeBy("mse", data, { scheme }), scheme);
      // It knows values to 1/4096 of the largest, twice: of their bins, and of bins put together.
      const slack = 2 * Math.max(-whole.min, whole.max) / 2496;
      const least = rootError(all, whole, scheme);
      assert.ok(error <= least + slack, `${error}, ${least}`);
    }),
    { seed: 4, numRuns: 100 },
  );
});

/** Values of a bell with a few far outside. */
function bell(length: number, { seed, shift = 0 }: { readonly seed: number; readonly shift?: number }): Float32Array {
  const next = seeded(seed);
  const x = Float32Array.from({ length }, () => next() + next() + next() + next() - 2 + shift);
  x.set([6, -5]);
  return x;
}

for (const [what, scheme] of [["affine", UINT4], ["symmetric", INT4]] as const) {
  Deno.test(`mse finds the least error on a ${what} grid, of all ranges tried one by one`, () => {
    const x = bell(5000, { seed: 5, shift: 0.3 });
    const whole = wholeOf([x]);
    let least = Infinity;
    for (let low = 1; low <= 24; low++) {
      for (let high = scheme.symmetric ? low : 1; high <= (scheme.symmetric ? low : 24); high++) {
        const range = { min: whole.min * low / 24, max: whole.max * high / 24 };
        least = Math.min(least, rootError(x, range, scheme));
      }
    }
    const error = rootError(x, rangeBy("mse", [x], { scheme }), scheme);
    assert.ok(error <= 1.005 * least, `${error}, ${least}`);
    assert.ok(error < 0.9 * rootError(x, whole, scheme));
  });
}

Deno.test("mse leaves whole numbers on the grid that holds them", () => {
  const pixels = Float32Array.from({ length: 5000 }, (_, i) => i % 256);
  assert.deepEqual(rangeBy("mse", [pixels]), { min: 0, max: 255 });
});

Deno.test("mse and octav lose no more than min-max, of what they know", () => {
  fc.assert(
    fc.property(batches, schemes, (data, scheme) => {
      const tally = new Tally();
      data.forEach((batch) => tally.add(batch));
      const [bins, whole] = [tally.bins(), tally.range];
      const squares = (range: Range) => squaresLost(bins, range, scheme).total;
      assert.ok(squares(leastSquares(bins, scheme)) <= squares(whole));
      if (scheme.symmetric) return;
      const model = (range: Range) => errorOf(bins, range, stepsOf(scheme));
      assert.ok(model(rangeBy("octav", data, { scheme })) <= model(whole));
    }),
    { seed: 13, numRuns: 100 },
  );
});

Deno.test("percentile keeps at least its share of values, in a narrower range than min-max", () => {
  fc.assert(
    fc.property(batches, schemes, fc.constantFrom(50, 90, 99, 99.999, 100), (data, scheme, percentile) => {
      const { min, max } = rangeBy("percentile", data, { scheme, percentile });
      const all = joined(data);
      const kept = all.filter((value) => value >= min && value <= max).length;
      assert.ok(kept >= percentile / 100 * all.length - 1e-6, `${kept} of ${all.length}`);
      if (percentile === 100) assert.deepEqual({ min, max }, wholeOf(data));
    }),
    { seed: 6, numRuns: 100 },
  );
});

Deno.test("percentile is the value of its rank, of magnitudes on a symmetric grid", () => {
  const x = bell(10_001, { seed: 7 });
  const sorted = x.toSorted();
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) <= Math.abs(expected) / 2048, `${actual}, ${expected}`);
  const { min, max } = rangeBy("percentile", [x], { percentile: 98 });
  near(min, sorted[100]);
  near(max, sorted[9900]);
  const magnitudes = x.map(Math.abs).toSorted();
  const symmetric = rangeBy("percentile", [x], { percentile: 98, scheme: INT8 });
  near(symmetric.max, magnitudes[9800]);
  near(symmetric.min, -magnitudes[9800]);
});

Deno.test("percentileObserver() refuses a share outside (0, 100]", () => {
  for (const percentile of [0, -1, 101, NaN]) {
    assert.throws(() => makeObserver("percentile", { percentile }), RangeError);
  }
});

/** Kullback-Leibler divergence of the first `bins` bins, cell by cell and bin by bin as they are defined. */
function divergence(counts: readonly number[], bins: number, codes: number): number {
  const beyond = counts.slice(bins).reduce((sum, count) => sum + count, 0);
  const cellOf = (bin: number) => Math.floor(bin * codes / bins);
  const cells = Array.from({ length: codes }, () => ({ sum: 0, filled: 0 }));
  for (let bin = 0; bin < bins; bin++) {
    if (counts[bin] === 0) continue;
    cells[cellOf(bin)].sum += counts[bin];
    cells[cellOf(bin)].filled++;
  }
  const p = counts.slice(0, bins).map((count, bin) => count + (bin === bins - 1 ? beyond : 0));
  const q = counts.slice(0, bins).map((count, bin) =>
    count === 0 ? 0 : cells[cellOf(bin)].sum / cells[cellOf(bin)].filled
  );
  const [all, within] = [p, q].map((values) => values.reduce((sum, value) => sum + value, 0));
  return p.reduce(
    (sum, value, i) => value === 0 ? sum : sum + value / all * Math.log(value / all / (q[i] / within)),
    0,
  );
}

Deno.test("leastDivergence() finds the least of all candidates, the widest of equal ones", () => {
  const count = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 50 }));
  fc.assert(
    fc.property(fc.array(count, { minLength: 40, maxLength: 40 }), fc.constantFrom(4, 7, 8), (counts, codes) => {
      // The first bin counts as the second.
      const known = [counts[1], ...counts.slice(1)];
      const found = leastDivergence(Float64Array.from(counts), codes);
      const all = Array.from({ length: 41 - codes }, (_, i) => divergence(known, codes + i, codes));
      const finite = all.filter(Number.isFinite);
      if (finite.length === 0) return assert.equal(found, 40);
      const least = Math.min(...finite);
      assert.ok(all[found - codes] <= least + 1e-9, `${found}: ${all[found - codes]}, ${least}`);
      assert.ok(all.slice(found - codes + 1).every((value) => !(value < least - 1e-9)));
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("entropy gives up values far outside, and none of an even distribution", () => {
  const { min, max } = rangeBy("entropy", [bell(200_000, { seed: 9 })]);
  assert.ok(min > -3 && max < 3 && max > 1, `${min} to ${max}`);
  const even = Float32Array.from({ length: 204_800 }, (_, i) => i / 204_799);
  assert.equal(rangeBy("entropy", [even]).max, 1);
});

/** What OCTAV takes the squared error to be, value by value: of magnitudes on a symmetric grid. */
function modelError(x: Float32Array, { min, max }: Range, scheme: QuantScheme): number {
  const steps = scheme.symmetric ? codesAboveZero(scheme) : stepsOf(scheme);
  const values = scheme.symmetric ? x.map(Math.abs) : x;
  const [low, high] = scheme.symmetric ? [0, Math.max(-min, max)] : [min, max];
  return values.reduce((sum, value) => {
    if (value > high) return sum + (value - high) ** 2;
    if (value < low) return sum + (low - value) ** 2;
    return value === 0 ? sum : sum + (high - low) ** 2 / (12 * steps ** 2);
  }, 0);
}

for (const [what, scheme] of [["affine", UINT4], ["symmetric", INT4]] as const) {
  Deno.test(`octav finds the least of its error on a ${what} grid, of all ranges tried one by one`, () => {
    for (
      const x of [
        bell(5000, { seed: 10 }),
        bell(5000, { seed: 11, shift: 1 }),
        bell(5000, { seed: 12 }).map((v) => Math.max(v, 0)),
      ]
    ) {
      const whole = wholeOf([x]);
      let least = Infinity;
      for (let low = 1; low <= 24; low++) {
        for (let high = scheme.symmetric ? low : 1; high <= (scheme.symmetric ? low : 24); high++) {
          least = Math.min(least, modelError(x, { min: whole.min * low / 24, max: whole.max * high / 24 }, scheme));
        }
      }
      const error = modelError(x, rangeBy("octav", [x], { scheme }), scheme);
      assert.ok(error <= 1.002 * least, `${error}, ${least}`);
      assert.ok(error < 0.9 * modelError(x, whole, scheme));
    }
  });
}
