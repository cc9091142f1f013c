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

/** An epoch that was completed. */
export interface EpochInfo {
  /** Counts from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean training loss. */
  readonly loss: number;
  /** What the task counts while it trains, each sample by the weights of its step. */
  readonly metrics: readonly Reading[];
  /** Whether ranges were observed at any step. */
  readonly observing: boolean;
  /** Whether values were rounded at any step. */
  readonly fakeQuantizing: boolean;
  /** Whether batch normalization used the batch's statistics at any step; true of a model that has none to freeze. */
  readonly trainingBatchNorm: boolean;
  /** Learning rate of the last step; absent if the optimizer shows none. */
  readonly learningRate?: number;
  readonly steps: number;
  /** Median time of a step, in ms. */
  readonly stepMs: number;
  /** Loading of data included, the call after the epoch not. */
  readonly samplesPerSecond: number;
}

/** An epoch and what `onEpochEnd` thought of it. */
export interface EpochRecord extends EpochInfo {
  readonly score?: number;
}

/** The epoch so far. */
export interface Running {
  readonly meanLoss: number;
  readonly metrics: readonly Reading[];
  readonly samplesPerSecond: number;
}

/** What a log has counted, as plain data. */
export interface EpochLogState {
  readonly times: readonly number[];
  readonly sums: readonly number[];
  readonly samples: number;
  readonly loss: number;
  readonly phase: Phase;
  readonly elapsedMs: number;
}

/** Means, medians and flags over the steps of an epoch. Starts its clock when made. */
export class EpochLog {
  readonly #start: number;
  readonly #times: number[];
  readonly #counted: readonly MetricInfo[];
  readonly #sums: number[];
  #samples: number;
  #loss: number;
  #phase: Phase;
  #elapsedMs: number;

  /**
   * @param counted What each sum of a step is of.
   * @param before What a log of the same epoch had counted when it was left.
   */
  constructor(counted: readonly MetricInfo[], before?: EpochLogState) {
    this.#counted = counted;
    this.#times = [...before?.times ?? []];
    this.#sums = [...before?.sums ?? counted.map(() => 0)];
    this.#samples = before?.samples ?? 0;
    this.#loss = before?.loss ?? 0;
    this.#phase = before?.phase ?? { observing: false, fakeQuantizing: false, trainingBatchNorm: false };
    this.#elapsedMs = before?.elapsedMs ?? 0;
    this.#start = performance.now() - this.#elapsedMs;
  }

  /** Steps so far. */
  get steps(): number {
    return this.#times.length;
  }

  /** What was counted so far. */
  get state(): EpochLogState {
    return {
      times: [...this.#times],
      sums: [...this.#sums],
      samples: this.#samples,
      loss: this.#loss,
      phase: this.#phase,
      elapsedMs: this.#elapsedMs,
    };
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
