/** The chart of activation ranges and weight error by layer. */
import type { CustomSeriesRenderItem, EChartsOption } from "echarts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";
import type { LayerReport } from "../schema.ts";

/** Plot areas from top to bottom, in px. */
const LAYOUT = { top: 30, ranges: 170, gap: 48, errors: 140, bottom: 44 } as const;
const HEIGHT = LAYOUT.top + LAYOUT.ranges + LAYOUT.gap + LAYOUT.errors + LAYOUT.bottom;
/** Greatest width of a bar, in px. */
const BAR = 12;

/**
 * SQNR under which a layer's weights are called noisy, in dB: at 20 dB the noise has 1% of the signal's power.
 */
export const NOISY_DB = 20;

/** Renders ranges above SQNR, over a common axis of layers in the order of the model, `width` px wide. */
export function renderLayersChart(layers: readonly LayerReport[], { width }: { width: number }): string {
  const option: EChartsOption = {
    grid: [
      { left: 48, right: 8, top: LAYOUT.top, height: LAYOUT.ranges },
      { left: 48, right: 8, top: LAYOUT.top + LAYOUT.ranges + LAYOUT.gap, height: LAYOUT.errors },
    ],
    title: [
      { text: "activation range", left: 0, top: 0 },
      { text: "weight SQNR, dB", left: 0, top: LAYOUT.top + LAYOUT.ranges + LAYOUT.gap - 28 },
    ].map((title) => ({ ...title, padding: 0, textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 } })),
    xAxis: [layerAxis(layers.length, { width, gridIndex: 0 }), layerAxis(layers.length, { width, gridIndex: 1 })],
    yAxis: [valueAxis(0), valueAxis(1)],
    series: [
      {
        type: "custom",
        silent: true,
        renderItem: renderRange,
        encode: { x: 0, y: [1, 2] },
        data: layers.flatMap(({ range }, i) => range === undefined ? [] : [[i, range.min, range.max]]),
      },
      {
        type: "bar",
        silent: true,
        xAxisIndex: 1,
        yAxisIndex: 1,
        barMaxWidth: BAR,
        barCategoryGap: "20%",
        data: layers.flatMap(({ weightError }, i) => {
          const sqnrDb = weightError?.sqnrDb ?? undefined;
          if (sqnrDb === undefined) return [];
          const color = sqnrDb < NOISY_DB ? COLORS.poor : COLORS.int8;
          return [{ value: [i, sqnrDb], itemStyle: { color } }];
        }),
      },
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: "Activation ranges and weight error by layer" });
}

/** Draws a bar from the least to the greatest value that the layer's codes can stand for. */
const renderRange: CustomSeriesRenderItem = (_params, api) => {
  const [x, top] = api.coord([api.value(0), api.value(2)]);
  const [, bottom] = api.coord([api.value(0), api.value(1)]);
  const size = api.size?.([1, 0]);
  const pitch = Array.isArray(size) ? size[0] : 8;
  const width = Math.min(BAR, pitch * 0.8);
  return {
    type: "rect",
    shape: { x: x - width / 2, y: top, width, height: Math.max(1, bottom - top) },
    style: { fill: COLORS.simulated },
  };
};

/** The axis of layers by number; the lower of two plots is labelled. */
export function layerAxis(layers: number, { width, gridIndex }: { width: number; gridIndex: number }) {
  const labels = Math.max(2, Math.floor(width / 50));
  const every = [1, 2, 5, 10, 20, 50, 100, 200].find((step) => layers / step <= labels) ?? 500;
  return {
    type: "category" as const,
    gridIndex,
    data: Array.from({ length: layers }, (_, i) => i + 1),
    axisTick: { show: false },
    axisLine: { onZero: true, lineStyle: { color: COLORS.muted } },
    axisLabel: {
      ...CHART_TEXT,
      show: gridIndex === 1,
      interval: (index: number) => (index + 1) % every === 0,
    },
    ...(gridIndex === 1
      ? { name: "layer, as numbered below", nameLocation: "middle" as const, nameGap: 28, nameTextStyle: CHART_TEXT }
      : {}),
  };
}

/** The axis of values. */
export function valueAxis(gridIndex: number) {
  return {
    type: "value" as const,
    gridIndex,
    splitNumber: 4,
    axisLabel: CHART_TEXT,
    axisTick: { show: false },
    axisLine: { show: false },
    splitLine: { lineStyle: { color: COLORS.rule } },
  };
}
