/** What choosing found, as a table for the terminal. */
import { plural } from "../_format.ts";
import { chooseSentence, rungCells } from "../choose_words.ts";
import { type ChooseReport, isTried } from "../choose_schema.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { type Cell, formatParagraph, formatSection, withoutEmptyColumns } from "./_text_table.ts";

/** Columns behind the name, with the width of the terminal from which there is room for them. */
const COLUMNS = [
  { key: "value", title: "", from: 0 },
  { key: "change", title: "Change, 95%", from: 80 },
  { key: "latency", title: "Latency", from: 72 },
  { key: "speed", title: "Speed", from: 0 },
  { key: "size", title: "Size", from: 60 },
  { key: "wait", title: "Took", from: 52 },
] as const;

/**
 * Formats a search for a quantization as a table for the terminal, without a final newline.
 *
 * @example
 * ```ts ignore
 * console.log(formatChoice(await chooseQuantization({ model: "model.json", data: "folder:photos" })));
 * ```
 */
export function formatChoice(report: ChooseReport, options: TerminalOptions = {}): string {
  const style = styleOf(options);
  const shown = COLUMNS.filter(({ from }) => from <= style.width);
  const rows = report.rungs.map((rung, i): readonly Cell[] => {
    const cells = rungCells(rung, report);
    const tone = i === report.chosen ? "good" as const : isTried(rung) ? "plain" as const : "muted" as const;
    if (!isTried(rung)) return [{ text: `${rung.name}: ${cells.note}`, tone }];
    return [{ text: rung.name, tone }, ...shown.map(({ key }) => ({ text: cells[key], tone, right: true }))];
  });
  const titles: readonly Cell[] = [
    { text: "Rung", tone: "muted" },
    ...shown.map(({ key, title }) => ({
      text: key === "value" ? report.metric.name : title,
      tone: "muted" as const,
      right: true,
    })),
  ];
  const [chosen] = report.chosen === undefined ? [] : [report.rungs[report.chosen]];
  const deploy = chosen !== undefined && isTried(chosen) ? [`To deploy: ${chosen.dir}/${chosen.deploy}`] : [];
  const { metric, float } = report;
  return [
    ...formatParagraph(`${report.model} on ${report.data}`, { tone: "strong", style }),
    ...formatParagraph(chooseSentence(report), { tone: report.chosen === undefined ? "fair" : "good", style }),
    ...[`${plural(metric.count, "sample")}, float ${rungValue(float, report)}.`, ...deploy].flatMap((text) =>
      formatParagraph(text, { tone: "muted", style })
    ),
    "",
    ...formatSection({ heading: "The ladder", rows: dense([titles, ...rows]) }, style),
  ].join("\n");
}

/** Rows of one cell go across all columns, and have none to be left out. */
function dense(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  const full = rows.filter((row) => row.length > 1);
  const kept = new Map(withoutEmptyColumns(full).map((row, i) => [full[i], row]));
  return rows.map((row) => kept.get(row) ?? row);
}

function rungValue(value: number | null, report: ChooseReport): string {
  return rungCells({ ...EMPTY, value }, report).value;
}

const EMPTY = { name: "", what: "", dir: "", deploy: "", seconds: 0, isEnough: false } as const;
