/** Sections that come from the task, as columns of text; what only a picture shows is left to the page. */
import type { BarsSection, CurveSection, MatrixSection, ReportSection, TableSection } from "../../tasks/section.ts";
import { count, percent, plural, significant } from "../_format.ts";
import { describeMarks } from "../_picture_words.ts";
import { formatCells, hitsOf, isNumeric, missesOf } from "../_task_tables.ts";
import { unitFormat } from "../_unit.ts";
import type { TerminalSection } from "./_sections.ts";
import type { Cell, Section } from "./_text_table.ts";

/** All sections of the task's own, in its order. */
export const taskSection: TerminalSection = {
  name: "task",
  render: ({ sections = [] }) => tablesOf(sections),
};

/** Makes tables of text of sections. */
export function tablesOf(sections: readonly ReportSection[]): readonly Section[] {
  return sections.map((data) => ({ heading: data.heading, rows: rowsOf(data) }));
}

/** Rows of a kind that are shown; the page has them all. */
const MAX = { rows: 20, pairs: 8, bars: 24, points: 6, pictures: 6 } as const;
/** Length of the longest bar, in characters. */
const BAR = 24;

function rowsOf(data: ReportSection): Section["rows"] {
  switch (data.kind) {
    case "table":
      return tableRows(data);
    case "bars":
      return barRows(data);
    case "curve":
      return curveRows(data);
    case "matrix":
      return pairRows(data);
    case "pictures":
      return pictureRows(data);
  }
}

function head(texts: readonly string[], isRight: (column: number) => boolean = () => true): Cell[] {
  return texts.map((text, i) => ({ text, tone: "muted", right: isRight(i) }));
}

function tableRows(data: TableSection): Section["rows"] {
  const isRight = (column: number) => isNumeric(data, column);
  const rows = formatCells(data).slice(0, MAX.rows);
  const left = data.rows.length - rows.length;
  return [
    head(data.columns.map(({ heading }) => heading), isRight),
    ...rows.map((row) => row.map((text, i): Cell => ({ text, right: isRight(i) }))),
    ...(left > 0 ? [[{ text: `… ${count(left)} more in the report` }]] : []),
  ];
}

/** A matrix is too wide for a terminal: its most frequent pairs say most of it. */
function pairRows(matrix: MatrixSection): Section["rows"] {
  const pairs = missesOf(matrix);
  if (pairs.length === 0) return [[{ text: "nothing off the diagonal", tone: "muted" }]];
  const all = hitsOf(matrix) === undefined ? "pairs" : "pairs off the diagonal";
  return [
    head([matrix.rows.label, matrix.columns.label, "times", "of its row"], (column) => column > 1),
    ...pairs.slice(0, MAX.pairs).map(({ row, column, value, share }): Cell[] => [
      { text: row },
      { text: column },
      { text: count(value), right: true },
      { text: percent(share, 1), right: true },
    ]),
    ...(pairs.length > MAX.pairs
      ? [[{ text: `… of ${count(pairs.length)} ${all}; the page has the matrix`, tone: "muted" as const }]]
      : []),
  ];
}

function barRows({ labels, series, x, y }: BarsSection): Section["rows"] {
  if (labels.length > MAX.bars) return [onPage(plural(labels.length, "bar"))];
  const formats = series.map(({ values }) => unitFormat(y.unit ?? "", values).value);
  const write = (i: number, value: number) =>
    (y.unit ?? "") === "" && Number.isInteger(value) ? count(value) : formats[i](value);
  const largest = Math.max(...series.flatMap(({ values }) => values.map(Math.abs)), Number.MIN_VALUE);
  const bar = (value: number) => "█".repeat(Math.round(BAR * Math.abs(value) / largest));
  return [
    head([x.label, ...series.map(({ name }) => name), ""], (column) => column > 0 && column <= series.length),
    ...labels.map((label, at): Cell[] => [
      { text: label },
      ...series.map(({ values }, i): Cell => ({ text: write(i, values[at]), right: true })),
      { text: series.length === 1 ? bar(series[0].values[at]) : "" },
    ]),
  ];
}

function curveRows({ marks, series, x, y }: CurveSection): Section["rows"] {
  const points = series.reduce((sum, { points }) => sum + points.length, 0);
  if (marks === "points") return [onPage(plural(points, "point"))];
  const write = (unit: string | undefined, value: number) =>
    unit === undefined ? significant(value) : unitFormat(unit, [value]).value(value);
  return [
    head(["", x.label, y.label], (column) => column > 0),
    ...series.flatMap(({ name, points }) =>
      pick(points, MAX.points).map(([a, b], i): Cell[] => [
        { text: i === 0 ? name : "" },
        { text: write(x.unit, a), right: true },
        { text: write(y.unit, b), right: true },
      ])
    ),
  ];
}

/** What is marked in the first pictures, in a column for each panel where all pictures have the same. */
function pictureRows({ rows, left = 0 }: ReportSection & { readonly kind: "pictures" }): Section["rows"] {
  const names = rows[0]?.panels.map(({ name }) => name) ?? [];
  const isAlike = rows.every(({ panels }) =>
    panels.length === names.length && panels.every((p, i) => p.name === names[i])
  );
  const shown = isAlike ? rows.slice(0, MAX.pictures) : [];
  return [
    ...(shown.length === 0 ? [] : [head(["", ...names], () => false)]),
    ...shown.map((row): Cell[] => [
      { text: row.caption },
      ...row.panels.map((panel): Cell => ({ text: describeMarks(panel, row) })),
    ]),
    onPage(
      left === 0 ? plural(rows.length, "picture") : `${count(rows.length)} of ${plural(rows.length + left, "picture")}`,
    ),
  ];
}

function onPage(what: string): Cell[] {
  return [{ text: `${what}, drawn on the page`, tone: "muted" }];
}

/** Picks `most` entries at equal distances, the first and the last among them. */
function pick<T>(entries: readonly T[], most: number): readonly T[] {
  if (entries.length <= most) return entries;
  return Array.from({ length: most }, (_, i) => entries[Math.round(i * (entries.length - 1) / (most - 1))]);
}
