/** How alike two models answer. */
import type { Prediction } from "./deployed.ts";

/** The grid on which outputs are quantized. */
export interface OutputGrid {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** How alike the simulated and the deployed model answer. */
export interface Agreement {
  /** Share of samples with the same strongest output. */
  readonly top1: number;
  /** Output codes: how many were compared, how many differ, by how many steps at the most. */
  readonly codes: { readonly compared: number; readonly different: number; readonly maxDifference: number };
}

/**
 * Compares two models' answers to the same samples.
 *
 * @param grid The outputs' grid; without one there are no codes to compare.
 * @throws {TypeError} If the models gave another number of values, or none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compareAnswers } from "./agreement.ts";
 *
 * const simulated = { values: Float32Array.of(0.25, 0.75, 0.5, 0), width: 2 };
 * const deployed = { values: Float32Array.of(0.25, 0.5, 0.5, 0), width: 2 };
 * const { top1, codes } = compareAnswers(simulated, deployed, { scale: 0.25, zeroPoint: 0 });
 * assert.deepEqual({ top1, ...codes }, { top1: 1, compared: 4, different: 1, maxDifference: 1 });
 * ```
 */
export function compareAnswers(a: Prediction, b: Prediction, grid?: OutputGrid): Agreement {
  if (a.values.length !== b.values.length) {
    throw new TypeError(
      `Cannot compare answers: one model gave ${a.values.length} values, the other ${b.values.length}`,
    );
  }
  if (a.values.length === 0) throw new TypeError("Cannot compare answers: there are none");
  const samples = a.values.length / a.width;
  let alike = 0;
  for (let i = 0; i < samples; i++) if (strongest(a, i) === strongest(b, i)) alike++;
  const codes = grid === undefined ? { compared: 0, different: 0, maxDifference: 0 } : compareCodes(a, b, grid);
  return { top1: alike / samples, codes };
}

/** Index of the strongest output of sample `i`; the first of equals. */
function strongest({ values, width }: Prediction, i: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) if (values[i * width + k] > values[i * width + best]) best = k;
  return best;
}

function compareCodes(a: Prediction, b: Prediction, { scale }: OutputGrid): Agreement["codes"] {
  let different = 0;
  let maxDifference = 0;
  for (let i = 0; i < a.values.length; i++) {
    // Both are multiples of the scale, up to rounding; the zero point cancels.
    const steps = Math.abs(Math.round((a.values[i] - b.values[i]) / scale));
    if (steps > 0) different++;
    maxDifference = Math.max(maxDifference, steps);
  }
  return { compared: a.values.length, different, maxDifference };
}
