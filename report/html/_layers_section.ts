/** Ranges and weight error by layer. */
import { escapeHtml, significant } from "../_format.ts";
import { NOISY_DB, renderLayersChart } from "./_layers_chart.ts";
import { chartFigure, cssPercent, type HtmlSection, section, table, type TableColumn } from "./_markup.ts";
import type { LayerReport } from "../schema.ts";

/** Up to so many layers, the bars in the table show all that a chart would. */
const CHART_FROM = 17;

/** Layers that have a range or weights; nothing if there are none. */
export const layersSection: HtmlSection = {
  name: "layers",
  render: ({ layers: all = [] }) => {
    const layers = all.filter(({ range, weightError }) => range !== undefined || weightError !== undefined);
    if (layers.length === 0) return undefined;
    const chart = layers.length < CHART_FROM ? "" : chartFigure((width) => renderLayersChart(layers, { width }));
    return section("Ranges and weight error by layer", {
      lead: describeLayers(layers) + describeOthers(all.length - layers.length),
      body: chart + renderTable(layers),
    });
  },
};

function describeLayers(layers: readonly LayerReport[]): string {
  const meaning = "SQNR is the power of the weights over that of their rounding error; " +
    `under ${NOISY_DB} dB the error is more than 1% of the signal.`;
  const measured = layers.flatMap(({ name, weightError }) => {
    const db = weightError?.sqnrDb ?? undefined;
    return db === undefined ? [] : [{ name, db }];
  });
  if (measured.length === 0) return meaning;
  const worst = measured.reduce((a, b) => b.db < a.db ? b : a);
  const noisy = measured.filter(({ db }) => db < NOISY_DB).length;
  const others = noisy > 1 ? ` ${noisy} layers are under ${NOISY_DB} dB.` : "";
  return `${meaning} The noisiest weights are those of <code>${escapeHtml(worst.name)}</code>, ` +
    `${worst.db.toFixed(1)} dB.${others}`;
}

function describeOthers(others: number): string {
  if (others === 0) return "";
  return others === 1
    ? " One layer without a range of its own is not listed."
    : ` ${others} layers without a range of their own are not listed.`;
}

const COLUMNS: readonly TableColumn[] = [
  { heading: "#", kind: "number" },
  { heading: "Layer", kind: "name" },
  { heading: "Kind" },
  { heading: "Range" },
  { heading: "Min", kind: "number" },
  { heading: "Max", kind: "number" },
  { heading: "Scale", kind: "number" },
  { heading: "Zero point", kind: "number" },
  { heading: "Weight SQNR, dB" },
];

function renderTable(layers: readonly LayerReport[]): string {
  const ranges = layers.flatMap(({ range }) => range === undefined ? [] : [range]);
  const min = Math.min(0, ...ranges.map((range) => range.min));
  const max = Math.max(0, ...ranges.map((range) => range.max));
  const best = Math.max(1, ...layers.map(({ weightError }) => weightError?.sqnrDb ?? 0));
  return table(
    COLUMNS,
    layers.map(({ name, kind, className, range, scale, zeroPoint, weightError }, i) => [
      String(i + 1),
      escapeHtml(name),
      escapeHtml(className ?? kind),
      range === undefined ? "" : renderRange(range, { min, max }),
      range === undefined ? "" : significant(range.min),
      range === undefined ? "" : significant(range.max),
      scale === undefined ? "" : significant(scale),
      zeroPoint === undefined ? "" : String(zeroPoint),
      renderError(weightError, best),
    ]),
  );
}

function renderRange(range: { min: number; max: number }, axis: { min: number; max: number }): string {
  const span = axis.max - axis.min || 1;
  return `<span class="range"><b style="left:${cssPercent(-axis.min / span)}"></b>` +
    `<i style="left:${cssPercent((range.min - axis.min) / span)};` +
    `width:${cssPercent((range.max - range.min) / span)}"></i></span>`;
}

function renderError(error: LayerReport["weightError"], best: number): string {
  if (error === undefined) return "";
  if (error.sqnrDb === null) return "no error";
  const poor = error.sqnrDb < NOISY_DB ? ' class="poor"' : "";
  return `<span class="error"><i${poor} style="width:${cssPercent(error.sqnrDb / best)}"></i></span>` +
    `<span${poor}>${error.sqnrDb.toFixed(1)}</span>`;
}
