/** Charts of a task's sections. */
import type { EChartsOption } from "echarts";
import type { BarsSection, CurveSection, SectionAxis, SectionSeries } from "../../tasks/section.ts";
import { plainText } from "../../src/text/plain.ts";
import { escapeHtml } from "../_format.ts";
import { unitFormat } from "../_unit.ts";
import { endOfShares } from "./_axis.ts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";

/** In px: a bar chart's height, and a curve's, which is as wide as that too. */
const HEIGHT = { bars: 260, curve: 420 } as const;
/** Room around the plot for labels of the axes, in px. */
const GRID = { left: 64, right: 16, top: 30, bottom: 46 } as const;

const MODEL_COLORS = { float: COLORS.float, simulated: COLORS.simulated, deployed: COLORS.int8 } as const;
/** Of series that are about no model; then round again. */
const OTHER_COLORS = [COLORS.int8, COLORS.simulated, COLORS.float, COLORS.muted, COLORS.poor] as const;

/** Returns the colour of the series at `index`. */
export function colorOf({ model }: SectionSeries, index: number): string {
  return model === undefined ? OTHER_COLORS[index % OTHER_COLORS.length] : MODEL_COLORS[model];
}

/** Renders bars over labels, `width` px wide. */
export function renderBarsChart(bars: BarsSection, { width }: { width: number }): string {
  const { x, y, labels, series, heading } = bars;
  const option: EChartsOption = {
    grid: GRID,
    title: titleOf(y),
    xAxis: {
      type: "category",
      data: labels.map(plainText),
      ...nameOf(x),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: COLORS.muted } },
      axisLabel: { ...CHART_TEXT, hideOverlap: true },
    },
    yAxis: valueAxis(y, series.flatMap(({ values }) => values)),
    series: series.map((entry, i) => ({
      type: "bar" as const,
      silent: true,
      barMaxWidth: 40,
      barCategoryGap: "15%",
      itemStyle: { color: colorOf(entry, i) },
      data: [...entry.values],
    })),
  };
  return renderChart(option, { width, height: HEIGHT.bars, label: escapeHtml(heading) });
}

/** Renders lines or points over two numeric axes, `width` px wide. */
export function renderCurveChart(curve: CurveSection, { width }: { width: number }): string {
  const { x, y, marks, diagonal = false, series, heading } = curve;
  const at = (i: 0 | 1) => series.flatMap(({ points }) => points.map((point) => point[i])).filter(Number.isFinite);
  const both = diagonal ? endsOf([...at(0), ...at(1)]) : undefined;
  const option: EChartsOption = {
    grid: GRID,
    title: titleOf(y),
    xAxis: { ...valueAxis(x, at(0)), ...nameOf(x), scale: diagonal },
    yAxis: { ...valueAxis(y, at(1)), scale: diagonal },
    series: [
      ...(both === undefined ? [] : [diagonalOf(both)]),
      ...series.map((entry, i) =>
        marks === "line"
          ? {
            type: "line" as const,
            silent: true,
            symbol: "none",
            lineStyle: { color: colorOf(entry, i), width: 2 },
            data: thin(entry.points),
          }
          : {
            type: "scatter" as const,
            silent: true,
            symbolSize: 5,
            itemStyle: { color: colorOf(entry, i), opacity: 0.5 },
            data: thin(entry.points),
          }
      ),
    ],
  };
  return renderChart(option, { width, height: HEIGHT.curve, label: escapeHtml(heading) });
}

/** More points than this are not seen, and make the page slow. */
const MAX_POINTS = 2000;

/** Keeps every k-th point and the last. */
function thin(points: readonly (readonly [number, number])[]): number[][] {
  const step = Math.ceil(points.length / MAX_POINTS);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1).map((point) => [...point]);
}

function endsOf(values: readonly number[]): readonly [low: number, high: number] {
  return values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
}

/** Draws where y = x, from end to end of both axes: they then begin and end alike. */
function diagonalOf([low, high]: readonly [low: number, high: number]) {
  return {
    type: "line" as const,
    silent: true,
    symbol: "none",
    lineStyle: { color: COLORS.muted, width: 1, type: [2, 3] },
    data: [[low, low], [high, high]],
  };
}

function labelOf({ label, unit = "" }: SectionAxis): string {
  return plainText(unit === "" || unit === "fraction" ? label : `${label}, ${unit}`);
}

function titleOf(axis: SectionAxis) {
  const textStyle = { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 as const };
  return { text: labelOf(axis), left: 0, top: 0, padding: 0, textStyle };
}

function nameOf(axis: SectionAxis) {
  return { name: labelOf(axis), nameLocation: "middle" as const, nameGap: 30, nameTextStyle: CHART_TEXT };
}

/** Steps of an axis of numbers. */
const SPLITS = 5;

function valueAxis({ unit = "", min, max }: SectionAxis, values: readonly number[]) {
  const from = min ?? Math.min(0, ...values);
  const span = (max ?? Math.max(0, ...values)) - from;
  const { tick } = unitFormat(unit === "fraction" || unit.startsWith("% ") ? unit : "", values);
  return {
    type: "value" as const,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? endOfShares(values, { unit, from, splits: SPLITS }) : { max }),
    splitNumber: SPLITS,
    axisLabel: { ...CHART_TEXT, formatter: (value: number) => tick(value, span / SPLITS / 0.7) },
    axisTick: { show: false },
    axisLine: { show: false },
    splitLine: { lineStyle: { color: COLORS.rule } },
  };
}
