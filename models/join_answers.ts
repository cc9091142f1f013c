/** Answers to several batches, joined as they come: all of them, or of large ones the first and digests of all. */
import { type Answer, type Answers, type Digest, widthOf } from "./answers.ts";

/** What is kept of answers. */
export interface Keeping {
  /** What is made of outputs' answers, by their names; of these outputs the first answers alone are kept whole. */
  readonly digests?: Readonly<Record<string, (answer: Answer) => Digest>>;
  /** Outputs of which all answers are kept whole. Default: all that have no digest. */
  readonly whole?: readonly string[];
}

/** Numbers of an output whose answers are not all kept whole: 32 MiB. */
const MOST_NUMBERS = 2 ** 23;

/** Joins answers. */
export class AnswersJoin {
  readonly #keeping: Keeping;
  readonly #parts: Answers[] = [];
  /** Samples so far, and of each output those that are kept whole. */
  #samples = 0;

  /** Begins without answers. */
  constructor(keeping: Keeping = {}) {
    this.#keeping = keeping;
  }

  /** Takes the answers to a further batch. */
  add(answers: Answers): void {
    const { digests = {} } = this.#keeping;
    let samples = 0;
    this.#parts.push(Object.fromEntries(
      Object.entries(answers).map(([name, answer]) => {
        samples = answer.shape[0];
        const digest = Object.hasOwn(digests, name) ? { digest: digests[name](answer) } : {};
        return [name, { ...(this.#isWhole(name) ? answer : this.#firstOf(answer)), ...digest }];
      }),
    ));
    this.#samples += samples;
  }

  /** All answers, in the order of the batches. The grids are those of the first. */
  get answers(): Answers {
    const [first = {}] = this.#parts;
    return Object.fromEntries(
      Object.keys(first).map((name) => [name, joinOf(this.#parts.map((part) => part[name]))]),
    );
  }

  #isWhole(name: string): boolean {
    const { digests = {}, whole } = this.#keeping;
    return whole === undefined ? !Object.hasOwn(digests, name) : whole.includes(name);
  }

  /** The answers of a batch that are among the first; one of all batches at least. */
  #firstOf(answer: Answer): Answer {
    const width = widthOf(answer);
    const most = Math.max(1, Math.floor(MOST_NUMBERS / Math.max(1, width)));
    const [samples, ...rest] = answer.shape;
    const kept = Math.max(0, Math.min(samples, most - this.#samples));
    if (kept === samples) return answer;
    // A copy: what is left out is not to be held.
    return { ...answer, values: answer.values.slice(0, kept * width), shape: [kept, ...rest] };
  }
}

/**
 * Joins the answers to several batches, in their order. The grids are those of the first.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { joinAnswers } from "./join_answers.ts";
 *
 * const joined = joinAnswers([
 *   { a: { values: Float32Array.of(1, 2), shape: [1, 2] } },
 *   { a: { values: Float32Array.of(3, 4, 5, 6), shape: [2, 2] } },
 * ]);
 * assert.deepEqual(joined.a, { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] });
 * ```
 */
export function joinAnswers(parts: readonly Answers[]): Answers {
  const join = new AnswersJoin();
  for (const part of parts) join.add(part);
  return join.answers;
}

function joinOf(parts: readonly Answer[]): Answer {
  const [first] = parts;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  const digests = parts.flatMap(({ digest }) => digest === undefined ? [] : [digest]);
  fill(values, parts.map((part) => part.values));
  const joined = { ...first, values, shape: [countOf(parts), ...first.shape.slice(1)] };
  if (digests.length === 0) return joined;
  const bytes = new Uint8Array(digests.reduce((sum, digest) => sum + digest.values.length, 0));
  fill(bytes, digests.map((digest) => digest.values));
  return { ...joined, digest: { values: bytes, shape: [countOf(digests), ...digests[0].shape.slice(1)] } };
}

function countOf(parts: readonly Pick<Answer, "shape">[]): number {
  return parts.reduce((sum, { shape }) => sum + shape[0], 0);
}

function fill<T extends Float32Array | Uint8Array>(whole: T, parts: readonly T[]): void {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
}
