/** Sections that come from the task, as data: each kind has a way to be shown. */
import { shorten } from "../_width.ts";
import type { BarsSection, CurveSection, MatrixSection, ReportSection, TableSection } from "../../tasks/section.ts";
import { count, escapeHtml } from "../_format.ts";
import { formatCells, hitsOf, isNumeric, sharesOf } from "../_task_tables.ts";
import { chartFigure, denseTable, type HtmlSection, key, section, squareFigure } from "./_markup.ts";
import { renderPictures } from "./_pictures.ts";
import { colorOf, renderBarsChart, renderCurveChart } from "./_task_charts.ts";

/** All sections of the task's own, in its order. */
export const taskSection: HtmlSection = {
  name: "task",
  render: ({ sections = [] }) => sections.length === 0 ? undefined : renderAll(sections),
};

/** Renders sections, one below the other. */
export function renderAll(sections: readonly ReportSection[]): string {
  return sections.map((data, i) => renderSection(data, `task-${i}`)).join("\n");
}

function renderSection(data: ReportSection, id: string): string {
  return section(data.heading, { lead: escapeHtml(data.lead), body: renderBody(data, id) });
}

/** @param id A name that no other section has. */
function renderBody(data: ReportSection, id: string): string {
  switch (data.kind) {
    case "table":
      return renderTable(data);
    case "bars":
      return legendOf(data) + chartFigure((width) => renderBarsChart(data, { width }));
    case "curve":
      return legendOf(data) + squareFigure((width) => renderCurveChart(data, { width }));
    case "matrix":
      return renderMatrix(data);
    case "pictures":
      return renderPictures(data, id);
  }
}

function renderTable(data: TableSection): string {
  const columns = data.columns.map(({ heading }, i) => ({
    heading,
    ...(isNumeric(data, i) ? { kind: "number" as const } : i === 0 ? { kind: "name" as const } : {}),
  }));
  return denseTable(columns, formatCells(data).map((row) => row.map(escapeHtml)));
}

/** A longer heading of a column is cut, in characters: it stands upright. */
const LONGEST_HEAD = 20;

function renderMatrix({ rows, columns, values }: MatrixSection): string {
  const hits = hitsOf({ rows, columns });
  const head = columns.names.map((name) =>
    `<th scope="col" title="${escapeHtml(name)}"><span>${
      escapeHtml(shorten(name, { width: LONGEST_HEAD }))
    }</span></th>`
  ).join("");
  const body = values.map((row, r) => {
    const shares = sharesOf(row);
    const cells = row.map((value, c) => {
      const kind = value === 0 ? "none" : hits === undefined ? "" : r === c ? "hit" : "miss";
      const title = `${rows.label} ${rows.names[r]}, ${columns.label} ${columns.names[c]}: ${count(value)}`;
      return `<td${kind === "" ? "" : ` class="${kind}"`} style="--share:${shares[c].toFixed(3)}" ` +
        `title="${escapeHtml(title)}">${count(value)}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(rows.names[r])}</th>${cells.join("")}</tr>`;
  });
  const corner = `<th class="corner">${escapeHtml(rows.label)} ↓ ${escapeHtml(columns.label)} →</th>`;
  return `<div class="scroll matrix" tabindex="0"><table>\n<thead><tr>${corner}${head}</tr></thead>\n` +
    `<tbody>\n${body.join("\n")}\n</tbody></table></div>`;
}

/** One series needs no legend. */
function legendOf(data: BarsSection | CurveSection): string {
  const { series } = data;
  if (series.length < 2) return "";
  const shape = (color: string) => {
    if (data.kind === "bars") return `<rect x="5" y="0" width="12" height="12" style="fill:${color}"/>`;
    if (data.marks === "points") return `<circle cx="11" cy="6" r="4" style="fill:${color}"/>`;
    return `<path d="M0 6H22" style="stroke:${color};stroke-width:2"/>`;
  };
  return key(series.map((entry, i) => ({ sample: shape(colorOf(entry, i)), text: entry.name })));
}
