/** Codes: the integers that stand for real values, and the types that they are stored in. */

/** Codes that a grid, scheme or type holds, both ends included. */
export interface CodeRange {
  /** Smallest code. */
  readonly qmin: number;
  /** Largest code. */
  readonly qmax: number;
}

/** Types of codes. Those of four bits are ranges only: in memory here their codes take a byte each. */
export const CODE_TYPES = ["uint4", "int4", "uint8", "int8", "uint16", "int16", "uint32", "int32"] as const;

/** Name of a type that codes are stored in. */
export type CodeType = typeof CODE_TYPES[number];

/** Arrays that hold codes. */
export type Codes = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

/** Whether `name` is the name of a type of codes. */
export function isCodeType(name: string): name is CodeType {
  return (CODE_TYPES as readonly string[]).includes(name);
}

/** Whether `type` has negative codes. */
export function isSigned(type: CodeType): boolean {
  return type.startsWith("int");
}

/**
 * Returns every code that `type` holds.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { codeRangeOf } from "./codes.ts";
 *
 * assert.deepEqual(codeRangeOf("int4"), { qmin: -8, qmax: 7 });
 * ```
 */
export function codeRangeOf(type: CodeType): CodeRange {
  const count = 2 ** Number(/\d+$/.exec(type)?.[0]);
  return isSigned(type) ? { qmin: -count / 2, qmax: count / 2 - 1 } : { qmin: 0, qmax: count - 1 };
}

/** Whether every code of `inner` is one of `outer`. */
export function containsCodes(outer: CodeRange, inner: CodeRange): boolean {
  return outer.qmin <= inner.qmin && inner.qmax <= outer.qmax;
}

/** Clamps `code` to the codes in use. */
export function clampCode(code: number, { qmin, qmax }: CodeRange): number {
  return Math.min(Math.max(code, qmin), qmax);
}

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
} as const;

/** Makes a zero-filled array of the narrowest type that holds every code of `range`; 32 bits where none does. */
export function allocateCodes(length: number, range: CodeRange): Codes {
  // Object.keys returns string; these are ARRAYS' own keys, in the order written.
  const fitting = (Object.keys(ARRAYS) as (keyof typeof ARRAYS)[]).find((type) =>
    containsCodes(codeRangeOf(type), range)
  );
  return new (fitting === undefined ? Int32Array : ARRAYS[fitting])(length);
}
