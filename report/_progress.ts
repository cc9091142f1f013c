/** How training goes: who shows it, and in which words. */
import { formatMetric } from "../tasks/task.ts";
import type { EpochInfo, Reading, StepInfo } from "../train/fit.ts";

/** Shows how training goes. Its methods fit the callbacks of `fit`, which itself prints nothing. */
export interface Progress {
  /** Starts a phase of training, such as "float" or "qat"; it names the lines that follow. */
  start(title: string): void;
  /** Shows a step. */
  step(info: StepInfo): void;
  /**
   * Shows an epoch.
   *
   * @param scores What was measured after it, such as "simulated" and "deployed".
   */
  epochEnd(info: EpochInfo, scores?: readonly Reading[]): void;
  /** Shows how much of some other work is done, in any unit; work of another name begins anew. */
  work(info: WorkInfo): void;
  /** Ends the phase and leaves the terminal as it was; also right after a failure, or twice. */
  stop(): void;
}

/** Work that is no training, such as calibration. */
export interface WorkInfo {
  readonly name: string;
  readonly done: number;
  readonly of: number;
}

/** Says how an epoch went. */
export function describeEpoch(info: EpochInfo, scores: readonly Reading[]): string {
  const frozen = info.fakeQuantizing
    ? [...(info.observing ? [] : ["ranges fixed"]), ...(info.trainingBatchNorm ? [] : ["BN frozen"])]
    : [];
  return [describe(info, scores), ...frozen].join(", ");
}

/** Says how training goes: its loss, what is counted, and how fast. */
export function describe(
  { loss, metrics, samplesPerSecond }: Pick<EpochInfo, "loss" | "metrics" | "samplesPerSecond">,
  scores: readonly Reading[],
): string {
  const readings = [...metrics, ...scores].map(describeReading);
  return [`loss ${loss.toFixed(4)}`, ...readings, `${Math.round(samplesPerSecond)} samples/s`].join(", ");
}

/** `NAME 93.1%`, `NAME 3.2 px`. */
export function describeReading({ name, unit, value }: Reading): string {
  return `${name} ${unit === "fraction" ? `${(100 * value).toFixed(1)}%` : formatMetric(value, { unit })}`;
}

/** Tells how long the rest will take, if it goes on as since the first step, which builds the graph and does not count. */
export class TimeLeft {
  readonly #now: () => number;
  #first: { readonly at: number; readonly done: number } | undefined;
  #total = 0;
  #done = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the ms left after a step; NaN after the first. */
  after({ epoch, epochs, step, stepsPerEpoch }: StepInfo): number {
    return this.at((epoch - 1) * stepsPerEpoch + step, epochs * stepsPerEpoch);
  }

  /** Returns the ms left where so much is done; NaN where that is the first that is known. */
  at(done: number, of: number): number {
    this.#total = of;
    this.#done = done;
    this.#first ??= { at: this.#now(), done: this.#done };
    return this.now();
  }

  /** Returns the ms left; NaN where nothing is known. */
  now(): number {
    if (this.#first === undefined) return NaN;
    return (this.#now() - this.#first.at) / (this.#done - this.#first.done) * (this.#total - this.#done);
  }
}

/** Formats ms as `0:42` or `1:02:03`; `?` if they are not known. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
