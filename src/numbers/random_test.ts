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

/** The hash of seed and stream again, in BigInt: lowbias32 over steps of 2^32 / golden ratio. */
function referenceState(seed: number, stream: readonly number[]): readonly number[] {
  const mask = 0xffffffffn;
  const golden = 0x9e3779b9n;
  const mix = (x: bigint) => {
    x = ((x ^ (x >> 16n)) * 0x7feb352dn) & mask;
    x = ((x ^ (x >> 15n)) * 0x846ca68bn) & mask;
    return x ^ (x >> 16n);
  };
  let hash = 0n;
  for (const number of [seed, ...stream].map(BigInt)) {
    hash = mix(((hash + golden) & mask) ^ (number & mask));
    hash = mix(((hash + golden) & mask) ^ (number >> 32n));
  }
  return [1n, 2n, 3n, 4n].map((i) => Number(mix((hash + golden * i) & mask)));
}

Deno.test("Random() starts from the hash of its seed and stream, so that a seed means the same in every version", () => {
  const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(fc.property(number, fc.array(number, { maxLength: 3 }), (seed, stream) => {
    const random = new Random(seed, stream);
    const draws = Array.from({ length: 5 }, () => random.uint32());
    assert.deepEqual(draws, reference(referenceState(seed, stream), 5));
  }));
});

Deno.test("Random.below() throws away what would favour small numbers, and divides the rest", () => {
  for (const n of [1, 3, 6, 3 * 2 ** 30, 2 ** 31 + 1, 2 ** 32]) {
    const random = new Random(9);
    const kept = reference(referenceState(9, []), 200).filter((x) => x < n * Math.floor(2 ** 32 / n));
    assert.deepEqual(Array.from({ length: 50 }, () => random.below(n)), kept.slice(0, 50).map((x) => x % n), `${n}`);
  }
  for (const n of [0, -1, 0.5, 2 ** 32 + 1, NaN]) assert.throws(() => new Random(9).below(n), RangeError);
});

Deno.test("Random.chance() and pick() draw as often as they should, shuffle() every order equally often", () => {
  const random = new Random(5);
  // Five standard deviations of 10,000 draws at 0.3 and 1/4, and of 12,000 orders at 1/6: 229, 217 and 204.
  const happened = Array.from({ length: 10000 }, () => random.chance(0.3)).filter(Boolean).length;
  assert.ok(Math.abs(happened - 3000) < 229, `${happened}`);
  assert.equal(random.chance(0), false);
  assert.equal(random.chance(1), true);
  const picked = Map.groupBy(Array.from({ length: 10000 }, () => random.pick("abcd".split(""))), (letter) => letter);
  for (const letter of "abcd") assert.ok(Math.abs(picked.get(letter)!.length - 2500) < 217);
  const orders = Map.groupBy(Array.from({ length: 12000 }, () => random.shuffle([1, 2, 3]).join("")), (order) => order);
  assert.equal(orders.size, 6);
  for (const [order, { length }] of orders) assert.ok(Math.abs(length - 2000) < 204, `${order}: ${length}`);
});
