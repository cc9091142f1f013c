/** The chart of quality against time of the rungs of a ladder. */
import type { EChartsOption } from "echarts";
import { plainText } from "../../src/text/plain.ts";
import { paretoOf, triedRungs } from "../choose_words.ts";
import type { ChooseReport, TriedRung } from "../choose_schema.ts";
import { escapeHtml, isKnown } from "../_format.ts";
import { unitFormat } from "../_unit.ts";
import { chooseAxis } from "./_axis.ts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";

const HEIGHT = 340;

/** Renders rungs by latency and quality, the ones that no other beats joined by a line, `width` px wide. */
export function renderParetoChart(report: ChooseReport, { width }: { readonly width: number }): string {
  const { metric, float, chosen, rungs } = report;
  const timed = triedRungs(report).filter(({ latencyMs, value }) => latencyMs !== undefined && isKnown(value));
  const front = new Set(paretoOf(report));
  const best = chosen === undefined ? undefined : rungs[chosen];
  const point = (rung: TriedRung) => [rung.latencyMs!.file, rung.value!];
  const floatTime = timed.length === 0 ? undefined : timed[0].latencyMs!.float;
  const axis = chooseAxis([...timed.map(({ value }) => value!), ...(float === null ? [] : [float])]);
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
        data: [...front].map(point).toSorted((a, b) => a[0] - b[0]),
      },
      {
        type: "scatter",
        silent: true,
        symbolSize: 9,
        data: timed.map((rung) => ({
          value: point(rung),
          itemStyle: { color: front.has(rung) ? COLORS.int8 : COLORS.muted },
          label: {
            show: front.has(rung),
            position: "right" as const,
            // Below the line that goes up from there.
            offset: [0, 9],
            formatter: () => plainText(rung.name),
            ...CHART_TEXT,
            color: rung === best ? COLORS.int8 : COLORS.muted,
          },
          ...(rung === best ? { symbolSize: 14 } : {}),
        })),
      },
      {
        type: "scatter",
        silent: true,
        symbol: "diamond",
        symbolSize: 12,
        itemStyle: { color: COLORS.float },
        label: { show: true, position: "left", formatter: "float", ...CHART_TEXT, color: COLORS.float },
        data: floatTime === undefined || float === null ? [] : [[floatTime, float]],
      },
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: `${escapeHtml(metric.name)} by time` });
}
