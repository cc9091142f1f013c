/** Shows in a notebook how training goes: one output a phase, brought up to date in place. */
import type { EpochInfo, Reading, StepInfo } from "../../train/fit.ts";
import { escapeHtml } from "../_format.ts";
import { describe, describeEpoch, formatDuration, type Progress, TimeLeft } from "../_progress.ts";
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
  return {
    start(title) {
      phase?.finish();
      phase = new Phase(title, { display, now });
    },
    step: (info) => phase?.step(info),
    epochEnd: (info, scores) => phase?.epochEnd(info, scores),
    stop() {
      phase?.finish();
      phase = undefined;
    },
  };
}

/** One output: a line for each epoch, and a bar below them while there is more to do. */
class Phase {
  readonly #title: string;
  readonly #display: NotebookDisplay;
  readonly #now: () => number;
  readonly #clock: TimeLeft;
  readonly #id = `progress-${crypto.randomUUID()}`;
  readonly #epochs: string[] = [];
  #current: StepInfo | undefined;
  #timeLeft = NaN;
  #drawn: number | undefined;

  constructor(title: string, { display, now }: { readonly display: NotebookDisplay; readonly now: () => number }) {
    this.#title = title;
    this.#display = display;
    this.#now = now;
    this.#clock = new TimeLeft(now);
  }

  step(info: StepInfo): void {
    this.#current = info;
    this.#timeLeft = this.#clock.after(info);
    if (this.#drawn === undefined || this.#now() - this.#drawn >= REDRAW_MS) this.#draw();
  }

  epochEnd(info: EpochInfo, scores: readonly Reading[] = []): void {
    this.#current = undefined;
    this.#epochs.push(`${this.#title} ${info.epoch}/${info.epochs}: ${describeEpoch(info, scores)}`);
    this.#draw();
  }

  finish(): void {
    if (this.#current === undefined) return;
    this.#current = undefined;
    this.#draw();
  }

  #draw(): void {
    const isNew = this.#drawn === undefined;
    this.#drawn = this.#now();
    const line = this.#current && this.#describeStep(this.#current);
    const lines = [...this.#epochs, ...(line === undefined ? [] : [line])];
    const bar = this.#current === undefined
      ? ""
      : `<progress max="${this.#current.stepsPerEpoch}" value="${this.#current.step}" style="width:20em"></progress>`;
    const html = lines.map((text) => `<div>${escapeHtml(text)}</div>`).join("\n");
    this.#display({
      "text/html": `<div style="font:13px/1.6 monospace">\n${html}\n${bar}\n</div>`,
      "text/plain": lines.join("\n"),
    }, { id: this.#id, isNew });
  }

  #describeStep(info: StepInfo): string {
    const { epoch, epochs, step, stepsPerEpoch, meanLoss } = info;
    return `${this.#title} ${epoch}/${epochs}, step ${step}/${stepsPerEpoch}: ${
      describe({ ...info, loss: meanLoss }, [])
    }, ${formatDuration(this.#timeLeft)} left`;
  }
}
