/** The chart of accuracy and loss by epoch. Private to `export/report`. */
import type { EChartsOption } from "echarts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";
import { percent } from "../_format.ts";
import type { EpochReport, Report } from "../report.ts";

/** Plot areas from top to bottom, in px. */
const LAYOUT = { top: 46, accuracy: 210, gap: 44, loss: 110, bottom: 44 } as const;
const HEIGHT = LAYOUT.top + LAYOUT.accuracy + LAYOUT.gap + LAYOUT.loss + LAYOUT.bottom;
/** Room left and right of the first and the last epoch, in epochs. */
const PAD = 0.4;

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

/** Renders accuracy above loss, over a common axis of epochs, `width` px wide. */
export function renderTrainingChart(report: Report, { width }: { width: number }): string {
  const { accuracy, train, bestEpoch } = report;
  const epochs = train.epochs.map(({ epoch }) => epoch);
  const option: EChartsOption = {
    grid: [
      { left: 58, right: 20, top: LAYOUT.top, height: LAYOUT.accuracy },
      { left: 58, right: 20, top: LAYOUT.top + LAYOUT.accuracy + LAYOUT.gap, height: LAYOUT.loss },
    ],
    title: [
      { text: accuracy.metric, left: 0, top: 0 },
      { text: "loss", left: 0, top: LAYOUT.top + LAYOUT.accuracy + LAYOUT.gap - 30 },
    ].map((title) => ({ ...title, padding: 0, textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 } })),
    xAxis: [epochAxis(epochs, { width, gridIndex: 0 }), epochAxis(epochs, { width, gridIndex: 1 })],
    yAxis: [
      valueAxis({ gridIndex: 0, format: axisPercent(train.epochs, accuracy.float) }),
      valueAxis({ gridIndex: 1, format: String }),
    ],
    series: [
      {
        // A series and not a mark line, so that the axis makes room for it.
        ...line("float", [epochs[0] - PAD, epochs[epochs.length - 1] + PAD].map((x) => [x, accuracy.float])),
        lineStyle: { color: COLORS.float, width: 2, type: [2, 3] },
        symbol: "none",
      },
      {
        ...line("simulated", train.epochs.map(({ epoch, simulated }) => [epoch, simulated])),
        lineStyle: { color: COLORS.simulated, width: 2, type: [6, 3] },
        itemStyle: { color: COLORS.simulated },
        symbol: "emptyCircle",
        markLine: freezeLines(findFreezes(train.epochs), { labelled: true }),
      },
      {
        ...line("deployed", train.epochs.map(({ epoch, deployed }) => [epoch, deployed])),
        lineStyle: { color: COLORS.int8, width: 2 },
        itemStyle: { color: COLORS.int8 },
        markPoint: bestPoint(train.epochs.find(({ epoch }) => epoch === bestEpoch)),
      },
      {
        ...line("loss", train.epochs.map(({ epoch, loss }) => [epoch, loss])),
        xAxisIndex: 1,
        yAxisIndex: 1,
        lineStyle: { color: COLORS.muted, width: 2 },
        itemStyle: { color: COLORS.muted },
        markLine: freezeLines(findFreezes(train.epochs), { labelled: false }),
      },
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: "Accuracy and loss by epoch" });
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
    splitNumber: gridIndex === 0 ? 4 : 2,
    axisLabel: { ...CHART_TEXT, formatter: format },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: COLORS.rule } },
  };
}

/** Gives the axis as many decimals as its span needs. */
function axisPercent(epochs: readonly EpochReport[], float: number): (value: number) => string {
  const values = [float, ...epochs.flatMap(({ simulated, deployed }) => [simulated, deployed])]
    .filter(Number.isFinite);
  const span = Math.max(...values) - Math.min(...values);
  return (value) => percent(value, span > 0.03 ? 0 : span > 0.004 ? 1 : 2);
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

function bestPoint(best: EpochReport | undefined) {
  if (best === undefined) return undefined;
  return {
    silent: true,
    symbol: "circle",
    symbolSize: 13,
    itemStyle: { color: "transparent", borderColor: COLORS.int8, borderWidth: 2 },
    label: { formatter: `best ${percent(best.deployed)}`, position: "bottom" as const, ...labelStyle(COLORS.int8) },
    data: [{ name: "best", coord: [best.epoch, best.deployed] }],
  };
}

function labelStyle(color: string) {
  return { ...CHART_TEXT, color, textBorderColor: COLORS.paper, textBorderWidth: 3 };
}
