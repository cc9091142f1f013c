/** Learning rates that change with the step: curves by name, with a warm-up before them. */
import { checkChoice } from "../src/text/nearest.ts";
import { checkRate } from "./optimizers.ts";
import { epochsDone, type StepPosition } from "./schedule.ts";

/** A learning rate as a function of the step. */
export type LearningRate = (at: StepPosition) => number;

/** What is left of the peak when a share of the way from 0 to 1 is behind. */
type Curve = (way: number) => number;

/** How a learning rate goes on after its peak. */
export type RateCurve = "cosine" | "linear" | "step" | "constant";

const CURVES: Readonly<Record<RateCurve, Curve>> = {
  /** Source: Loshchilov & Hutter, "SGDR" (2017), equation 5, one period. */
  cosine: (way) => (1 + Math.cos(Math.PI * way)) / 2,
  linear: (way) => 1 - way,
  /** Source: He et al., "Deep residual learning" (2016), section 4.2: a tenth from half of the way on, and from 3/4. */
  step: (way) => way < 0.5 ? 1 : way < 0.75 ? 0.1 : 0.01,
  constant: () => 1,
};

/** The curves that `rateFor` knows. */
// The record has no keys beyond its type's.
export const RATE_CURVES: readonly RateCurve[] = Object.keys(CURVES) as RateCurve[];

/** How a learning rate changes. */
export interface CurveOptions {
  /** Epochs from start to end of the curve. */
  readonly epochs: number;
  /** Epochs over which the rate first rises linearly; fractions are fine. Default: 0. */
  readonly warmUp?: number;
  /** Share of `peak` that is left at the end, in [0, 1]. Default: 0. */
  readonly floor?: number;
}

/**
 * Makes a learning rate that rises linearly to `peak` and then goes along the curve called `name`.
 *
 * Never 0 at a step within the epochs: warm-up counts from the step's end, the curve from its start.
 *
 * @param name One of `RATE_CURVES`.
 * @throws {RangeError} If there is no such curve, or a number is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { rateFor } from "./learning_rate.ts";
 *
 * const rate = rateFor("step", 1, { epochs: 9, warmUp: 1 });
 * const at = (epoch: number) => rate({ epoch, step: 0, stepsPerEpoch: 2 });
 * assert.deepEqual([0, 1, 5, 7].map(at), [0.5, 1, 0.1, 0.01]);
 * ```
 */
export function rateFor(name: string, peak: number, { epochs, warmUp = 0, floor = 0 }: CurveOptions): LearningRate {
  const curve: Curve = CURVES[checkChoice(name, { of: RATE_CURVES, cannot: `Cannot make a learning rate "${name}"` })];
  checkRate(peak, "make a learning rate");
  if (!(epochs > 0) || !(warmUp >= 0 && warmUp < epochs) || !(floor >= 0 && floor <= 1)) {
    throw new RangeError(
      `Cannot make a learning rate: epochs, warm-up and floor are ${epochs}, ${warmUp} and ${floor}, ` +
        `needed are epochs above 0, a warm-up in [0, epochs) and a floor in [0, 1]`,
    );
  }
  return (at) => {
    const rising = (epochsDone(at) + 1 / at.stepsPerEpoch) / warmUp;
    if (rising <= 1) return peak * rising;
    const way = Math.min(1, Math.max(0, epochsDone(at) - warmUp) / (epochs - warmUp));
    return peak * (floor + (1 - floor) * curve(way));
  };
}

/** Makes a learning rate that rises linearly to `peak` and then falls on half a cosine, see {@linkcode rateFor}. */
export function cosineRate(peak: number, options: CurveOptions): LearningRate {
  return rateFor("cosine", peak, options);
}
