/** The chart of quality against time. */
import type { EChartsOption } from "echarts";
import { plainText } from "../../src/text/plain.ts";
import { frontOf, type ParetoPoint } from "../choose_words.ts";
import { escapeHtml } from "../_format.ts";
import { unitFormat } from "../_unit.ts";
import { chooseAxis, endsOf } from "./_axis.ts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";

const HEIGHT = 340;

/** What is drawn. */
export interface ParetoData {
  readonly metric: { readonly name: string; readonly unit: string; readonly better: "higher" | "lower" };
  readonly points: readonly ParetoPoint[];
  /** The float model. */
  readonly float?: { readonly value: number; readonly ms: number };
}

/** Renders models by latency and quality, the ones that no other beats joined by a line, `width` px wide. */
export function renderParetoChart(
  { metric, points, float }: ParetoData,
  { width }: { readonly width: number },
): string {
  const front = new Set(frontOf(points, metric.better));
  const placeOf = ({ ms, value }: ParetoPoint) => [ms, value];
  const values = [...points.map(({ value }) => value), ...(float === undefined ? [] : [float.value])];
  const axis = chooseAxis(values, endsOf(values, metric.unit));
  const { tick } = unitFormat(metric.unit, [axis.min, axis.max]);
  const option: EChartsOption = {
    grid: { left: 58, right: 24, top: 34, bottom: 46 },
    title: {
      text: plainText(metric.name + (metric.better === "lower" ? " (lower is better)" : "")),
      left: 0,
      top: 0,
      padding: 0,
      textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 },
    },
    xAxis: {
      type: "value",
      min: 0,
      name: "time of one answer, ms",
      nameLocation: "middle",
      nameGap: 28,
      nameTextStyle: CHART_TEXT,
      axisLabel: CHART_TEXT,
      axisTick: { show: false },
      axisLine: { onZero: false, lineStyle: { color: COLORS.muted } },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      min: axis.min,
      max: axis.max,
      interval: axis.step * 2,
      axisLabel: { ...CHART_TEXT, formatter: (value: number) => tick(value, axis.step) },
      axisTick: { show: false },
      axisLine: { show: false },
      splitLine: { lineStyle: { color: COLORS.rule } },
    },
    series: [
      {
        type: "line",
        silent: true,
        showSymbol: false,
        lineStyle: { color: COLORS.int8, width: 1.5, type: [4, 4] },
        data: [...front].map(placeOf).toSorted((a, b) => a[0] - b[0]),
      },
      {
        type: "scatter",
        silent: true,
        symbolSize: 9,
        data: points.map((point) => ({
          value: placeOf(point),
          itemStyle: { color: front.has(point) ? COLORS.int8 : COLORS.muted },
          label: {
            show: front.has(point),
            position: "right" as const,
            // Below the line that goes up from there.
            offset: [0, 9],
            formatter: () => plainText(point.name),
            ...CHART_TEXT,
            color: point.isChosen ? COLORS.int8 : COLORS.muted,
          },
          ...(point.isChosen ? { symbolSize: 14 } : {}),
        })),
      },
      {
        type: "scatter",
        silent: true,
        symbol: "diamond",
        symbolSize: 12,
        itemStyle: { color: COLORS.float },
        label: { show: true, position: "left", formatter: "float", ...CHART_TEXT, color: COLORS.float },
        data: float === undefined ? [] : [[float.ms, float.value]],
      },
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: `${escapeHtml(metric.name)} by time` });
}
