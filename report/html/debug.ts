/** What debugging found, as a page. */
import { debugRemarks, debugSentence, decibels, gainOf, keepBasis, keepCells, keepSentence } from "../debug_words.ts";
import { escapeHtml, percent, plural, significant } from "../_format.ts";
import type { DebugReport, KeepReport, PartFacts } from "../debug_schema.ts";
import { renderDepthChart, renderHistogram } from "./_debug_chart.ts";
import { chartFigure, denseTable, facts, key, section, squareFigure, type TableColumn } from "./_markup.ts";
import { page } from "./_page.ts";

/**
 * Renders what debugging found of a model as one self-contained HTML page: no script, no network, light or dark as the
 * reader prefers. Equal reports give equal pages.
 */
export function renderDebug(report: DebugReport): string {
  const { model, data, target } = report;
  const sections = [
    depthSection(report),
    layersSection(report),
    histogramsSection(report),
    remarksSection(report),
    report.keep === undefined ? "" : keepSection(report.keep),
    originSection(report),
  ];
  return page(`${model.name}, where quantization loses`, {
    kind: "Debug report",
    name: model.name,
    headline: debugSentence(report),
    subject: `data ${data.name} · ${plural(data.samples, "sample")} · target ${target}`,
    body: sections.filter(Boolean).join("\n"),
  });
}

function depthSection({ parts }: DebugReport): string {
  const bar = (style: string) => `<rect x="5" y="1" width="12" height="10" style="${style}"/>`;
  const legend = key([
    { sample: bar("fill:var(--simulated)"), text: "a layer alone, fed by the float model" },
    {
      sample:
        '<path d="M0 6H22" style="stroke:var(--int8);stroke-width:2"/><circle cx="11" cy="6" r="3" fill="var(--int8)"/>',
      text: "all before it quantized too",
    },
    { sample: bar("fill:var(--float)"), text: "values in float" },
    { sample: bar("fill:none;stroke:var(--int8);stroke-width:1.5"), text: "what the grid can stand for" },
  ]);
  return section("Error by depth", {
    lead: "Where the line falls, a layer adds noise; where a bar is low, it does so by itself. " +
      "A grid much wider than the values wastes codes, a narrower one clips them.",
    body: legend + chartFigure((width) => renderDepthChart(parts, { width })),
  });
}

const COLUMNS: readonly TableColumn[] = [
  { heading: "#", kind: "number" },
  { heading: "Layer", kind: "name" },
  { heading: "Kind" },
  { heading: "Weights, dB", kind: "number" },
  { heading: "Bias, dB", kind: "number" },
  { heading: "Alone, dB", kind: "number" },
  { heading: "So far, dB", kind: "number" },
  { heading: "Only it, dB", kind: "number" },
  { heading: "All but it, dB", kind: "number" },
  { heading: "Beyond the grid", kind: "number" },
  { heading: "Codes unused", kind: "number" },
  { heading: "Channels dead", kind: "number" },
  { heading: "Channels lost", kind: "number" },
  { heading: "Channels' range", kind: "number" },
];

function layersSection(report: DebugReport): string {
  let numbered = 0;
  const rows = report.parts.map((part) =>
    rowOf(part, { number: part.output === undefined ? "" : String(++numbered), isPoor: gainOf(part, report) >= 1 })
  );
  return section("Layer by layer", {
    lead:
      "Signal to noise, in dB: of the rounded weights and biases; of the layer's output alone and with all before it " +
      "quantized; and at the model's outputs, with only this layer quantized and with all but this one.",
    body: denseTable(COLUMNS, rows),
  });
}

function rowOf(
  { layer, className, weights, biasDb, output, sensitivity }: PartFacts,
  { number, isPoor }: { readonly number: string; readonly isPoor: boolean },
): readonly string[] {
  const states = (state: string) => output?.channels.filter((channel) => channel.state === state).length ?? 0;
  const name = escapeHtml(layer);
  return [
    number,
    isPoor ? `<span class="poor">${name}</span>` : name,
    escapeHtml(className),
    (weights ?? []).map(({ sqnrDb }) => decibels(sqnrDb)).join(" "),
    decibels(biasDb),
    decibels(output?.aloneDb),
    decibels(output?.accumulatedDb),
    decibels(sensitivity.oneDb),
    decibels(sensitivity.allButOneDb),
    output === undefined || output.saturated < 5e-5 ? "" : percent(output.saturated),
    output === undefined ? "" : percent(output.unusedCodes, 0),
    states("dead") === 0 ? "" : String(states("dead")),
    states("lost") === 0 ? "" : String(states("lost")),
    describeChannels(output?.channels),
  ];
}

/** The narrowest and the widest channel: far apart, one scale for all leaves the narrow one few codes. */
function describeChannels(channels: NonNullable<PartFacts["output"]>["channels"] = []): string {
  const widths = channels.filter(({ state }) => state !== "dead").map(({ min, max }) => max - min);
  if (widths.length < 2) return "";
  return `${significant(Math.min(...widths))} to ${significant(Math.max(...widths))}`;
}

function histogramsSection({ histograms, parts }: DebugReport): string {
  const charts = histograms.flatMap((histogram) => {
    const grid = parts.find(({ layer }) => layer === histogram.layer)?.output?.grid;
    return grid === undefined ? [] : [squareFigure((width) => renderHistogram(histogram, { grid, width }))];
  });
  if (charts.length === 0) return "";
  return section("The worst layers' values", {
    lead:
      "How often values lie where in float, on a logarithmic scale; lines are the ends of the grid, and thin ones its " +
      "steps where they can be told apart.",
    body: charts.join(""),
  });
}

function remarksSection(report: DebugReport): string {
  const remarks = debugRemarks(report);
  if (remarks.length === 0) return "";
  const items = remarks.map((remark) => `<li>${escapeHtml(remark)}</li>`);
  return section("Also seen", { lead: "What cannot be seen in ratios.", body: `<ul>${items.join("")}</ul>` });
}

function keepSection(keep: KeepReport): string {
  const rows = keep.choices.map((choice) => {
    const { layers, value, latency, note } = keepCells(choice, keep);
    return [layers, value, latency, note].map(escapeHtml);
  });
  return section("Layers to keep in float", {
    lead: `${escapeHtml(keepSentence(keep))}<br>${escapeHtml(keepBasis(keep))}`,
    body: denseTable([
      { heading: "In float", kind: "name" },
      { heading: keep.metric.name, kind: "number" },
      { heading: "Latency", kind: "number" },
      { heading: "" },
    ], rows),
  });
}

function originSection({ command, machine, versions }: DebugReport): string {
  return section("Where this comes from", {
    lead: "",
    body: facts([
      ...(command === undefined ? [] : [["Command", command] as const]),
      ...(machine === undefined ? [] : [["Machine", machine] as const]),
      ...Object.entries(versions),
    ]),
  });
}
