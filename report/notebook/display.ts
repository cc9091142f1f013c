/**
 * What a notebook shows of a model and of a report.
 *
 * Source: Deno's Jupyter kernel asks the value of a cell for its forms by MIME type under `Symbol.for("Jupyter.display")`
 * (https://docs.deno.com/runtime/reference/cli/jupyter/).
 */
import type * as tfl from "@tensorflow/tfjs-layers";
import { summarize } from "../../models/summary.ts";
import { renderSummary } from "../html/summary.ts";
import type { Section } from "../../tasks/section.ts";
import { renderHtml, renderSections } from "../html/html.ts";
import { reportSections } from "../report_sections.ts";
import type { Report } from "../schema.ts";
import { formatReport, formatSections } from "../terminal/terminal.ts";
import { formatSummary } from "../terminal/summary.ts";

/** The method that a notebook asks a value for its forms with. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** The forms of a value, by MIME type. */
export type Forms = Readonly<Record<string, string>>;

/** A value that a notebook shows as more than text. */
export interface Displayable {
  [DISPLAY](): Forms;
}

/** Height of a report within a notebook, in px; the rest scrolls. */
const REPORT_HEIGHT = 720;

/**
 * Returns what a notebook shows of `model`: a table of its layers.
 *
 * @throws {TypeError} If it has no layers yet.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { DISPLAY, displayModel } from "./display.ts";
 *
 * const forms = displayModel(tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] }))[DISPLAY]();
 * assert.deepEqual(Object.keys(forms), ["text/html", "text/plain"]);
 * ```
 */
export function displayModel(model: tfl.LayersModel): Displayable {
  const summary = summarize(model);
  return { [DISPLAY]: () => ({ "text/html": renderSummary(summary), "text/plain": formatSummary(summary) }) };
}

/**
 * Returns `report` as a value that a notebook shows as the page, in a frame of its own. It is the report as before: the
 * new method is not enumerable.
 */
export function displayReport(report: Report): Report & Displayable {
  const forms = () => ({
    "text/html": frame("Quantization report", renderHtml(report)),
    "text/plain": formatReport(report),
  });
  return Object.defineProperty({ ...report, [DISPLAY]: forms }, DISPLAY, { enumerable: false });
}

/**
 * Returns what a notebook shows of sections of a task, such as pictures with the boxes that were found in them.
 *
 * @param sections As a task's `sections` gives them.
 */
export async function displaySections(sections: readonly Section[]): Promise<Displayable> {
  const shown = await reportSections(sections);
  return {
    [DISPLAY]: () => ({ "text/html": frame("Sections", renderSections(shown)), "text/plain": formatSections(shown) }),
  };
}

/** A page within the page, since its style is for all of a document. It has no script, and may run none. */
function frame(title: string, page: string): string {
  return `<iframe sandbox="" style="box-sizing:border-box;width:100%;height:${REPORT_HEIGHT}px;border:1px solid #8884;border-radius:6px" ` +
    `title="${title}" srcdoc="${page.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"></iframe>`;
}
