/** Shows in a notebook how training goes: one output a phase, brought up to date in place. */
import type { EpochInfo, Reading, StepInfo } from "../../train/fit.ts";
import { escapeHtml } from "../_format.ts";
import { describe, describeEpoch, formatDuration, type Progress, TimeLeft, type WorkInfo } from "../_progress.ts";
import type { Forms } from "./display.ts";

/** Shows `forms` as the output called `id`, anew where there is one. */
export type NotebookDisplay = (forms: Forms, output: { readonly id: string; readonly isNew: boolean }) => void;

/** A page is drawn this often at the most, in ms. */
const REDRAW_MS = 250;

/** Returns how this program shows something in a notebook; undefined where it does not run in one. */
export function notebookDisplay(): NotebookDisplay | undefined {
  try {
    const { display } = Deno.jupyter;
    let shown = Promise.resolve();
    return (forms, { id, isNew }) => {
      // In their order; an output that cannot be shown is none that training waits for.
      shown = shown.then(() => display(forms, { raw: true, display_id: id, update: !isNew })).catch(() => {});
    };
  } catch {
    // Only `deno jupyter` has it.
    return undefined;
  }
}

/** Makes a progress display for a notebook. */
export function notebookProgress(display: NotebookDisplay, { now }: { readonly now: () => number }): Progress {
  let phase: Phase | undefined;
  const start = (title: string) => {
    phase?.finish();
    phase = new Phase(title, { display, now });
    return phase;
  };
  return {
    start: (title) => void start(title),
    step: (info) => phase?.step(info),
    epochEnd: (info, scores) => phase?.epochEnd(info, scores),
    work: (info) => (phase?.title === info.name ? phase : start(info.name)).work(info),
    stop() {
      phase?.finish();
      phase = undefined;
    },
  };
}

/** What is under way. */
interface Current {
  readonly done: number;
  readonly of: number;
  readonly line: string;
}

/** One output: a line for each epoch, and a bar below them while there is more to do. */
class Phase {
  readonly #display: NotebookDisplay;
  readonly #now: () => number;
  readonly #clock: TimeLeft;
  readonly #id = `progress-${crypto.randomUUID()}`;
  readonly #epochs: string[] = [];
  #current: Current | undefined;
  #drawn: number | undefined;

  constructor(
    readonly title: string,
    { display, now }: { readonly display: NotebookDisplay; readonly now: () => number },
  ) {
    this.#display = display;
    this.#now = now;
    this.#clock = new TimeLeft(now);
  }

  step(info: StepInfo): void {
    const { epoch, epochs, step, stepsPerEpoch, meanLoss } = info;
    const left = formatDuration(this.#clock.after(info));
    const text = describe({ ...info, loss: meanLoss }, []);
    const line = `${this.title} ${epoch}/${epochs}, step ${step}/${stepsPerEpoch}: ${text}, ${left} left`;
    this.#show({ done: step, of: stepsPerEpoch, line });
  }

  work({ done, of }: WorkInfo): void {
    const left = formatDuration(this.#clock.at(done, of));
    this.#show({ done, of, line: `${this.title} ${done}/${of}, ${left} left` });
  }

  epochEnd(info: EpochInfo, scores: readonly Reading[] = []): void {
    this.#current = undefined;
    this.#epochs.push(`${this.title} ${info.epoch}/${info.epochs}: ${describeEpoch(info, scores)}`);
    this.#draw();
  }

  finish(): void {
    if (this.#current === undefined) return;
    this.#current = undefined;
    this.#draw();
  }

  #show(current: Current): void {
    this.#current = current;
    if (this.#drawn === undefined || this.#now() - this.#drawn >= REDRAW_MS) this.#draw();
  }

  #draw(): void {
    const isNew = this.#drawn === undefined;
    this.#drawn = this.#now();
    const lines = [...this.#epochs, ...(this.#current === undefined ? [] : [this.#current.line])];
    const bar = this.#current === undefined
      ? ""
      : `<progress max="${this.#current.of}" value="${this.#current.done}" style="width:20em"></progress>`;
    const html = lines.map((text) => `<div>${escapeHtml(text)}</div>`).join("\n");
    this.#display({
      "text/html": `<div style="font:13px/1.6 monospace">\n${html}\n${bar}\n</div>`,
      "text/plain": lines.join("\n"),
    }, { id: this.#id, isNew });
  }
}
