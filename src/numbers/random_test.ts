import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "./random.ts";

/** xoshiro128** 1.1 again, in BigInt: the independent oracle. */
function reference(state: readonly number[], draws: number): number[] {
  const mask = 0xffffffffn;
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  const s = state.map(BigInt);
  return Array.from({ length: draws }, () => {
    const result = (rotl((s[1] * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
    return Number(result);
  });
}

Deno.test("Random.uint32() gives the published first numbers for the state 1, 2, 3, 4", () => {
  const random = Random.fromState([1, 2, 3, 4]);
  assert.deepEqual(Array.from({ length: 4 }, () => random.uint32()), [11520, 0, 5927040, 70819200]);
});

Deno.test("Random.uint32() equals a BigInt implementation for any state", () => {
  const word = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  fc.assert(fc.property(fc.tuple(word, word, word, word), (state) => {
    const random = Random.fromState(state);
    assert.deepEqual(Array.from({ length: 20 }, () => random.uint32()), reference(state, 20));
  }));
});

Deno.test("Random() gives streams that differ when the seed, its high half or the stream differ", () => {
  const first = (seed: number, stream: number[] = []) => new Random(seed, stream).uint32();
  const draws = [
    first(0),
    first(1),
    first(2 ** 32),
    first(2 ** 52),
    first(0, [0]),
    first(0, [1]),
    first(1, [0]),
    first(0, [0, 0]),
  ];
  assert.equal(new Set(draws).size, draws.length);
  assert.equal(first(5, [6]), first(5, [6]));
});

Deno.test("Random() refuses a seed that is no integer in range", () => {
  for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => new Random(seed), RangeError);
});

Deno.test("Random.below() draws every value about equally often", () => {
  const counts = new Array<number>(10).fill(0);
  const random = new Random(3);
  for (let i = 0; i < 20000; i++) counts[random.below(10)]++;
  // Standard deviation sqrt(20000 * .1 * .9) = 42; five of them.
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 212, `${counts}`);
});

Deno.test("Random.between() and unit() stay in range and have the mean of a uniform distribution", () => {
  const random = new Random(4);
  let sum = 0;
  for (let i = 0; i < 10000; i++) {
    const x = random.between(-2, 4);
    assert.ok(x >= -2 && x < 4);
    sum += x;
  }
  // The mean of 10,000 draws deviates by 6 / sqrt(12) / 100 = 0.017; five of them.
  assert.ok(Math.abs(sum / 10000 - 1) < 0.087);
});

Deno.test("Random.shuffle() permutes", () => {
  fc.assert(fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
    const shuffled = new Random(seed).shuffle([...items]);
    assert.deepEqual([...shuffled].sort((a, b) => a - b), [...items].sort((a, b) => a - b));
  }));
});
