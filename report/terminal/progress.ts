/** Shows how training goes: a bar on a terminal, a table in a notebook, plain lines elsewhere, nothing when quiet. */
import { stderr } from "node:process";
import cliProgress from "cli-progress";
import type { EpochInfo, Reading, StepInfo } from "../../train/fit.ts";
import {
  describe,
  describeEpoch,
  describeReading,
  formatDuration,
  type Progress,
  TimeLeft,
  type WorkInfo,
} from "../_progress.ts";
import { shorten, widthOf } from "../_width.ts";
import { notebookDisplay, notebookProgress } from "../notebook/progress.ts";

export type { Progress, WorkInfo };

/** Where progress is shown. */
export interface ProgressOptions {
  /** Shows nothing. Default: false. */
  readonly quiet?: boolean;
  /** Shows lines on a terminal too, for one that cannot move its cursor. Default: false. */
  readonly plain?: boolean;
  /** Default: a notebook's own output, else the process's stderr. */
  readonly stream?: ProgressStream;
  /** Where there is no bar, an unfinished epoch says how it goes this often, in seconds. Default: 30. */
  readonly everySeconds?: number;
  /** A clock, in ms. Default: `performance.now`. */
  readonly now?: () => number;
}

/** What progress is written to: a terminal if `isTTY`, of so many columns. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

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
  { quiet = false, plain = false, ...options }: ProgressOptions = {},
): Progress {
  if (quiet) return { start: () => {}, step: () => {}, epochEnd: () => {}, work: () => {}, stop: () => {} };
  const { stream = stderr, now = () => performance.now(), everySeconds = 30 } = options;
  const display = options.stream === undefined ? notebookDisplay() : undefined;
  if (display !== undefined) return notebookProgress(display, { now });
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

/** Work under way. */
interface Shown {
  readonly done: number;
  readonly of: number;
  /** Before a bar. */
  readonly head: string;
  /** What stands behind a bar, the most telling first. */
  readonly tail: readonly string[];
  /** The same as a line. */
  readonly line: string;
}

/** How unfinished work is shown. */
interface WorkView {
  show(work: Shown): void;
  clear(): void;
}

class Display implements Progress {
  readonly #stream: ProgressStream;
  readonly #view: WorkView;
  readonly #now: () => number;
  #title = "";
  #clock: TimeLeft;

  constructor(stream: ProgressStream, { view, now }: { readonly view: WorkView; readonly now: () => number }) {
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
    const { epoch, epochs, step, stepsPerEpoch, meanLoss } = info;
    const left = `${formatDuration(this.#clock.after(info))} left`;
    const text = describe({ ...info, loss: meanLoss }, []);
    this.#view.show({
      done: step,
      of: stepsPerEpoch,
      head: `${this.#title} ${epoch}/${epochs}`,
      tail: [left, ...barParts(info)],
      line: `${this.#title} epoch ${epoch}/${epochs}, step ${step}/${stepsPerEpoch}: ${text}, ${left}`,
    });
  }

  work({ name, done, of }: WorkInfo): void {
    if (name !== this.#title) this.start(name);
    const left = `${formatDuration(this.#clock.at(done, of))} left`;
    this.#view.show({ done, of, head: name, tail: [left, `${done}/${of}`], line: `${name} ${done}/${of}, ${left}` });
  }

  epochEnd(info: EpochInfo, scores: readonly Reading[] = []): void {
    this.#view.clear();
    const left = info.epoch === info.epochs ? "" : `, ${formatDuration(this.#clock.now())} left`;
    const line = `${this.#title} epoch ${info.epoch}/${info.epochs}: ${describeEpoch(info, scores)}${left}`;
    const { isTTY = false, columns = 80 } = this.#stream;
    // How fast it goes is the least that a reader misses.
    const short = isTTY && widthOf(line) > columns ? line.replace(/, \d+ samples\/s/, "") : line;
    this.#stream.write(`${short}\n`);
  }

  stop(): void {
    this.#view.clear();
  }
}

function barView(stream: ProgressStream): WorkView {
  let bar: Bar | undefined;
  return {
    show({ done, of, head, tail }) {
      const payload = { head, tail };
      if (bar === undefined) {
        bar = new SingleBar({
          format: (_: unknown, at: { readonly progress: number }, parts: typeof payload) =>
            fitBar(at.progress, { ...parts, columns: stream.columns ?? 80 }),
          stream,
          clearOnComplete: true,
          // The terminal is left as it is: Ctrl-C must end the program, with nothing to put right.
          gracefulExit: false,
          linewrap: true,
        });
        bar.start(of, done, payload);
      } else {
        bar.update(done, payload);
      }
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** What stands behind the bar of a training step besides the time that is left. */
function barParts({ meanLoss, metrics, samplesPerSecond }: StepInfo): readonly string[] {
  return [
    `loss ${meanLoss.toFixed(4)}`,
    ...metrics.map(describeReading),
    `${Math.round(samplesPerSecond)} samples/s`,
  ];
}

/** What is drawn of a bar at the most, and at the least, in columns. */
const BAR = { longest: 20, shortest: 5 };

/**
 * Draws a bar in one line that does not reach the terminal's last column, where some terminals would break it: parts
 * behind the bar are left out from the last on, then the bar gets shorter, then what is before it is cut.
 */
export function fitBar(
  progress: number,
  { head, tail, columns }: { readonly head: string; readonly tail: readonly string[]; readonly columns: number },
): string {
  const room = columns - 1;
  const frame = " []".length;
  const start = shorten(head, { width: Math.max(1, room - frame - BAR.shortest), ellipsis: "..." });
  const left = room - widthOf(start) - frame;
  const text = tail.reduce((text, part) => {
    const longer = `${text} ${part}`;
    return widthOf(longer) + BAR.longest <= left || text === "" && widthOf(longer) + BAR.shortest <= left
      ? longer
      : text;
  }, "");
  const size = Math.max(0, Math.min(BAR.longest, left - widthOf(text)));
  const done = Math.round(size * Math.min(1, Math.max(0, progress)));
  return `${start} [${"=".repeat(done)}${"-".repeat(size - done)}]${text}`;
}

interface LineOptions {
  readonly now: () => number;
  readonly everySeconds: number;
}

function lineView(stream: ProgressStream, { now, everySeconds }: LineOptions): WorkView {
  let last: number | undefined;
  return {
    show({ line }) {
      last ??= now();
      if (now() - last < 1000 * everySeconds) return;
      last = now();
      stream.write(`${line}\n`);
    },
    clear() {
      last = undefined;
    },
  };
}
