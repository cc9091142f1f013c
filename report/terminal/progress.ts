/** Shows how training goes: a bar on a terminal, plain lines elsewhere, nothing when quiet. Writes to stderr. */
import { stderr } from "node:process";
import cliProgress from "cli-progress";
import { formatMetric } from "../../tasks/task.ts";
import type { EpochInfo, Reading, StepInfo } from "../../train/fit.ts";

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
  /** Ends the phase and leaves the terminal as it was; also right after a failure, or twice. */
  stop(): void;
}

/** Where progress is shown. */
export interface ProgressOptions {
  /** Shows nothing. Default: false. */
  readonly quiet?: boolean;
  /** Shows lines on a terminal too, for one that cannot move its cursor. Default: false. */
  readonly plain?: boolean;
  /** Default: the process's stderr. */
  readonly stream?: ProgressStream;
  /** Where there is no bar, an unfinished epoch says how it goes this often, in seconds. Default: 30. */
  readonly everySeconds?: number;
  /** A clock, in ms. Default: `performance.now`. */
  readonly now?: () => number;
}

/** What progress is written to: a terminal if `isTTY`. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/**
 * Makes a progress display.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { createProgress } from "./progress.ts";
 *
 * const progress = createProgress({ quiet: true });
 * progress.start("qat");
 * progress.stop();
 * assert.equal(typeof progress.step, "function");
 * ```
 */
export function createProgress(
  { quiet = false, plain = false, stream = stderr, ...options }: ProgressOptions = {},
): Progress {
  if (quiet) return { start: () => {}, step: () => {}, epochEnd: () => {}, stop: () => {} };
  const { now = () => performance.now(), everySeconds = 30 } = options;
  return new Display(stream, {
    view: stream.isTTY && !plain ? barView(stream) : lineView(stream, { now, everySeconds }),
    now,
  });
}

/** What is used of cli-progress, which comes without types. */
interface Bar {
  start(total: number, value: number, payload: object): void;
  update(value: number, payload: object): void;
  stop(): void;
}

const SingleBar: new (options: Readonly<Record<string, unknown>>) => Bar = cliProgress.SingleBar;

/** How an unfinished epoch is shown. */
interface StepView {
  show(info: StepInfo, text: { readonly title: string; readonly timeLeft: string }): void;
  clear(): void;
}

class Display implements Progress {
  readonly #stream: ProgressStream;
  readonly #view: StepView;
  readonly #now: () => number;
  #title = "";
  #clock: TimeLeft;

  constructor(stream: ProgressStream, { view, now }: { readonly view: StepView; readonly now: () => number }) {
    this.#stream = stream;
    this.#view = view;
    this.#now = now;
    this.#clock = new TimeLeft(now);
  }

  start(title: string): void {
    this.stop();
    this.#title = title;
    this.#clock = new TimeLeft(this.#now);
  }

  step(info: StepInfo): void {
    this.#view.show(info, { title: this.#title, timeLeft: formatDuration(this.#clock.after(info)) });
  }

  epochEnd(info: EpochInfo, scores: readonly Reading[] = []): void {
    this.#view.clear();
    const left = info.epoch === info.epochs ? "" : `, ${formatDuration(this.#clock.now())} left`;
    this.#stream.write(`${this.#title} epoch ${info.epoch}/${info.epochs}: ${describeEpoch(info, scores)}${left}\n`);
  }

  stop(): void {
    this.#view.clear();
  }
}

function barView(stream: ProgressStream): StepView {
  let bar: Bar | undefined;
  return {
    show(info, { title, timeLeft }) {
      const { meanLoss, metrics, samplesPerSecond } = info;
      const text = [`loss ${meanLoss.toFixed(4)}`, ...metrics.map(describeReading)].join(" ") +
        ` ${Math.round(samplesPerSecond)} samples/s, ${timeLeft} left`;
      const payload = { title, epoch: info.epoch, epochs: info.epochs, text };
      if (bar === undefined) {
        bar = new SingleBar({
          format: "{title} {epoch}/{epochs} [{bar}] {text}",
          stream,
          barsize: 20,
          clearOnComplete: true,
          // The terminal is left as it is: Ctrl-C must end the program, with nothing to put right.
          gracefulExit: false,
          linewrap: true,
        });
        bar.start(info.stepsPerEpoch, info.step, payload);
      } else {
        bar.update(info.step, payload);
      }
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}

interface LineOptions {
  readonly now: () => number;
  readonly everySeconds: number;
}

function lineView(stream: ProgressStream, { now, everySeconds }: LineOptions): StepView {
  let last: number | undefined;
  return {
    show(info, { title, timeLeft }) {
      last ??= now();
      if (now() - last < 1000 * everySeconds) return;
      last = now();
      const { epoch, epochs, step, stepsPerEpoch, meanLoss } = info;
      const text = describe({ ...info, loss: meanLoss }, []);
      stream.write(`${title} epoch ${epoch}/${epochs}, step ${step}/${stepsPerEpoch}: ${text}, ${timeLeft} left\n`);
    },
    clear() {
      last = undefined;
    },
  };
}

function describeEpoch(info: EpochInfo, scores: readonly Reading[]): string {
  const frozen = info.fakeQuantizing
    ? [...(info.observing ? [] : ["ranges fixed"]), ...(info.trainingBatchNorm ? [] : ["BN frozen"])]
    : [];
  return [describe(info, scores), ...frozen].join(", ");
}

function describe(
  { loss, metrics, samplesPerSecond }: Pick<EpochInfo, "loss" | "metrics" | "samplesPerSecond">,
  scores: readonly Reading[],
): string {
  const readings = [...metrics, ...scores].map(describeReading);
  return [`loss ${loss.toFixed(4)}`, ...readings, `${Math.round(samplesPerSecond)} samples/s`].join(", ");
}

/** `NAME 93.1%`, `NAME 3.2 px`. */
function describeReading({ name, unit, value }: Reading): string {
  return `${name} ${unit === "fraction" ? `${(100 * value).toFixed(1)}%` : formatMetric(value, { unit })}`;
}

/** Tells how long the rest will take, if it goes on as since the first step, which builds the graph and does not count. */
class TimeLeft {
  readonly #now: () => number;
  #first: { readonly at: number; readonly done: number } | undefined;
  #total = 0;
  #done = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the ms left after a step; NaN after the first. */
  after({ epoch, epochs, step, stepsPerEpoch }: StepInfo): number {
    this.#total = epochs * stepsPerEpoch;
    this.#done = (epoch - 1) * stepsPerEpoch + step;
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
