import assert from "node:assert/strict";
import fc from "fast-check";
import { changeInterval } from "./interval.ts";
import type { MetricValue } from "./task.ts";

function metric(scores: readonly number[], value = scores.reduce((a, b) => a + b, 0) / scores.length): MetricValue {
  const each = Float64Array.from(scores);
  return { name: "MAE", output: "y", unit: "px", better: "lower", value, count: each.length, scores: each };
}

function near(actual: number | undefined, expected: number, tolerance = 1e-3): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

Deno.test("changeInterval() is the paired t interval", () => {
  // Differences 1, 0, 1, 0, 3: mean 1, sd √1.5, t(4) = 2.776 445: 1 ± 2.776 445 · √(1.5 / 5).
  const interval = changeInterval(metric([1, 2, 3, 4, 5]), metric([2, 2, 4, 4, 8]));
  near(interval?.low, 1 - 2.776445 * Math.sqrt(0.3));
  near(interval?.high, 1 + 2.776445 * Math.sqrt(0.3));
  assert.equal(interval?.confidence, 0.95);
});

Deno.test("changeInterval() has Student's quantiles", () => {
  // Differences ±1, as many of each: mean 0, sd √(n / (n - 1)), so that the upper end is t / √(n - 1).
  const quantiles = { 1: 12.7062, 3: 3.18245, 9: 2.26216, 29: 2.04523, 199: 1.97196 };
  for (const [freedom, expected] of Object.entries(quantiles)) {
    const n = Number(freedom) + 1;
    const after = Array.from({ length: n }, (_, i) => 5 + (i % 2 === 0 ? 1 : -1));
    const interval = changeInterval(metric(Array(n).fill(5)), metric(after));
    near(interval!.high * Math.sqrt(n - 1), expected, 0.01 * expected);
  }
});

Deno.test("changeInterval() is never sure of hits and misses, even where two models agree on all", () => {
  const hits = metric(Array.from({ length: 98 }, (_, i) => i % 3 === 0 ? 0 : 1));
  const { low, high } = changeInterval(hits, hits)!;
  // 98 zeros, 1 and -1: sd √(2 / 99), n = 100.
  near(high, 1.98422 * Math.sqrt(2 / 99 / 100), 1e-5);
  assert.equal(low, -high);
});

Deno.test("changeInterval() says nothing of a metric that is no mean, nor of a single sample", () => {
  assert.equal(changeInterval(metric([1, 2, 3]), metric([1, 2, 3], 0.7)), undefined);
  assert.equal(changeInterval(metric([1, NaN]), metric([1, 2])), undefined);
  assert.equal(changeInterval(metric([1]), metric([2])), undefined);
  assert.equal(changeInterval(metric([]), metric([])), undefined);
});

Deno.test("changeInterval() refuses scores of other samples", () => {
  const message = 'Cannot compare "MAE" of two models: one has 2 scores, the other 3, they must be of the same samples';
  assert.throws(() => changeInterval(metric([1, 2]), metric([1, 2, 3])), { name: "TypeError", message });
});

Deno.test("changeInterval() turns round with its arguments, and holds the change itself", () => {
  const scores = fc.array(
    fc.tuple(fc.double({ min: 0, max: 9, noNaN: true }), fc.double({ min: 0, max: 9, noNaN: true })),
    {
      minLength: 2,
    },
  );
  fc.assert(fc.property(scores, (pairs) => {
    const [a, b] = [0, 1].map((i) => metric(pairs.map((pair) => pair[i])));
    const [there, back] = [changeInterval(a, b)!, changeInterval(b, a)!];
    near(there.low, -back.high, 1e-9);
    near((there.low + there.high) / 2, b.value - a.value, 0.51); // the two made-up samples pull it towards 0
    if (a.scores.some((score) => score !== 0 && score !== 1)) {
      near((there.low + there.high) / 2, b.value - a.value, 1e-9);
    }
  }));
});
