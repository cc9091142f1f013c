/** Sums up the steps of an epoch. */
import type { StepResult } from "./_step.ts";
import type { Phase } from "./schedule.ts";

/** A step besides what it found. */
interface StepFacts {
  readonly phase: Phase;
  readonly stepMs: number;
  readonly size: number;
}

/** The epoch so far. */
export interface Running {
  readonly meanLoss: number;
  readonly accuracy?: number;
  readonly imagesPerSecond: number;
}

/** Means, medians and flags over the steps of an epoch. Starts its clock when made. */
export class EpochLog {
  readonly #start = performance.now();
  readonly #times: number[] = [];
  #images = 0;
  #loss = 0;
  #right: number | undefined = 0;
  #phase: Phase = { observing: false, fakeQuantizing: false, trainingBatchNorm: false };
  #elapsedMs = 0;

  /** Adds a step that has just ended. */
  add({ loss, right }: StepResult, { phase, stepMs, size }: StepFacts): void {
    this.#times.push(stepMs);
    this.#images += size;
    // Batches may differ in size: the mean is that over images.
    this.#loss += loss * size;
    this.#right = this.#right === undefined || right === undefined ? undefined : this.#right + right;
    this.#phase = {
      observing: this.#phase.observing || phase.observing,
      fakeQuantizing: this.#phase.fakeQuantizing || phase.fakeQuantizing,
      trainingBatchNorm: this.#phase.trainingBatchNorm || phase.trainingBatchNorm,
    };
    this.#elapsedMs = performance.now() - this.#start;
  }

  /** Images seen and the time they took, in ms, waiting for data included. */
  get work(): { readonly images: number; readonly elapsedMs: number } {
    return { images: this.#images, elapsedMs: this.#elapsedMs };
  }

  /** The epoch so far. */
  running(): Running {
    return {
      meanLoss: this.#loss / this.#images,
      ...(this.#right === undefined ? {} : { accuracy: this.#right / this.#images }),
      imagesPerSecond: 1000 * this.#images / this.#elapsedMs,
    };
  }

  /** The epoch as a whole. */
  summary() {
    const { meanLoss, ...running } = this.running();
    return { loss: meanLoss, ...running, ...this.#phase, steps: this.#times.length, stepMs: median(this.#times) };
  }
}

/** Returns the median of `numbers`, the mean of the middle two of an even count. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
