/**
 * Seeded random numbers: xoshiro128** 1.1, its state filled by hashing the seed.
 *
 * The same seed gives the same numbers on every machine: only 32-bit integer arithmetic is involved.
 * Sources: Blackman & Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47 (2021), xoshiro128** 1.1;
 * the hash is `lowbias32` of Wellons, "Prospecting for Hash Functions" (2018).
 */

/** 2^32 / golden ratio, odd: the step from one hash to the next. */
const GOLDEN = 0x9e3779b9;

/** Mixes 32 bits so that each input bit changes about half of the output bits. */
function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** xoshiro128**'s four words of state, not all zero. */
type State = readonly [number, number, number, number];

/**
 * Checks that `seed` is an integer from 0 to 2^53 - 1, the range that a number holds exactly.
 *
 * @throws {RangeError} If it is not.
 */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Cannot seed random numbers: the seed is ${seed}, needed is an integer from 0 to 2^53 - 1`);
  }
}

/** Hashes the seed and the stream's numbers into a state; every number enters with both its 32-bit halves. */
function stateOf(seed: number, stream: readonly number[]): State {
  let hash = 0;
  for (const number of [seed, ...stream]) {
    checkSeed(number);
    hash = mix32(hash + GOLDEN ^ number >>> 0);
    hash = mix32(hash + GOLDEN ^ Math.floor(number / 2 ** 32));
  }
  const word = (i: number) => mix32(hash + Math.imul(GOLDEN, i) >>> 0);
  // mix32 is a bijection, so at most one of four different inputs gives 0: the state is never all zero.
  return [word(1), word(2), word(3), word(4)];
}

/** A stream of random numbers; two streams of one seed are independent for all that data sets need. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * Starts the stream `stream` of `seed`.
   *
   * @param seed An integer from 0 to 2^53 - 1.
   * @param stream Numbers that tell this stream from others of the same seed, such as an epoch.
   * @throws {RangeError} If the seed or a number of the stream is not such an integer.
   *
   * @example
   * ```ts
   * import assert from "node:assert/strict";
   * import { Random } from "./random.ts";
   *
   * assert.equal(new Random(7, [1]).uint32(), new Random(7, [1]).uint32());
   * assert.notEqual(new Random(7, [1]).uint32(), new Random(7, [2]).uint32());
   * ```
   */
  constructor(seed: number, stream: readonly number[] = []) {
    [this.#a, this.#b, this.#c, this.#d] = stateOf(seed, stream);
  }

  /** Starts a stream from xoshiro128**'s own four words of state, to compare with other implementations. */
  static fromState(state: State): Random {
    const random = new Random(0);
    [random.#a, random.#b, random.#c, random.#d] = state;
    return random;
  }

  /** Draws an integer from 0 to 2^32 - 1. */
  uint32(): number {
    const b = this.#b;
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= b << 9;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Draws a number from [0, 1), a multiple of 2^-32. */
  unit(): number {
    return this.uint32() * 2 ** -32;
  }

  /** Draws a number from [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Draws an integer from 0 to `n` - 1, each equally likely (draws that would favour some are thrown away). */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`Cannot draw an integer below ${n}: needed is an integer from 1 to 2^32`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Draws one of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Whether an event of probability `p` happens. */
  chance(p: number): boolean {
    return this.unit() < p;
  }

  /** Shuffles `items` in place (Fisher-Yates) and returns it. */
  shuffle<A extends { readonly length: number; [i: number]: unknown }>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const swap = items[i];
      items[i] = items[j];
      items[j] = swap;
    }
    return items;
  }
}
