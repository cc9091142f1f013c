/** How alike two models answer. */
import { type Answer, type Answers, rowOf, widthOf } from "../models/answers.ts";
import type { QParams } from "../src/numbers/scheme.ts";
import type { BoundTask } from "../tasks/task.ts";

/** How alike the codes of one grid before an output are. */
export interface GridAgreement {
  /** The layer whose values they stand for. */
  readonly layer: string;
  /** Codes compared. */
  readonly count: number;
  readonly different: number;
  /** Largest difference, in steps of the grid. */
  readonly maxDifference: number;
}

/** What was compared of an output: codes where both models answer on one grid, else the values themselves. */
export type Compared =
  | {
    readonly kind: "codes";
    /** Codes compared. */
    readonly count: number;
    readonly different: number;
    /** Largest difference, in steps of the grid. */
    readonly maxDifference: number;
  }
  | {
    readonly kind: "values";
    /** Values compared. */
    readonly count: number;
    /** Largest difference. */
    readonly maxDifference: number;
    /** Root of the mean squared difference. */
    readonly rmsDifference: number;
    /** The codes of the last grids before the output, where they were compared. */
    readonly lastGrids?: readonly GridAgreement[];
  };

/** How alike two models answer with one output. */
export interface OutputAgreement {
  readonly output: string;
  /** Samples compared. */
  readonly samples: number;
  /** Share of the samples whose answers come to the same, as the task has it; absent where it cannot say. */
  readonly same?: number;
  readonly compared: Compared;
}

/** An entry for each output, in the model's order. */
export type Agreement = readonly OutputAgreement[];

/**
 * Compares two models' answers to the same samples, output by output.
 *
 * @param a Its outputs are compared; `b` must have them all.
 * @param task Says when two answers come to the same.
 * @throws {TypeError} If an output is missing, or the models gave another number of values, or none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compareAnswers } from "./agreement.ts";
 *
 * const grid = { scale: 0.25, zeroPoint: 0 };
 * const simulated = { out: { values: Float32Array.of(0.25, 0.75, 0.5, 0), shape: [2, 2], grid } };
 * const deployed = { out: { values: Float32Array.of(0.25, 0.5, 0.5, 0), shape: [2, 2], grid } };
 * const [{ output, compared }] = compareAnswers(simulated, deployed);
 * assert.equal(output, "out");
 * assert.deepEqual(compared, { kind: "codes", count: 4, different: 1, maxDifference: 1 });
 * ```
 */
export function compareAnswers(a: Answers, b: Answers, task?: Pick<BoundTask, "heads">): Agreement {
  const outputs = Object.keys(a);
  if (outputs.length === 0) throw new TypeError("Cannot compare answers: there are none");
  return outputs.map((output) => {
    if (!Object.hasOwn(b, output)) {
      throw new TypeError(`Cannot compare answers: only one model has the output "${output}"`);
    }
    return compareOutput(output, [a[output], b[output]], task?.heads[output]?.sameAnswer);
  });
}

function compareOutput(
  output: string,
  [a, b]: readonly [Answer, Answer],
  sameAnswer?: (a: Float32Array, b: Float32Array) => boolean,
): OutputAgreement {
  if (a.values.length !== b.values.length || widthOf(a) !== widthOf(b)) {
    throw new TypeError(
      `Cannot compare answers: one model gave ${a.values.length} values for output "${output}" ([${a.shape}]), ` +
        `the other ${b.values.length} ([${b.shape}])`,
    );
  }
  if (a.values.length === 0) throw new TypeError(`Cannot compare answers: there are none for output "${output}"`);
  const samples = a.values.length / widthOf(a);
  const grid = sharedGrid(a, b);
  return {
    output,
    samples,
    ...(sameAnswer === undefined ? {} : { same: shareOfSame([a, b], { samples, sameAnswer }) }),
    compared: grid === undefined ? compareValues(a, b) : compareCodes([a, b], grid),
  };
}

/** The grid that both answers lie on, if there is one; its scales may differ by float32's rounding. */
function sharedGrid({ grid: a }: Answer, { grid: b }: Answer): QParams | undefined {
  if (a === undefined || b === undefined) return undefined;
  return Math.abs(a.scale - b.scale) <= 1e-6 * a.scale && a.zeroPoint === b.zeroPoint ? a : undefined;
}

function shareOfSame(
  [a, b]: readonly [Answer, Answer],
  { samples, sameAnswer }: {
    readonly samples: number;
    readonly sameAnswer: (a: Float32Array, b: Float32Array) => boolean;
  },
): number {
  let same = 0;
  for (let i = 0; i < samples; i++) if (sameAnswer(rowOf(a, i), rowOf(b, i))) same++;
  return same / samples;
}

function compareCodes([{ values: a }, { values: b }]: readonly [Answer, Answer], { scale }: QParams): Compared {
  let different = 0;
  let maxDifference = 0;
  for (let i = 0; i < a.length; i++) {
    // Both are multiples of the scale, up to rounding; the zero point cancels.
    const steps = Math.abs(Math.round((a[i] - b[i]) / scale));
    if (steps > 0) different++;
    maxDifference = Math.max(maxDifference, steps);
  }
  return { kind: "codes", count: a.length, different, maxDifference };
}

function compareValues({ values: a }: Answer, { values: b }: Answer): Compared {
  let squares = 0;
  let maxDifference = 0;
  for (let i = 0; i < a.length; i++) {
    // Equal infinities do not differ.
    const difference = Object.is(a[i], b[i]) ? 0 : Math.abs(a[i] - b[i]);
    squares += difference ** 2;
    maxDifference = Math.max(maxDifference, difference);
  }
  return { kind: "values", count: a.length, maxDifference, rmsDifference: Math.sqrt(squares / a.length) };
}
