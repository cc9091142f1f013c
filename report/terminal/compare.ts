/** A comparison of runs, as tables for the terminal. */
import { bestOf, compareCells, compareSentence, shortNames } from "../compare_words.ts";
import type { ComparedMetrics, CompareReport } from "../compare_schema.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { type Cell, formatParagraph, formatSection, type Section, withoutEmptyColumns } from "./_text_table.ts";

/** Columns of the first metric, with the width of the terminal from which there is room for them. */
const COLUMNS = [
  { key: "value", title: "", from: 0 },
  { key: "interval", title: "95%", from: 90 },
  { key: "change", title: "Against first, 95%", from: 60 },
  { key: "p", title: "p", from: 60 },
  { key: "latency", title: "Latency", from: 72 },
  { key: "size", title: "Size", from: 80 },
] as const;

/**
 * Formats a comparison of runs as tables for the terminal, without a final newline.
 *
 * @example
 * ```ts ignore
 * console.log(formatComparison(await compareRuns({ runs: ["out", "out-2"] })));
 * ```
 */
export function formatComparison(report: CompareReport, options: TerminalOptions = {}): string {
  const style = styleOf(options);
  const { notes } = report;
  const sections = [...metricSections(report, style.width), ...optionSection(report)].filter(({ rows }) =>
    rows.length > 0
  );
  return [
    ...formatParagraph(compareSentence(report), { tone: "good", style }),
    ...notes.flatMap((note) => formatParagraph(note, { tone: "muted", style })),
    ...sections.flatMap((section) => ["", ...formatSection(section, style)]),
  ].join("\n");
}

function metricSections(report: CompareReport, width: number): readonly Section[] {
  const [first, ...others] = report.metrics;
  const shown = COLUMNS.filter(({ from }) => from <= width);
  const titles = ["Run", "Folder", ...shown.map(({ key, title }) => key === "value" ? first.name : title)];
  const best = bestOf(first);
  const rows = shortNames(report).map((name, i): readonly Cell[] => {
    const cells = compareCells(report, first, i);
    const tone = i === best ? "good" as const : "plain" as const;
    // Numbers are never cut: they tell runs apart, here and below.
    return [
      { text: String(i + 1), tone, right: true },
      { text: name, tone },
      ...shown.map(({ key }) => ({ text: cells[key], tone, right: true })),
    ];
  });
  return [
    { heading: "Runs", rows: withoutEmptyColumns([head(titles, 2), ...rows]) },
    { heading: "Other metrics", rows: others.length === 0 ? [] : otherRows(report, others) },
  ];
}

function otherRows(report: CompareReport, metrics: readonly ComparedMetrics[]): Section["rows"] {
  return [
    head(["Metric", ...report.runs.map((_, i) => `Run ${i + 1}`)]),
    ...metrics.map((metric): readonly Cell[] => [
      { text: metric.name },
      ...report.runs.map((_, i) => ({ text: compareCells(report, metric, i).value, right: true })),
    ]),
  ];
}

function optionSection({ options, runs }: CompareReport): readonly Section[] {
  if (options.length === 0) return [];
  const rows = options.map(({ name, values }): readonly Cell[] => [
    { text: name },
    ...values.map((text) => ({ text: text === "" ? "-" : text })),
  ]);
  return [{
    heading: "Options that differ",
    rows: [head(["Option", ...runs.map((_, i) => `Run ${i + 1}`)], Infinity), ...rows],
  }];
}

/** Titles of columns, of which those from `right` on are of numbers. */
function head(texts: readonly string[], right = 1): readonly Cell[] {
  return texts.map((text, i) => ({ text, tone: "muted", ...(i >= right ? { right: true } : {}) }));
}
