/** Renders charts as SVG text that can stand in any page. */
// The build in one file: of its 600 modules each start would take 0.2 s more.
// @ts-types="echarts"
import * as echarts from "echarts/dist/echarts.esm.min.mjs";

/** Size of a chart in CSS pixels, and what a screen reader says it is. */
export interface ChartFrame {
  readonly width: number;
  readonly height: number;
  readonly label: string;
}

/** The page's colours, as CSS variables: light or dark is then the page's choice, not the chart's. */
export const COLORS = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  rule: "var(--rule)",
  float: "var(--float)",
  simulated: "var(--simulated)",
  int8: "var(--int8)",
  poor: "var(--poor)",
  paper: "var(--paper)",
} as const;

/** Text of axes and labels. */
export const CHART_TEXT = { color: COLORS.muted, fontSize: 12, fontFamily: "inherit" } as const;

/**
 * Renders `option` as an `<svg>` element.
 *
 * Equal options give equal text: the counters that ECharts puts into ids differ from call to call and are replaced by
 * a hash of the chart, so that no chart of a page is clipped by what another one defines.
 * What is of use only to a script (hover styles, series indices) is taken out.
 *
 * @param frame.label Goes into the SVG's `aria-label`; must be escaped for HTML.
 */
export function renderChart(option: echarts.EChartsOption, frame: ChartFrame): string {
  const { width, height, label } = frame;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: CHART_TEXT, ...option });
    return tidySvg(chart.renderToSVGString(), label);
  } finally {
    chart.dispose(); // or its timers keep the process alive
  }
}

function tidySvg(svg: string, label: string): string {
  const tidy = svg
    .replace(/<svg [^>]*viewBox="([^"]*)"[^>]*>/, `<svg viewBox="$1" role="img" aria-label="${label}">`)
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, "")
    .replace(/ (?:class|pointer-events|ecmeta_\w+|baseProfile)="[^"]*"/g, "")
    .replace(/<defs\s*>\s*<\/defs>/g, "")
    .replace(/\n+/g, "\n")
    .replace(COUNTED, "$1");
  return tidy.replace(/(id="|url\(#)/g, `$1${hashOf(tidy)}-`);
}

/** The counter before a name in an id, and in what refers to it. */
const COUNTED = /(id="|url\(#)zr\d+-/g;

/** Hashes text to a name that may stand in an id (FNV-1a, 32 bits). */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `c${(hash >>> 0).toString(36)}`;
}
