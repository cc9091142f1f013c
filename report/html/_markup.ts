/** Pieces that sections of the page are made of. */
import { escapeHtml } from "../_format.ts";
import type { Report } from "../schema.ts";
import type { Verdict } from "../verdict.ts";

/** A section of the page: a row in the list of html.ts. */
export interface HtmlSection {
  readonly name: string;
  /** Returns HTML, or undefined where the report has nothing for it. */
  readonly render: (report: Report, verdict: Verdict) => string | undefined;
}

/** A table's column: its heading, and the class of its cells. */
export interface TableColumn {
  readonly heading: string;
  readonly kind?: "name" | "number";
}

/** Makes a section with a heading and a sentence that says what to see in it. `lead` and `body` are HTML. */
export function section(heading: string, { lead, body }: { lead: string; body: string }): string {
  return `<section>\n<h2>${escapeHtml(heading)}</h2>\n<p>${lead}</p>\n${body}\n</section>`;
}

/** Widths that charts are drawn in, by class, in px. */
const CHART_WIDTHS = { wide: 1000, medium: 640, narrow: 380 } as const;

/** Makes a figure of one chart in three widths, of which the style sheet shows the one that fits. */
export function chartFigure(render: (width: number) => string): string {
  const charts = Object.entries(CHART_WIDTHS).map(([kind, width]) => `<div class="${kind}">${render(width)}</div>`);
  return `<figure>${charts.join("")}</figure>`;
}

/** Makes a figure of one chart that is about as high as wide, so that the widest form is not needed. */
export function squareFigure(render: (width: number) => string): string {
  const { medium, narrow } = CHART_WIDTHS;
  return `<figure class="square"><div class="large">${render(medium)}</div>` +
    `<div class="narrow">${render(narrow)}</div></figure>`;
}

/** Makes a table that scrolls if it is long. `rows` are cells of HTML; the first of a row is its heading. */
export function table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const cell = (tag: "th" | "td", html: string, { kind, scope }: { kind?: string; scope?: string }) =>
    `<${tag}${kind ? ` class="${kind}"` : ""}${scope ? ` scope="${scope}"` : ""}>${html}</${tag}>`;
  const head = columns.map(({ heading, kind }) => {
    return cell("th", escapeHtml(heading), { kind: kind === "number" ? kind : undefined, scope: "col" });
  });
  const body = rows.map((cells) => {
    const made = cells.map((html, i) =>
      i === 0 ? cell("th", html, { kind: columns[i].kind, scope: "row" }) : cell("td", html, columns[i])
    );
    return `<tr>${made.join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table>\n<thead><tr>${head.join("")}</tr></thead>\n` +
    `<tbody>\n${body.join("\n")}\n</tbody></table></div>`;
}

/** Makes a table like `table()`, without the columns that have nothing in any row. */
export function denseTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const isUsed = columns.map((_, i) => rows.some((row) => row[i] !== ""));
  const used = <T>(cells: readonly T[]) => cells.filter((_, i) => isUsed[i]);
  return table(used(columns), rows.map(used));
}

/** Makes a list of names and values. Both are text. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const items = entries.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<dl class="facts">${items.join("")}</dl>`;
}

/** Makes a legend. `sample` is SVG that is drawn in a box of 22 × 12 px; `text` is text. */
export function key(entries: readonly { readonly sample: string; readonly text: string }[]): string {
  const items = entries.map(({ sample, text }) =>
    `<li><svg width="22" height="12" viewBox="0 0 22 12" aria-hidden="true">${sample}</svg>${escapeHtml(text)}</li>`
  );
  return `<ul class="key">${items.join("")}</ul>`;
}

/** Formats a share of a whole, in [0, 1], as a CSS length. */
export function cssPercent(share: number): string {
  return `${Number((Math.min(1, Math.max(0, share)) * 100).toFixed(2))}%`;
}
