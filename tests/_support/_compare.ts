/** Comparison of elements under a tolerance. */
import type { TypedArray } from "../../src/numbers/dtype.ts";
import type { Tolerance } from "./op_cases.ts";

/** An element that is not what it should be. */
export interface Mismatch {
  readonly index: number;
  readonly actual: number;
  readonly expected: number;
}

/** At most this many mismatches are listed. */
const LISTED = 8;

/** Returns the first elements of `actual` that lie further from `expected` than `tolerance` allows. */
export function mismatches(actual: TypedArray, expected: TypedArray, tolerance: Tolerance): readonly Mismatch[] {
  if (actual.length !== expected.length) return [{ index: -1, actual: actual.length, expected: expected.length }];
  const found: Mismatch[] = [];
  for (let index = 0; index < expected.length && found.length < LISTED; index++) {
    const pair = { actual: Number(actual[index]), expected: Number(expected[index]) };
    if (!isClose(pair, tolerance)) found.push({ index, ...pair });
  }
  return found;
}

/** NaN equals NaN, 0 equals -0, an infinity equals itself alone. */
function isClose(
  { actual, expected }: { readonly actual: number; readonly expected: number },
  { relative, absolute }: Tolerance,
): boolean {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return true;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return false;
  return Math.abs(actual - expected) <= Math.max(absolute, relative * Math.abs(expected));
}
