/**
 * Rounding to the nearest integer, ties to even, as ONNX Round and QuantizeLinear do.
 *
 * A double has 52 bits of fraction. Adding 1.5 * 2^52 leaves none of them for parts of 1, so the addition itself rounds,
 * and IEEE 754's default rounding is half to even. Exact for |x| < 2^51; beyond that every code is clamped anyway.
 */
const SHIFT = 1.5 * 2 ** 52;

/** Smallest normal float32; numbers below it have fewer bits, or are 0 where a machine flushes them. */
export const LEAST_NORMAL = 2 ** -126;

/** Rounds `x` to the nearest integer, ties to even; never returns -0. */
export function roundHalfEven(x: number): number {
  return x + SHIFT - SHIFT;
}
