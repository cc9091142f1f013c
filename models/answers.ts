/** What a model answers to samples, from TF.js or from any other runtime: one type for all of them. */
import type { QParams } from "../src/numbers/scheme.ts";

/** One output's answers to a number of samples. */
export interface Answer {
  /** The values, row-major. */
  readonly values: Float32Array;
  /** [samples, …shape of one answer]. */
  readonly shape: readonly number[];
  /** Absent where the output is on no grid: in float, or one scale a slice. */
  readonly grid?: QParams;
  /** What was made of the answers to all samples, where `values` are those to the first samples alone. */
  readonly digest?: Digest;
}

/** What is made of each answer where all their numbers would be too many: bytes, such as the class of each pixel. */
export interface Digest {
  /** Row-major. */
  readonly values: Uint8Array;
  /** [samples, …shape of one digest]. */
  readonly shape: readonly number[];
}

/** A model's answers by the output's name, in the model's order. */
export type Answers = Readonly<Record<string, Answer>>;

/** Returns the numbers of one answer. */
export function widthOf({ shape }: Answer): number {
  return shape.slice(1).reduce((product, dim) => product * dim, 1);
}

/** Returns the answer to sample `i`, sharing its memory. */
export function rowOf(answer: Answer, i: number): Float32Array {
  const width = widthOf(answer);
  return answer.values.subarray(i * width, (i + 1) * width);
}
