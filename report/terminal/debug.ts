/** What debugging found, as tables for the terminal. */
import { debugRemarks, debugSentence, decibels, gainOf, keepBasis, keepCells, keepSentence } from "../debug_words.ts";
import { percent, plural } from "../_format.ts";
import type { DebugReport, KeepReport } from "../debug_schema.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { type Cell, formatParagraph, formatSection, type Section, withoutEmptyColumns } from "./_text_table.ts";

/** Smaller shares are written as 0.00%. */
const LEAST_SHARE = 5e-5;
/** Remarks that are shown; the page has all. */
const MOST_REMARKS = 12;
/** From this gain on, in dB, a layer is marked. */
const MARKED_DB = 1;

/**
 * Formats what debugging found of a model as tables for the terminal, without a final newline.
 *
 * @example
 * ```ts ignore
 * console.log(formatDebug(await debugModel({ model: "out/qat", data: "folder:photos" })));
 * ```
 */
export function formatDebug(report: DebugReport, options: TerminalOptions = {}): string {
  const style = styleOf(options);
  const { model, data, target } = report;
  const remarks = debugRemarks(report);
  const left = remarks.length - MOST_REMARKS;
  const shown = left > 1 ? [...remarks.slice(0, MOST_REMARKS), `${left} more are on the page.`] : remarks;
  const sections: readonly Section[] = [
    { heading: "Layer by layer, dB of signal to noise", rows: layerRows(report, style.width) },
    { heading: "Also seen", rows: shown.map((text) => [{ text }]) },
    ...(report.keep === undefined ? [] : [{ heading: "Layers to keep in float", rows: keepRows(report.keep) }]),
  ];
  return [
    ...formatParagraph(`${model.name} on ${data.name}`, { tone: "strong", style }),
    ...formatParagraph(debugSentence(report), { tone: "plain", style }),
    ...formatParagraph(`${plural(data.samples, "sample")}, target ${target}.`, { tone: "muted", style }),
    ...sections.filter(({ rows }) => rows.length > 0).flatMap((section) => ["", ...formatSection(section, style)]),
  ].join("\n");
}

/** Columns behind the layer's name, with the width of the terminal from which there is room for them. */
const COLUMNS = [
  { title: "Weights", from: 50 },
  { title: "Bias", from: 70 },
  { title: "Own", from: 0 },
  { title: "So far", from: 60 },
  { title: "Beyond", from: 66 },
  { title: "Only it", from: 0 },
  { title: "Without", from: 0 },
] as const;

function layerRows(report: DebugReport, width: number): Section["rows"] {
  const rows = report.parts.map((part): readonly Cell[] => {
    const { layer, weights, biasDb, output, sensitivity } = part;
    const tone = gainOf(part, report) >= MARKED_DB ? "poor" as const : "plain" as const;
    const numbers = [
      decibels(weights?.[0]?.sqnrDb),
      decibels(biasDb),
      decibels(output?.aloneDb),
      decibels(output?.accumulatedDb),
      output === undefined || output.saturated < LEAST_SHARE ? "" : percent(output.saturated),
      decibels(sensitivity.oneDb),
      decibels(sensitivity.allButOneDb),
    ];
    return [{ text: layer, tone }, ...numbers.map((text) => ({ text, tone, right: true }))];
  });
  const titles = ["Layer", ...COLUMNS.map(({ title }) => title)].map((text, i) => ({
    text,
    tone: "muted" as const,
    right: i > 0,
  }));
  const fits = (_: Cell, i: number) => i === 0 || COLUMNS[i - 1].from <= width;
  return withoutEmptyColumns([titles, ...rows].map((row) => row.filter(fits)));
}

function keepRows(keep: KeepReport): Section["rows"] {
  const rows = keep.choices.map((choice, i): readonly Cell[] => {
    const { layers, value, latency, note } = keepCells(choice, keep);
    const tone = i === keep.best ? "good" as const : "plain" as const;
    return [
      { text: value, tone, right: true },
      { text: latency, tone, right: true },
      { text: [layers, note].filter(Boolean).join("; "), tone },
    ];
  });
  const titles = [keep.metric.name, "Latency", "In float"].map((text, i) => ({
    text,
    tone: "muted" as const,
    right: i < 2,
  }));
  return [[{ text: keepSentence(keep) }], [{ text: keepBasis(keep) }], ...withoutEmptyColumns([titles, ...rows])];
}
