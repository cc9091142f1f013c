/** Sums up the steps of an epoch. */
import type { MetricInfo } from "../tasks/task.ts";
import type { StepResult } from "./_step.ts";
import type { Phase } from "./schedule.ts";

/** A step besides what it found. */
interface StepFacts {
  readonly phase: Phase;
  readonly stepMs: number;
  readonly size: number;
}

/** A metric's value, as progress shows it. */
export interface Reading extends MetricInfo {
  readonly value: number;
}

/** The epoch so far. */
export interface Running {
  readonly meanLoss: number;
  readonly metrics: readonly Reading[];
  readonly samplesPerSecond: number;
}

/** Means, medians and flags over the steps of an epoch. Starts its clock when made. */
export class EpochLog {
  readonly #start = performance.now();
  readonly #times: number[] = [];
  readonly #counted: readonly MetricInfo[];
  readonly #sums: number[];
  #samples = 0;
  #loss = 0;
  #phase: Phase = { observing: false, fakeQuantizing: false, trainingBatchNorm: false };
  #elapsedMs = 0;

  /** @param counted What each sum of a step is of. */
  constructor(counted: readonly MetricInfo[]) {
    this.#counted = counted;
    this.#sums = counted.map(() => 0);
  }

  /** Adds a step that has just ended. */
  add({ loss, sums }: StepResult, { phase, stepMs, size }: StepFacts): void {
    this.#times.push(stepMs);
    this.#samples += size;
    // Batches may differ in size: the mean is that over samples.
    this.#loss += loss * size;
    sums.forEach((sum, i) => this.#sums[i] += sum);
    this.#phase = {
      observing: this.#phase.observing || phase.observing,
      fakeQuantizing: this.#phase.fakeQuantizing || phase.fakeQuantizing,
      trainingBatchNorm: this.#phase.trainingBatchNorm || phase.trainingBatchNorm,
    };
    this.#elapsedMs = performance.now() - this.#start;
  }

  /** Samples seen and the time they took, in ms, waiting for data included. */
  get work(): { readonly samples: number; readonly elapsedMs: number } {
    return { samples: this.#samples, elapsedMs: this.#elapsedMs };
  }

  /** The epoch so far. */
  running(): Running {
    return {
      meanLoss: this.#loss / this.#samples,
      metrics: this.#counted.map((info, i) => ({ ...info, value: this.#sums[i] / this.#samples })),
      samplesPerSecond: 1000 * this.#samples / this.#elapsedMs,
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
