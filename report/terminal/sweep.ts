/** What a sweep found, as a table for the terminal. */
import { sweepCells, sweepSentence } from "../sweep_words.ts";
import { isDone, type SweepReport } from "../sweep_schema.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { type Cell, formatParagraph, formatSection, withoutEmptyColumns } from "./_text_table.ts";

/** Columns behind the values, with the width of the terminal from which there is room for them. */
const COLUMNS = [
  { key: "value", title: "", from: 0 },
  { key: "change", title: "Change, 95%", from: 80 },
  { key: "latency", title: "Latency", from: 72 },
  { key: "speed", title: "Speed", from: 60 },
  { key: "size", title: "Size", from: 90 },
  { key: "wait", title: "Took", from: 52 },
] as const;

/**
 * Formats a sweep as a table for the terminal, without a final newline.
 *
 * @example
 * ```ts ignore
 * console.log(formatSweep(await sweep({ of: "ptq", options, over: ["observer=histogram,mse"] })));
 * ```
 */
export function formatSweep(report: SweepReport, options: TerminalOptions = {}): string {
  const style = styleOf(options);
  const shown = COLUMNS.filter(({ from }) => from <= style.width);
  const { rows, best, metric } = report;
  const titles: readonly Cell[] = [
    { text: "Row", tone: "muted" },
    ...shown.map(({ key, title }) => ({
      text: key === "value" ? metric?.name ?? "" : title,
      tone: "muted" as const,
      right: true,
    })),
  ];
  const done = rows.flatMap((row, i): readonly (readonly Cell[])[] => {
    if (!isDone(row)) return [];
    const cells = sweepCells(row, report);
    const tone = i === best ? "good" as const : "plain" as const;
    return [[{ text: row.name, tone }, ...shown.map(({ key }) => ({ text: cells[key], tone, right: true }))]];
  });
  const left = rows.flatMap((row): readonly Cell[][] =>
    isDone(row) ? [] : [[{ text: `${row.name}: ${sweepCells(row, report).note}`, tone: "muted" }]]
  );
  return [
    ...formatParagraph(sweepSentence(report), { tone: best === undefined ? "fair" : "good", style }),
    "",
    ...formatSection({ heading: "Rows", rows: [...withoutEmptyColumns([titles, ...done]), ...left] }, style),
  ].join("\n");
}
