import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { changeOfHits, countPairs, type PairedHits, wilsonInterval } from "./hits.ts";

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

Deno.test("wilsonInterval() gives the published intervals", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I, method 3.
  const published = [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]];
  for (const [hits, count, low, high] of published) {
    const interval = wilsonInterval(hits, count);
    near(interval.low, low, 5e-5);
    near(interval.high, high, 5e-5);
    const turned = wilsonInterval(count - hits, count);
    near(turned.low, 1 - interval.high, 1e-12);
  }
  assert.deepEqual([wilsonInterval(0, 3).low, wilsonInterval(3, 3).high], [0, 1]);
});

Deno.test("changeOfHits() gives the published intervals of paired differences", () => {
  // Newcombe, "… based on paired data", Stat. Med. 17 (1998), method 10, and Fagerland, Lydersen, Laake, "Recommended
  // tests and confidence intervals for paired binomial proportions", Stat. Med. 33 (2014): airway hyper-responsiveness.
  const published: readonly (readonly [PairedHits, number, number, number])[] = [
    [{ both: 1, onlyBefore: 1, onlyAfter: 7, neither: 12 }, 0.026, 0.507, 5e-4],
    [{ both: 36, onlyBefore: 12, onlyAfter: 2, neither: 0 }, -0.3404, -0.0569, 5e-5],
  ];
  for (const [pairs, low, high, tolerance] of published) {
    const change = changeOfHits(pairs);
    near(change.low, low, tolerance);
    near(change.high, high, tolerance);
  }
});

Deno.test("changeOfHits() is McNemar's exact test: twice the smaller tail of a fair coin", () => {
  // Fagerland et al. (2014): p = 0.070 for 1 against 7.
  near(changeOfHits({ both: 1, onlyBefore: 1, onlyAfter: 7, neither: 12 }).p, 0.0703125, 1e-12);
  for (let all = 0; all <= 60; all++) {
    for (let few = 0; few <= all; few++) {
      const p = changeOfHits({ both: 3, onlyBefore: few, onlyAfter: all - few, neither: 2 }).p;
      near(p, coin(all, few), 1e-12 + 1e-10 * p);
    }
  }
  near(changeOfHits({ both: 9, onlyBefore: 2480, onlyAfter: 2520, neither: 9 }).p, coin(5000, 2480), 1e-9);
});

/** By whole numbers: 2 · Σ C(all, k) / 2^all, k up to the smaller count, 1 at most. */
function coin(all: number, count: number): number {
  let [tail, ways] = [0n, 1n];
  for (let k = 0; k <= Math.min(count, all - count); k++) {
    tail += ways;
    ways = ways * BigInt(all - k) / BigInt(k + 1);
  }
  const share = Number((2n * tail << 64n) >> BigInt(all)) / 2 ** 64;
  return Math.min(1, share);
}

Deno.test("changeOfHits() is never sure that nothing changed, and turns round with its arguments", () => {
  const same = changeOfHits({ both: 60, onlyBefore: 0, onlyAfter: 0, neither: 38 });
  assert.ok(same.p === 1 && same.low < -0.005 && same.high > 0.005);
  const there = changeOfHits({ both: 60, onlyBefore: 9, onlyAfter: 4, neither: 27 });
  const back = changeOfHits({ both: 60, onlyBefore: 4, onlyAfter: 9, neither: 27 });
  near(there.low, -back.high, 1e-12);
  near(there.high, -back.low, 1e-12);
  assert.equal(there.p, back.p);
});

Deno.test("changeOfHits() excludes 0 wherever its test finds a change", () => {
  for (const both of [0, 5, 90, 900]) {
    for (let before = 0; before <= 30; before++) {
      for (let after = 0; after <= 30; after++) {
        const { p, low, high } = changeOfHits({ both, onlyBefore: before, onlyAfter: after, neither: 7 });
        if (p < 0.05) assert.ok(low > 0 || high < 0, `${both} ${before} ${after}: ${p} ${low} ${high}`);
      }
    }
  }
});

Deno.test("countPairs() counts who is right", () => {
  const counts = countPairs(Float64Array.of(1, 1, 1, 0, 0, 0, 0), Float64Array.of(1, 1, 0, 1, 0, 0, 0));
  assert.deepEqual(counts, { both: 2, onlyBefore: 1, onlyAfter: 1, neither: 3 });
});

Deno.test("wilsonInterval() and changeOfHits() hold the truth about 95 times in 100", () => {
  // Two models of one difficulty a sample: hits are correlated, as those of a model and its int8 form.
  const random = new Random(5);
  const [runs, count] = [2000, 100];
  let [held, heldChange, falseAlarms] = [0, 0, 0];
  for (let run = 0; run < runs; run++) {
    const pairs = { both: 0, onlyBefore: 0, onlyAfter: 0, neither: 0 };
    for (let i = 0; i < count; i++) {
      const u = random.unit();
      pairs[u < 0.75 ? "both" : u < 0.85 ? "onlyBefore" : u < 0.91 ? "onlyAfter" : "neither"]++;
    }
    const { low, high } = wilsonInterval(pairs.both + pairs.onlyBefore, count);
    if (low <= 0.85 && 0.85 <= high) held++;
    const change = changeOfHits(pairs);
    if (change.low <= -0.04 && -0.04 <= change.high) heldChange++;
    const none = { ...pairs, onlyBefore: 0, onlyAfter: 0 };
    const discordant = pairs.onlyBefore + pairs.onlyAfter;
    for (let i = 0; i < discordant; i++) none[random.chance(0.5) ? "onlyBefore" : "onlyAfter"]++;
    if (changeOfHits(none).p < 0.05) falseAlarms++;
  }
  // 2000 runs: a share of 0.95 has a standard deviation of 0.5 points.
  assert.ok(held / runs > 0.93 && held / runs < 0.97, `${held}`);
  assert.ok(heldChange / runs > 0.93 && heldChange / runs < 0.98, `${heldChange}`);
  assert.ok(falseAlarms / runs < 0.055 && falseAlarms > 0, `${falseAlarms}`);
});
