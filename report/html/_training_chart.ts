/** The chart of the first metric and the loss by epoch. */
import type { EChartsOption } from "echarts";
import { endOfShares } from "./_axis.ts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";
import { plainText } from "../../src/text/plain.ts";
import { escapeHtml, isKnown } from "../_format.ts";
import { unitFormat } from "../_unit.ts";
import type { EpochMetricReport, EpochReport, MetricReport, Report } from "../schema.ts";

/** Plot areas from top to bottom, in px. */
const LAYOUT = { top: 46, metric: 210, gap: 44, loss: 110, bottom: 44 } as const;
const HEIGHT = LAYOUT.top + LAYOUT.metric + LAYOUT.gap + LAYOUT.loss + LAYOUT.bottom;
/** Room left and right of the first and the last epoch, in epochs. */
const PAD = 0.4;

/** Steps of the metric's axis. */
const SPLITS = 4;

/** An epoch after which something was frozen. */
interface Freeze {
  readonly after: number;
  readonly what: string;
}

/** Finds the freeze points: what an epoch did, and the next one no longer did. */
export function findFreezes(epochs: readonly EpochReport[]): readonly Freeze[] {
  const after = (was: (epoch: EpochReport) => boolean) =>
    epochs.find((epoch, i) => was(epoch) && i + 1 < epochs.length && !was(epochs[i + 1]))?.epoch;
  const batchNorm = after((epoch) => epoch.trainingBatchNorm);
  const ranges = after((epoch) => epoch.observing);
  return [
    ...(batchNorm === undefined ? [] : [{ after: batchNorm, what: "BN frozen" }]),
    ...(ranges === undefined ? [] : [{ after: ranges, what: "ranges frozen" }]),
  ];
}

/** Finds what was measured of `metric` after an epoch. */
export function metricAfter({ metrics }: EpochReport, { name, output }: MetricReport): EpochMetricReport | undefined {
  return metrics.find((entry) => entry.name === name && entry.output === output);
}

/** Renders the report's first metric above the loss, over a common axis of epochs, `width` px wide. */
export function renderTrainingChart(report: Report, { width }: { width: number }): string {
  const { metrics: [metric], train, bestEpoch } = report;
  const epochs = train.epochs.map(({ epoch }) => epoch);
  const freezes = findFreezes(train.epochs);
  const curve = (model: "simulated" | "deployed") =>
    train.epochs.flatMap((epoch) => {
      const value = metricAfter(epoch, metric)?.[model];
      return isKnown(value) ? [[epoch.epoch, value]] : [];
    });
  const deployed = curve("deployed");
  const measured = [...curve("simulated"), ...deployed].map(([, y]) => y);
  const best = (metric.deployed === undefined ? curve("simulated") : deployed).find(([epoch]) => epoch === bestEpoch);
  const names = [metric.name + (metric.better === "lower" ? " (lower is better)" : ""), "loss"];
  const mainColor = metric.deployed === undefined ? COLORS.simulated : COLORS.int8;
  const option: EChartsOption = {
    grid: [
      { left: 58, right: 20, top: LAYOUT.top, height: LAYOUT.metric },
      { left: 58, right: 20, top: LAYOUT.top + LAYOUT.metric + LAYOUT.gap, height: LAYOUT.loss },
    ],
    title: names.map((text, i) => ({
      text: plainText(text),
      left: 0,
      top: i === 0 ? 0 : LAYOUT.top + LAYOUT.metric + LAYOUT.gap - 30,
      padding: 0,
      textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 },
    })),
    xAxis: [epochAxis(epochs, { width, gridIndex: 0 }), epochAxis(epochs, { width, gridIndex: 1 })],
    yAxis: [
      {
        ...valueAxis({ gridIndex: 0, format: tickFormat(metric, measured) }),
        ...endOfShares(measured, { unit: metric.unit, from: Math.min(...measured), splits: SPLITS }),
      },
      valueAxis({ gridIndex: 1, format: String }),
    ],
    series: [
      {
        ...line("simulated", curve("simulated")),
        lineStyle: { color: COLORS.simulated, width: 2, type: [6, 3] },
        itemStyle: { color: COLORS.simulated },
        symbol: "emptyCircle",
        markLine: freezeLines(freezes, { labelled: true }),
      },
      {
        ...line("deployed", deployed),
        lineStyle: { color: COLORS.int8, width: 2 },
        itemStyle: { color: COLORS.int8 },
        markPoint: best && bestPoint(best, { metric, color: mainColor }),
      },
      {
        ...line("loss", train.epochs.map(({ epoch, loss }) => [epoch, loss])),
        xAxisIndex: 1,
        yAxisIndex: 1,
        lineStyle: { color: COLORS.muted, width: 2 },
        itemStyle: { color: COLORS.muted },
        markLine: freezeLines(freezes, { labelled: false }),
      },
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: `${escapeHtml(metric.name)} and loss by epoch` });
}

function line(name: string, data: (number | null)[][]) {
  return { name, type: "line" as const, data, symbol: "circle", symbolSize: 7, silent: true };
}

function epochAxis(epochs: readonly number[], { width, gridIndex }: { width: number; gridIndex: number }) {
  const every = Math.ceil(epochs.length * 36 / width);
  const ticks = epochs.filter((_, i) => i % every === 0);
  return {
    type: "value" as const,
    gridIndex,
    min: epochs[0] - PAD,
    max: epochs[epochs.length - 1] + PAD,
    splitLine: { show: false },
    axisLine: { show: true, onZero: false, lineStyle: { color: COLORS.rule } },
    axisTick: { show: false },
    axisLabel: { ...CHART_TEXT, customValues: ticks, show: gridIndex === 1 },
    ...(gridIndex === 1
      ? { name: "epoch", nameLocation: "middle" as const, nameGap: 28, nameTextStyle: CHART_TEXT }
      : {}),
  };
}

function valueAxis({ gridIndex, format }: { gridIndex: number; format: (value: number) => string }) {
  return {
    type: "value" as const,
    gridIndex,
    scale: true,
    splitNumber: gridIndex === 0 ? SPLITS : 2,
    axisLabel: { ...CHART_TEXT, formatter: format },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: COLORS.rule } },
  };
}

/** Gives the axis as many decimals as its span needs. */
function tickFormat({ unit, float }: MetricReport, measured: readonly number[]): (value: number) => string {
  const values = [float, ...measured].filter(isKnown);
  // ECharts rounds a quarter of the span to 1, 2, 3, 5 or 10 times a power of ten, from 0.7 of it up to the next.
  const step = (Math.max(...values) - Math.min(...values)) / 4 / 0.7;
  const { tick } = unitFormat(unit, values);
  return (value) => tick(value, step);
}

/** Draws a vertical line a freeze; labels stand on two levels, as neighbouring epochs leave no room side by side. */
function freezeLines(freezes: readonly Freeze[], { labelled }: { labelled: boolean }) {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: COLORS.muted, width: 1, type: "solid" as const },
    label: { show: labelled, position: "end" as const, ...labelStyle(COLORS.muted) },
    data: freezes.map(({ after, what }, i) => ({
      xAxis: after,
      label: { formatter: what, distance: 4 + 15 * i },
    })),
  };
}

function bestPoint(at: readonly number[], { metric, color }: { metric: MetricReport; color: string }) {
  const value = unitFormat(metric.unit, [metric.float, at[1]]).value(at[1]);
  return {
    silent: true,
    symbol: "circle",
    symbolSize: 13,
    itemStyle: { color: "transparent", borderColor: color, borderWidth: 2 },
    label: {
      formatter: () => plainText(`best ${value}`), // a string would be a template
      // On the side where the curve has been already.
      position: metric.better === "higher" ? "bottom" as const : "top" as const,
      ...labelStyle(color),
    },
    data: [{ name: "best", coord: [...at] }],
  };
}

function labelStyle(color: string) {
  return { ...CHART_TEXT, color, textBorderColor: COLORS.paper, textBorderWidth: 3 };
}
