/**
 * A histogram that needs no range beforehand: values are counted by the leading bits of their float32 form.
 *
 * The upper bits of a float32 are its sign, its exponent and the first bits of its mantissa. Rounded to m of these, every
 * octave from 2^k to 2^(k+1) has 2^m bins, whatever values come: nothing moves when a later batch is wider, counts do not
 * depend on how values are batched, and values of 10^-6 are told apart beside one of 10^6. With m = 11 a bin is nowhere
 * wider than 1/2048 of the largest magnitude; near 0 bins are finer by far.
 */
import type { Range } from "../../numbers/qparams.ts";

/** Bits of the mantissa that one tensor's values are told apart by. */
export const MANTISSA_BITS = 11;

/** Bits of a mantissa in float32. */
const ALL_BITS = 23;

/** The form of the sign. */
const SIGN = 0x80000000;

/** Forms of magnitudes from here on are Infinity and NaN. */
const NOT_FINITE = 0x7f800000;

/** The largest count of 32 bits. */
const MOST_COUNTS = 2 ** 32 - 1;

/** Values in order, as bins none of which is empty; within a bin they are spread evenly. A bin of one value has no width. */
export interface Bins {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly count: Float64Array;
}

/** Counts values. */
export class Tally {
  /** Values counted. */
  count = 0;
  readonly #shift: number;
  /** By the rounded form, twice: one after the other, so that equal neighbours do not wait for each other's count. */
  #counts: Uint32Array;
  readonly #mostCounts: number;
  /** What was counted before the last time that 32 bits might have been too few. */
  #before: Float64Array | undefined;
  #countsSince = 0;
  /** Form of the largest value that is not negative, and of the magnitude of the least that is negative. */
  #most = 0;
  #least = 0;

  /**
   * @param bits Of the mantissa, that values are told apart by.
   * @param mostCounts After so many values counts move to float64: one value could have them all.
   */
  constructor(bits = MANTISSA_BITS, mostCounts = MOST_COUNTS) {
    this.#shift = ALL_BITS - bits;
    this.#mostCounts = mostCounts;
    this.#counts = new Uint32Array(2 ** (33 - this.#shift));
  }

  /**
   * Counts `x`.
   *
   * @returns Whether its values are finite; if not, counts mean nothing any more.
   */
  add(x: Float32Array): boolean {
    if (this.#countsSince + x.length > this.#mostCounts) this.#move();
    const [counts, shift, half] = [this.#counts, this.#shift, 1 << (this.#shift - 1)];
    const forms = new Int32Array(x.buffer, x.byteOffset, x.length);
    let [most, least] = [this.#most, this.#least];
    for (let i = 0; i < forms.length; i++) {
      const form = forms[i];
      counts[((form + half) >>> shift) * 2 + (i & 1)]++;
      // As signed integers, forms of values above 0 are in order, and others are below 0.
      if (form > most) most = form;
      if ((form ^ SIGN) > least) least = form ^ SIGN;
    }
    [this.#most, this.#least] = [most, least];
    this.#countsSince += x.length;
    this.count += x.length;
    return Math.max(most, least) < NOT_FINITE;
  }

  /** Largest value, or 0 if all are negative; the least, or 0 if none is. */
  get range(): Range {
    return { min: -valueOf(this.#least) + 0, max: valueOf(this.#most) };
  }

  /** Returns what was counted, from the least value to the largest. */
  bins(): Bins {
    const [from, to, count]: [number[], number[], number[]] = [[], [], []];
    const push = (low: number, high: number, counted: number) => {
      from.push(low);
      to.push(high);
      count.push(counted);
    };
    const signs = 2 ** (31 - this.#shift);
    for (let at = this.#last(this.#least); at > 0; at--) {
      const counted = this.#at(signs + at);
      if (counted > 0) push(-this.#upper(at, this.#least), -this.#lower(at), counted);
    }
    const zeros = this.#at(0) + this.#at(signs);
    if (zeros > 0) push(0, 0, zeros);
    for (let at = 1; at <= this.#last(this.#most); at++) {
      const counted = this.#at(at);
      if (counted > 0) push(this.#lower(at), this.#upper(at, this.#most), counted);
    }
    return { from: Float64Array.from(from), to: Float64Array.from(to), count: Float64Array.from(count) };
  }

  /** The bin that magnitudes of at most `form` end in. */
  #last(form: number): number {
    return Math.ceil(form / 2 ** this.#shift);
  }

  /** Least magnitude of a bin. */
  #lower(at: number): number {
    return valueOf((at - 0.5) * 2 ** this.#shift);
  }

  /** Largest magnitude of a bin: none is above that of the form `most`. */
  #upper(at: number, most: number): number {
    return valueOf(Math.min((at + 0.5) * 2 ** this.#shift, most));
  }

  #at(form: number): number {
    return this.#counts[2 * form] + this.#counts[2 * form + 1] + (this.#before?.[form] ?? 0);
  }

  #move(): void {
    this.#before = Float64Array.from({ length: this.#counts.length / 2 }, (_, form) => this.#at(form));
    this.#counts = new Uint32Array(this.#counts.length);
    this.#countsSince = 0;
  }
}

const word = new DataView(new ArrayBuffer(4));

/** Returns the float32 of a form. */
function valueOf(form: number): number {
  word.setUint32(0, form);
  return word.getFloat32(0);
}

/** Returns the magnitudes of what `bins` hold. */
export function foldBins({ from, to, count }: Bins): Bins {
  const parts = Array.from(count, (counted, i) => [Math.min(Math.abs(from[i]), Math.abs(to[i])), i, counted] as const);
  parts.sort(([a], [b]) => a - b);
  const magnitude = (ends: Float64Array, i: number) => Math.abs(ends[i]);
  return {
    from: Float64Array.from(parts, ([least]) => least),
    to: Float64Array.from(parts, ([, i]) => Math.max(magnitude(from, i), magnitude(to, i))),
    count: Float64Array.from(parts, ([, , counted]) => counted),
  };
}

/** Bins of one magnitude or less are merged where together they are no wider than this share of the largest of all. */
const WIDTH = 2 ** -12;

/** Or than this share of their own. */
const OWN_WIDTH = 2 ** -6;

/** Merges neighbours as far as it makes no difference to the rounding of eight bits: some thousand bins are left. */
export function mergeBins({ from, to, count }: Bins): Bins {
  const most = Math.max(-from[0], to.at(-1) ?? 0);
  const merged: { from: number; to: number; count: number }[] = [];
  for (let bin = 0; bin < count.length; bin++) {
    const last = merged.at(-1);
    const least = Math.min(Math.abs(last?.from ?? 0), Math.abs(to[bin]));
    const isNear = last !== undefined && last.from * to[bin] > 0 &&
      to[bin] - last.from <= Math.max(most * WIDTH, least * OWN_WIDTH);
    if (isNear) Object.assign(last, { to: to[bin], count: last.count + count[bin] });
    else merged.push({ from: from[bin], to: to[bin], count: count[bin] });
  }
  return {
    from: Float64Array.from(merged, (bin) => bin.from),
    to: Float64Array.from(merged, (bin) => bin.to),
    count: Float64Array.from(merged, (bin) => bin.count),
  };
}
