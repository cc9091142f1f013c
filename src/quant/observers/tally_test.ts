import assert from "node:assert/strict";
import fc from "fast-check";
import { batches, joined } from "./_test_values.ts";
import { foldBins, mergeBins, Tally } from "./tally.ts";

function tallyOf(batches: readonly Float32Array[], bits?: number): Tally {
  const tally = new Tally(bits);
  for (const batch of batches) tally.add(batch);
  return tally;
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);

Deno.test("Tally counts values by their sign, exponent and first bits of the mantissa, to the nearest", () => {
  const { from, to, count } = tallyOf([Float32Array.of(1, 1.25, -3, 0, -0, 1.374, 1.376, 5)], 2).bins();
  // With two bits there are bins at 1, 1.25, 1.5 and 1.75 of an octave; each ends half way to the next.
  assert.deepEqual([...from], [-3, 0, 0.9375, 1.125, 1.375, 4.5]);
  assert.deepEqual([...to], [-2.75, 0, 1.125, 1.375, 1.625, 5]);
  assert.deepEqual([...count], [1, 2, 1, 2, 1, 1]);
});

Deno.test("Tally gives the same bins whatever batches values come in, and counts each once, where it is", () => {
  fc.assert(
    fc.property(batches, (data) => {
      const all = joined(data);
      const tally = tallyOf(data);
      const { from, to, count } = tally.bins();
      assert.deepEqual(tallyOf([all]).bins(), { from, to, count });
      assert.deepEqual([tally.count, sum(count)], [all.length, all.length]);
      assert.deepEqual(tally.range, { min: Math.min(0, ...all) + 0, max: Math.max(0, ...all) + 0 });
      assert.ok(from.every((low, i) => low <= to[i] && (i === 0 || to[i - 1] <= low)));
      // The least of all are 0.
      const seen = all.map((value) => Math.abs(value) < 2 ** -138 ? 0 : value);
      for (const value of seen) assert.ok(from.some((low, i) => low <= value && value <= to[i]), String(value));
      assert.ok(from.every((low, i) => to[i] - low <= Math.max(Math.abs(low), Math.abs(to[i])) / 2 ** 11 + 2 ** -137));
    }),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("Tally takes the largest and the smallest float32 there are", () => {
  const most = Math.fround(3.4028234663852886e38);
  const { from, to, count } = tallyOf([Float32Array.of(most, -most, 2 ** -149, -(2 ** -149))]).bins();
  assert.deepEqual([from[0], to.at(-1), ...count], [-most, most, 1, 2, 1]);
});

Deno.test("Tally keeps on counting beyond what 32 bits hold", () => {
  const tally = new Tally(11, 5);
  for (const batch of [[1, 2], [1, 1, -1], [1, 2, 1], [1], [2, 1, 1]]) tally.add(Float32Array.from(batch));
  assert.deepEqual([...tally.bins().count], [1, 8, 3]);
  assert.equal(tally.count, 12);
});

Deno.test("foldBins() gives magnitudes in order, and mergeBins() keeps counts, ends and signs apart", () => {
  fc.assert(
    fc.property(batches, (data) => {
      const bins = tallyOf(data).bins();
      const folded = foldBins(bins);
      const magnitudes = joined(data).map(Math.abs);
      assert.equal(sum(folded.count), magnitudes.length);
      assert.equal(Math.max(...folded.to), Math.max(...magnitudes));
      assert.ok(
        folded.from.every((low, i) => low >= 0 && low <= folded.to[i] && (i === 0 || folded.from[i - 1] <= low)),
      );
      const merged = mergeBins(bins);
      assert.equal(sum(merged.count), magnitudes.length);
      assert.deepEqual([merged.from[0], merged.to.at(-1)], [bins.from[0], bins.to.at(-1)]);
      const most = Math.max(-bins.from[0], bins.to.at(-1)!);
      merged.from.forEach((low, i) => {
        const high = merged.to[i];
        assert.ok(low * high >= 0);
        const least = Math.min(Math.abs(low), Math.abs(high));
        assert.ok(high - low <= Math.max(most / 2 ** 11, least / 2 ** 6), `${low} to ${high} of ${most}`);
      });
    }),
    { seed: 2, numRuns: 40 },
  );
});
