/** What debugging found, as tables for the terminal. */
import { debugRemarks, debugSentence, decibels, gainOf, keepCells, keepSentence } from "../_debug_words.ts";
import { percent, plural } from "../_format.ts";
import type { DebugReport, KeepReport } from "../debug_schema.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";
import { type Cell, formatParagraph, formatSection, type Section, withoutEmptyColumns } from "./_text_table.ts";

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
  const remarks = debugRemarks(report).map((text) => [{ text }]);
  const sections: readonly Section[] = [
    { heading: "Layer by layer, dB of signal to noise", rows: layerRows(report) },
    { heading: "Also seen", rows: remarks },
    ...(report.keep === undefined ? [] : [{ heading: "Layers to keep in float", rows: keepRows(report.keep) }]),
  ];
  return [
    ...formatParagraph(`${model.name} on ${data.name}`, { tone: "strong", style }),
    ...formatParagraph(debugSentence(report), { tone: "plain", style }),
    ...formatParagraph(`${plural(data.samples, "sample")}, target ${target}.`, { tone: "muted", style }),
    ...sections.filter(({ rows }) => rows.length > 0).flatMap((section) => ["", ...formatSection(section, style)]),
  ].join("\n");
}

const TITLES = ["Layer", "Weights", "Bias", "Own", "So far", "Beyond", "Only it", "Without"] as const;

function layerRows(report: DebugReport): Section["rows"] {
  const rows = report.parts.map((part): readonly Cell[] => {
    const { layer, weights, biasDb, output, sensitivity } = part;
    const tone = gainOf(part, report) >= MARKED_DB ? "poor" as const : "plain" as const;
    const numbers = [
      decibels(weights?.[0]?.sqnrDb),
      decibels(biasDb),
      decibels(output?.aloneDb),
      decibels(output?.accumulatedDb),
      output === undefined || output.saturated === 0 ? "" : percent(output.saturated),
      decibels(sensitivity.oneDb),
      decibels(sensitivity.allButOneDb),
    ];
    return [{ text: layer, tone }, ...numbers.map((text) => ({ text, tone, right: true }))];
  });
  const titles = TITLES.map((text, i) => ({ text, tone: "muted" as const, right: i > 0 }));
  return withoutEmptyColumns([titles, ...rows]);
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
  return [[{ text: keepSentence(keep) }], ...withoutEmptyColumns([titles, ...rows])];
}
