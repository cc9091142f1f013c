/**
 * IEEE 754 half precision: 1 sign, 5 bits of exponent, 10 of fraction.
 *
 * In memory here, as everywhere in this project, its numbers are their bit patterns.
 */

/** Largest finite number. What is half a step beyond it, 65520, is infinite. */
export const LARGEST_HALF = 65504;

/** Smallest number with all bits of its fraction; smaller ones lose one for each factor of 2, and are 0 from 2⁻²⁵ down. */
export const LEAST_NORMAL_HALF = 2 ** -14;

/** Rounds numbers to half precision, ties to even, and returns their bit patterns. */
export function toHalf(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(Float16Array.from(values).buffer);
}

/** Returns the numbers that bit patterns of half precision stand for. */
export function fromHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length));
}

/** Returns the numbers that bit patterns of bfloat16 stand for: the upper halves of those of single precision. */
export function fromBfloat(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint32Array.from(bits, (upper) => upper * 2 ** 16).buffer);
}

/** What half precision does not hold of some numbers. */
export interface HalfLosses {
  /** The largest magnitude of those that become infinite; 0 if none does. */
  readonly beyond: number;
  /** How many are so small that they keep fewer bits. */
  readonly subnormal: number;
  /** How many of these become 0. */
  readonly vanished: number;
}

/** Finds what is lost of finite numbers by rounding them to half precision. */
export function lossesOfHalf(values: Float32Array): HalfLosses {
  let beyond = 0;
  let subnormal = 0;
  let vanished = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size >= LARGEST_HALF + 16) beyond = Math.max(beyond, size);
    if (size >= LEAST_NORMAL_HALF || size === 0) continue;
    subnormal++;
    if (size <= 2 ** -25) vanished++;
  }
  return { beyond, subnormal, vanished };
}
