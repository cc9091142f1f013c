/**
 * What a notebook shows of a model and of a report.
 *
 * Source: Deno's Jupyter kernel asks the value of a cell for its forms by MIME type under `Symbol.for("Jupyter.display")`
 * (https://docs.deno.com/runtime/reference/cli/jupyter/).
 */
import type * as tfl from "@tensorflow/tfjs-layers";
import { summarize } from "../../models/summary.ts";
import { renderSummary } from "../html/summary.ts";
import { renderHtml } from "../html/html.ts";
import type { Report } from "../schema.ts";
import { formatReport } from "../terminal/terminal.ts";
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
  const forms = () => ({ "text/html": frame(report), "text/plain": formatReport(report) });
  return Object.defineProperty({ ...report, [DISPLAY]: forms }, DISPLAY, { enumerable: false });
}

/** A page within the page, since its style is for all of a document. It has no script, and may run none. */
function frame(report: Report): string {
  return `<iframe sandbox="" style="box-sizing:border-box;width:100%;height:${REPORT_HEIGHT}px;border:1px solid #8884;border-radius:6px" ` +
    `title="Quantization report" srcdoc="${
      renderHtml(report).replaceAll("&", "&amp;").replaceAll('"', "&quot;")
    }"></iframe>`;
}
