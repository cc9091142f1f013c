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

/**
 * Joins the answers to several batches, in their order. The grids are those of the first.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { joinAnswers } from "./answers.ts";
 *
 * const joined = joinAnswers([
 *   { a: { values: Float32Array.of(1, 2), shape: [1, 2] } },
 *   { a: { values: Float32Array.of(3, 4, 5, 6), shape: [2, 2] } },
 * ]);
 * assert.deepEqual(joined.a, { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] });
 * ```
 */
export function joinAnswers(parts: readonly Answers[]): Answers {
  const [first = {}] = parts;
  return Object.fromEntries(
    Object.entries(first).map(([name, answer]) => [name, joinOf(parts.map((part) => part[name]), answer)]),
  );
}

function joinOf(parts: readonly Answer[], first: Answer): Answer {
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { ...first, values, shape: [parts.reduce((sum, { shape }) => sum + shape[0], 0), ...first.shape.slice(1)] };
}
