/** What is active at each training step, as a function of the step. */

/** Where training stands. */
export interface StepPosition {
  /** Epochs completed before this one: 0 in the first. */
  readonly epoch: number;
  /** Steps completed in this epoch: 0 at its first. */
  readonly step: number;
  readonly stepsPerEpoch: number;
}

/** What is active during a step. */
export interface Phase {
  /** Whether the ranges of activations and the scales of weights follow what is seen. */
  readonly observing: boolean;
  /** Whether activations and weights are rounded to their grids. */
  readonly fakeQuantizing: boolean;
  /** Whether batch normalization uses and updates the statistics of the batch. */
  readonly trainingBatchNorm: boolean;
}

/** Says what is active at a step. It may be asked for any step, in any order. */
export type Schedule = (at: StepPosition) => Phase;

/** When the parts of quantization-aware training stop or start, in epochs completed; fractions and Infinity are fine. */
export interface QatScheduleOptions {
  /** Ranges are observed during this many epochs, then fixed. Default: 4. With 0 they must come from calibration. */
  readonly freezeObserversAfter?: number;
  /** Batch normalization learns its statistics during this many epochs, then uses them. Default: 3. */
  readonly freezeBatchNormAfter?: number;
  /** Values are not rounded yet during this many epochs. Default: 0. */
  readonly delayFakeQuant?: number;
}

/**
 * Makes the schedule of quantization-aware training: first learn ranges and statistics, then train with both fixed.
 *
 * Source: the recipe of Krishnamoorthi, "Quantizing deep convolutional networks" (2018), section 3.2, and of PyTorch's
 * QAT references, which freeze observers after epoch 4 and BN statistics after epoch 3.
 *
 * @throws {RangeError} If a number of epochs is negative or not a number.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { qatSchedule } from "./schedule.ts";
 *
 * const schedule = qatSchedule({ freezeObserversAfter: 4, freezeBatchNormAfter: 3 });
 * assert.deepEqual(schedule({ epoch: 3, step: 0, stepsPerEpoch: 100 }), {
 *   observing: true,
 *   fakeQuantizing: true,
 *   trainingBatchNorm: false,
 * });
 * ```
 */
export function qatSchedule(options: QatScheduleOptions = {}): Schedule {
  const { freezeObserversAfter = 4, freezeBatchNormAfter = 3, delayFakeQuant = 0 } = options;
  for (const [name, epochs] of Object.entries({ freezeObserversAfter, freezeBatchNormAfter, delayFakeQuant })) {
    if (!(epochs >= 0)) {
      throw new RangeError(`Cannot schedule training: ${name} is ${epochs}, needed is a number of epochs from 0`);
    }
  }
  return (at) => {
    const done = epochsDone(at);
    return {
      observing: done < freezeObserversAfter,
      fakeQuantizing: done >= delayFakeQuant,
      trainingBatchNorm: done < freezeBatchNormAfter,
    };
  };
}

/** Says the schedule of float training: nothing is observed or rounded, batch normalization learns. */
export const floatSchedule: Schedule = () => ({ observing: false, fakeQuantizing: false, trainingBatchNorm: true });

/** Returns how many epochs are behind `at`, as a fraction. */
export function epochsDone({ epoch, step, stepsPerEpoch }: StepPosition): number {
  return epoch + step / stepsPerEpoch;
}

/**
 * Makes the schedule of activations that are swapped gradually: the share of its slope that each FadingReLU has at a step
 * falls from 1 to 0 along a straight line, over `epochs`.
 *
 * @throws {RangeError} If the number of epochs is not above 0.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { fadingSchedule } from "./schedule.ts";
 *
 * const share = fadingSchedule(2);
 * assert.deepEqual([0, 1, 2, 3].map((epoch) => share({ epoch, step: 0, stepsPerEpoch: 10 })), [1, 0.5, 0, 0]);
 * ```
 */
export function fadingSchedule(epochs: number): (at: StepPosition) => number {
  if (!(epochs > 0)) {
    throw new RangeError(`Cannot swap activations gradually: over ${epochs} epochs, a number above 0 is needed`);
  }
  return (at) => Math.max(0, 1 - epochsDone(at) / epochs);
}
