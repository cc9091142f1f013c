/** The curve of a page: its first metric after each epoch, as an SVG that stands by itself, light on any background. */
// @ts-types="echarts"
import * as echarts from "echarts/dist/echarts.esm.min.mjs";
import type { TaskResult } from "./_figures.ts";
import type { TaskPage } from "./_rows.ts";

const [WIDTH, HEIGHT] = [760, 360];
const COLOURS = ["#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#64748b", "#dc2626", "#0891b2"];

/** Draws the rows that tell what was reached after epochs. */
export function curveOf(page: TaskPage, results: readonly TaskResult[]): string {
  const rows = page.rows.flatMap(({ name }) =>
    results.filter(({ page: own, row }) => own === page.name && row === name)
  )
    .filter(({ figures: { epochs } }) => epochs.filter((value) => value !== null).length > 1);
  const [{ figures: { metrics: [{ name, unit }] } }] = rows;
  const factor = unit === "fraction" ? 100 : 1;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "#ffffff",
      color: COLOURS,
      title: {
        text: `${name}${unit === "fraction" ? ", %" : unit === "" ? "" : `, ${unit}`}`,
        left: 12,
        top: 8,
        textStyle: { fontSize: 13 },
      },
      legend: { top: 8, right: 12, itemWidth: 18, textStyle: { fontSize: 11 } },
      grid: { left: 52, right: 20, top: 44, bottom: 44 },
      xAxis: { type: "value", name: "epoch", nameLocation: "middle", nameGap: 28, min: 0, splitLine: { show: false } },
      yAxis: { type: "value", scale: true },
      series: rows.map(({ row, figures: { epochs } }) => ({
        type: "line",
        name: row,
        symbol: "none",
        data: epochs.flatMap((value, i) => value === null ? [] : [[i + 1, factor * value]]),
      })),
    });
    return tidy(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** Counters in ids and classes differ from call to call; styles are for a pointer that is over it. */
function tidy(svg: string): string {
  const still = svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, "").replace(
    / (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g,
    "",
  );
  return `${still.replace(/zr\d+-/g, "").replace(/\n+/g, "\n").trim()}\n`;
}
