/** Charts of what debugging found. */
import type { CustomSeriesRenderItem, EChartsOption } from "echarts";
import { escapeHtml, significant } from "../_format.ts";
import type { Histogram, PartFacts } from "../debug_schema.ts";
import { CHART_TEXT, COLORS, renderChart } from "./_chart.ts";
import { layerAxis, valueAxis } from "./_layers_chart.ts";

/** Plot areas from top to bottom, in px. */
const LAYOUT = { top: 30, errors: 200, gap: 48, ranges: 160, bottom: 44 } as const;
const HEIGHT = LAYOUT.top + LAYOUT.errors + LAYOUT.gap + LAYOUT.ranges + LAYOUT.bottom;
/** Greatest width of a bar, in px. */
const BAR = 12;

/**
 * Renders noise by depth above ranges before and after, over a common axis of layers in the order of the model: bars are
 * what a layer does by itself, the line what has come together so far.
 */
export function renderDepthChart(parts: readonly PartFacts[], { width }: { width: number }): string {
  const shown = parts.filter(({ output }) => output !== undefined);
  const second = LAYOUT.top + LAYOUT.errors + LAYOUT.gap;
  const option: EChartsOption = {
    grid: [
      { left: 48, right: 8, top: LAYOUT.top, height: LAYOUT.errors },
      { left: 48, right: 8, top: second, height: LAYOUT.ranges },
    ],
    title: [
      { text: "signal to noise, dB", left: 0, top: 0 },
      { text: "range in float, and the grid's", left: 0, top: second - 28 },
    ].map((title) => ({ ...title, padding: 0, textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 } })),
    xAxis: [layerAxis(shown.length, { width, gridIndex: 0 }), layerAxis(shown.length, { width, gridIndex: 1 })],
    yAxis: [valueAxis(0), valueAxis(1)],
    series: [
      {
        type: "bar",
        silent: true,
        barMaxWidth: BAR,
        barCategoryGap: "20%",
        itemStyle: { color: COLORS.simulated },
        data: shown.map(({ output }) => output?.aloneDb ?? "-"),
      },
      {
        type: "line",
        silent: true,
        symbol: "circle",
        symbolSize: 6,
        lineStyle: { color: COLORS.int8, width: 2 },
        itemStyle: { color: COLORS.int8 },
        data: shown.map(({ output }) => output?.accumulatedDb ?? "-"),
      },
      ranges(shown.map(({ output }) => output!.range), { renderItem: renderFloat }),
      ranges(shown.map(({ output }) => output!.grid), { renderItem: renderGrid }),
    ],
  };
  return renderChart(option, { width, height: HEIGHT, label: "Signal to noise and ranges by layer" });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function ranges(of: readonly Range[], { renderItem }: { renderItem: CustomSeriesRenderItem }) {
  return {
    type: "custom" as const,
    silent: true,
    xAxisIndex: 1,
    yAxisIndex: 1,
    renderItem,
    encode: { x: 0, y: [1, 2] },
    data: of.map(({ min, max }, i) => [i, min, max]),
  };
}

/** Draws a bar from the least to the greatest value in float. */
const renderFloat: CustomSeriesRenderItem = (_params, api) => {
  const { x, top, bottom, width } = placeOf(api);
  return {
    type: "rect",
    shape: { x: x - width / 2, y: top, width, height: Math.max(1, bottom - top) },
    style: { fill: COLORS.float },
  };
};

/** Draws the ends of a grid around it. */
const renderGrid: CustomSeriesRenderItem = (_params, api) => {
  const { x, top, bottom, width } = placeOf(api);
  return {
    type: "rect",
    shape: { x: x - width / 2 - 2, y: top, width: width + 4, height: Math.max(1, bottom - top) },
    style: { fill: "none", stroke: COLORS.int8, lineWidth: 1.5 },
  };
};

function placeOf(api: Parameters<CustomSeriesRenderItem>[1]) {
  const [x, top] = api.coord([api.value(0), api.value(2)]);
  const [, bottom] = api.coord([api.value(0), api.value(1)]);
  const size = api.size?.([1, 0]);
  return { x, top, bottom, width: Math.min(BAR, (Array.isArray(size) ? size[0] : 8) * 0.6) };
}

/** Height of a histogram, in px. */
const HISTOGRAM_HEIGHT = 170;
/** Steps of a grid that are told apart by eye. */
const MOST_STEPS = 64;

/** Renders how often values lie where, with the grid's ends, and its steps where they can be told apart. */
export function renderHistogram(
  { layer, range, counts }: Histogram,
  { grid, width }: { readonly grid: Range & { readonly scale: number }; readonly width: number },
): string {
  const bin = (range.max - range.min) / counts.length || 1;
  const steps = (range.max - range.min) / grid.scale;
  const lines = steps > MOST_STEPS ? [] : Array.from(
    { length: Math.floor(steps) + 1 },
    (_, i) => ({ xAxis: (Math.ceil(range.min / grid.scale) + i) * grid.scale }),
  );
  const [least, most] = [Math.min(range.min, grid.min), Math.max(range.max, grid.max)];
  const option: EChartsOption = {
    grid: { left: 44, right: 16, top: 28, bottom: 24 },
    title: {
      text: layer,
      left: 0,
      top: 0,
      padding: 0,
      textStyle: { ...CHART_TEXT, color: COLORS.ink, fontWeight: 600 },
    },
    xAxis: {
      type: "value",
      min: least,
      max: most,
      splitLine: { show: false },
      axisTick: { show: false },
      axisLine: { onZero: false, lineStyle: { color: COLORS.muted } },
      axisLabel: { ...CHART_TEXT, formatter: significant, showMinLabel: true, showMaxLabel: true, hideOverlap: true },
    },
    // Of values around 0 there are most, and the rare ones at the ends are what a grid is stretched for.
    yAxis: {
      type: "log",
      min: 0.5,
      axisLine: { show: false },
      axisLabel: { show: false },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    series: [{
      type: "custom",
      silent: true,
      renderItem: (_params, api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const [right, base] = api.coord([Number(api.value(0)) + bin, 0.5]);
        return {
          type: "rect",
          shape: { x, y, width: Math.max(1, right - x - 0.5), height: Math.max(0, base - y) },
          style: { fill: COLORS.float },
        };
      },
      data: counts.flatMap((count, i) => count === 0 ? [] : [[range.min + i * bin, count]]),
      markLine: {
        silent: true,
        symbol: "none",
        label: { show: false },
        data: [
          ...lines.map((line) => ({ ...line, lineStyle: { color: COLORS.rule, width: 1, type: "solid" as const } })),
          ...[grid.min, grid.max].map((xAxis) => ({
            xAxis,
            lineStyle: { color: COLORS.int8, width: 2, type: "solid" as const },
          })),
        ],
      },
    }],
  };
  return renderChart(option, { width, height: HISTOGRAM_HEIGHT, label: `Values of ${escapeHtml(layer)}` });
}
