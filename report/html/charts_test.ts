/** Where charts put what they show: places in pixels that follow from the sizes of the plots by hand. */
import assert from "node:assert/strict";
import type { BarsSection, CurveSection } from "../../tasks/section.ts";
import { trainedReport } from "../_test_sample_report.ts";
import type { LayerReport } from "../schema.ts";
import { renderHistogram } from "./_debug_chart.ts";
import { renderLayersChart } from "./_layers_chart.ts";
import { renderParetoChart } from "./_pareto_chart.ts";
import { colorOf, renderBarsChart, renderCurveChart } from "./_task_charts.ts";
import { renderTrainingChart } from "./_training_chart.ts";

/** The attributes of all elements of a kind, by name, with the text within. */
function elementsOf(svg: string, kind: "path" | "text"): readonly Readonly<Record<string, string>>[] {
  return Array.from(svg.matchAll(new RegExp(`<${kind} ([^>]*)>([^<]*)`, "g")), ([, attributes, within]) => ({
    ...Object.fromEntries(Array.from(attributes.matchAll(/([\w-]+)="([^"]*)"/g), ([, name, value]) => [name, value])),
    within,
  }));
}

/** Texts with their places: "loss at 0, 270". */
function textsOf(svg: string): string[] {
  return elementsOf(svg, "text").map(({ within, transform = "translate(0 0)" }) =>
    `${within} at ${transform.slice("translate(".length, -1).replace(" ", ", ")}`
  );
}

/** Paths of one fill or stroke, as they are drawn. */
function pathsOf(svg: string, look: Readonly<Record<string, string>>): string[] {
  return elementsOf(svg, "path")
    .filter((path) => Object.entries(look).every(([name, value]) => path[name] === value))
    .map(({ d }) => d);
}

/** Bars of a colour, each as left and lower end, width and height. */
function barsOf(svg: string, fill: string): number[][] {
  return pathsOf(svg, { fill }).map((d) => {
    const [, x, y, width, height] = /^M(\S+) (\S+)l(\S+) 0l0 (\S+)l\S+ 0Z$/.exec(d) ?? assert.fail(d);
    return [x, y, width, height].map(Number);
  });
}

/** Middles of circles of such a look. */
function circlesOf(svg: string, look: Readonly<Record<string, string>>): number[][] {
  const isLike = (path: Readonly<Record<string, string>>) =>
    Object.entries(look).every(([name, value]) => path[name] === value);
  return elementsOf(svg, "path").filter((path) => path.d.startsWith("M1 0A1 1") && isLike(path))
    .map(({ transform }) => transform.slice("matrix(".length, -1).split(",").slice(4).map(Number));
}

const close = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 0.1, `${actual}, expected ${expected}`));
};

/** The corners of a line of points. */
function cornersOf(d: string): number[] {
  return d.slice(1).split(/[L ]/).map(Number);
}

Deno.test("renderTrainingChart() draws the metric over the loss, by epochs, with what was frozen and the best", () => {
  const report = trainedReport();
  const svg = renderTrainingChart(report, { width: 600 });
  assert.match(svg, /viewBox="0 0 600 454"/);
  const { epochs } = report.train;
  // 7.8 epochs from 58 to 580.
  const x = (epoch: number) => 58 + (epoch - 0.6) * 522 / 7.8;
  const texts = textsOf(svg);
  const places = (y: number) => texts.filter((text) => text.endsWith(`, ${y}`));
  assert.deepEqual(places(418).map((text) => text.split(" ")[0]), ["1", "2", "3", "4", "5", "6", "7", "8"]);
  close(places(418).map((text) => Number(text.split(/at |,/)[1])), epochs.map(({ epoch }) => x(epoch)));
  // From 46 to 256 for 94 to 89 %, and from 300 to 410 for 0.6 to 0.
  const ticks = [
    "89% at 50, 256",
    "90% at 50, 214",
    "91% at 50, 172",
    "92% at 50, 130",
    "93% at 50, 88",
    "94% at 50, 46",
  ];
  const losses = ["0 at 50, 410", "0.2 at 50, 373.3333", "0.4 at 50, 336.6667", "0.6 at 50, 300"];
  assert.deepEqual(texts.filter((text) => text.includes(" at 50, ")), [...ticks, ...losses]);
  assert.ok(
    texts.includes("accuracy at 0, 0") && texts.includes("loss at 0, 270") && texts.includes("epoch at 319, 438"),
  );
  const curve = (y: (i: number) => number) => epochs.flatMap(({ epoch }, i) => [x(epoch), y(i)]);
  const ofMetric = (value: number) => 256 - (value - 0.89) / 0.05 * 210;
  const deployed = epochs.map(({ metrics: [metric] }) => ofMetric(metric.deployed!));
  const lineOf = (stroke: string) => {
    const [line, ...others] = pathsOf(svg, { stroke, "stroke-width": "2" });
    assert.equal(others.length, 0);
    return cornersOf(line);
  };
  close(lineOf("var(--simulated)"), curve((i) => ofMetric(epochs[i].metrics[0].simulated!)));
  close(lineOf("var(--int8)"), curve((i) => deployed[i]));
  close(lineOf("var(--muted)"), curve((i) => 410 - epochs[i].loss! / 0.6 * 110));
  const [best] = circlesOf(svg, { fill: "none" });
  close(best, [x(7), deployed[6]]);
  // After epochs 3 and 4, through both plots, with labels above one another.
  const upright = pathsOf(svg, { stroke: "var(--muted)" }).filter((d) => /^M(\S+) \S+L\1 /.test(d));
  const crossing = [[256, 46], [256, 46], [410, 300], [410, 300]];
  assert.deepEqual(upright.map((d) => [cornersOf(d)[1], cornersOf(d)[3]]), crossing);
  close(upright.map((d) => cornersOf(d)[0]), [3, 4, 3, 4].map(x).map((at) => Math.floor(at) + 0.5));
  assert.deepEqual(texts.filter((text) => text.includes("frozen")).map((text) => text.replace(/at .*,/, "at")), [
    "BN frozen at 42",
    "ranges frozen at 27",
  ]);
});

Deno.test("renderTrainingChart() leaves out epochs' numbers where there is no room, and curves that there are not", () => {
  const report = trainedReport();
  const labels = (width: number) =>
    textsOf(renderTrainingChart(report, { width })).filter((text) => text.endsWith(", 418")).map((text) => text[0]);
  // 36 px each.
  assert.deepEqual(labels(288), ["1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.deepEqual(labels(287), ["1", "3", "5", "7"]);
  const [metric] = report.metrics;
  const lower = renderTrainingChart({ ...report, metrics: [{ ...metric, better: "lower" }] }, { width: 600 });
  assert.ok(textsOf(lower).includes("accuracy (lower is better) at 0, 0"));
  const { deployed: _, ...simulated } = metric;
  const alone = renderTrainingChart({ ...report, metrics: [simulated] }, { width: 600 });
  // Where nothing was deployed, it is the best of what was simulated.
  const [best] = circlesOf(alone, { fill: "none" });
  const value = report.train.epochs[6].metrics[0].simulated!;
  close(best, [58 + 6.4 * 522 / 7.8, 256 - (value - 0.89) / 0.05 * 210]);
});

Deno.test("renderLayersChart() draws each layer's range over its weights' noise, noisy ones in another colour", () => {
  const layer = (name: string, own: Partial<LayerReport>): LayerReport => ({ name, kind: "weighted", ...own });
  const layers = [
    layer("a", { range: { min: -1, max: 3 }, weightError: { sqnrDb: 40 } }),
    layer("b", { range: { min: 0, max: 2 }, weightError: { sqnrDb: 10 } }),
    layer("c", { weightError: { sqnrDb: null } }),
    layer("d", { range: { min: 2, max: 2 }, weightError: { sqnrDb: 20 } }),
  ];
  const svg = renderLayersChart(layers, { width: 600 });
  assert.match(svg, /viewBox="0 0 600 432"/);
  // -1 is at 200 and 3 at 30; layers are 136 px wide, and bars 12 in the middle of them.
  assert.deepEqual(pathsOf(svg, { fill: "var(--simulated)" }), [
    "M110 30l12 0l0 170l-12 0Z",
    "M246 72.5l12 0l0 85l-12 0Z",
    "M518 72.5l12 0l0 1l-12 0Z",
  ]);
  // 0 dB is at 388 and 40 at 248; 20 dB are enough.
  assert.deepEqual(barsOf(svg, "var(--int8)"), [[110, 388, 12, -140], [518, 388, 12, -70]]);
  assert.deepEqual(barsOf(svg, "var(--poor)"), [[246, 388, 12, -35]]);
  const texts = textsOf(svg);
  const ticks = ["-1 at 40, 200", "0 at 40, 157.5", "1 at 40, 115", "2 at 40, 72.5", "3 at 40, 30"];
  const decibels = ["0 at 40, 388", "10 at 40, 353", "20 at 40, 318", "30 at 40, 283", "40 at 40, 248"];
  assert.deepEqual(texts.filter((text) => text.includes(" at 40, ")), [...ticks, ...decibels]);
  assert.ok(texts.includes("activation range at 0, 0") && texts.includes("weight SQNR, dB at 0, 220"));
  assert.deepEqual(texts.filter((text) => text.endsWith(", 396")), [
    "1 at 116, 396",
    "2 at 252, 396",
    "3 at 388, 396",
    "4 at 524, 396",
  ]);
});

Deno.test("renderLayersChart() numbers every layer, every second or every fifth, as there is room, in bars that fit", () => {
  const layers = Array.from({ length: 40 }, (_, i): LayerReport => ({
    name: `l${i}`,
    kind: "weighted",
    range: { min: 0, max: 1 },
  }));
  const numbers = (width: number) =>
    textsOf(renderLayersChart(layers, { width })).filter((text) => text.endsWith(", 396")).map((text) =>
      Number(text.split(" ")[0])
    );
  const every = (step: number) => Array.from({ length: 40 / step }, (_, i) => step * (i + 1));
  // A label each 50 px.
  assert.deepEqual(numbers(2000), every(1));
  assert.deepEqual(numbers(1999), every(2));
  assert.deepEqual(numbers(1000), every(2));
  assert.deepEqual(numbers(999), every(5));
  // (256 - 56) / 40 = 5 px a layer, of which bars take four fifths; the axis goes up to 1.2.
  const [first] = pathsOf(renderLayersChart(layers, { width: 256 }), { fill: "var(--simulated)" });
  assert.equal(first, "M48.5 58.3l4 0l0 141.7l-4 0Z");
});

Deno.test("renderBarsChart() draws a bar for each value of each series, in its colour", () => {
  const bars: BarsSection = {
    kind: "bars",
    heading: "Counts <all>",
    lead: "",
    x: { label: "class" },
    y: { label: "n", unit: "px" },
    labels: ["p", "q"],
    series: [{ name: "s", values: [2, 4] }, { name: "t", values: [1, 3] }],
  };
  const svg = renderBarsChart(bars, { width: 400 });
  assert.match(svg, /viewBox="0 0 400 260" role="img" aria-label="Counts &lt;all&gt;"/);
  // 4 is at 30 and 0 at 213; labels are 160 px wide, with two bars of 40 in the middle.
  assert.deepEqual(barsOf(svg, "var(--int8)"), [[102, 213, 40, -91.5], [262, 213, 40, -183]]);
  close(barsOf(svg, "var(--simulated)").flat(), [146, 213, 40, -45.75, 306, 213, 40, -137.25]);
  const texts = textsOf(svg);
  assert.deepEqual(texts.filter((text) => / at 56, /.test(text)).map((text) => text.split(" ")[0]), [
    "0",
    "1",
    "2",
    "3",
    "4",
  ]);
  for (const text of ["n, px at 0, 0", "class at 224, 243", "p at 144, 221", "q at 304, 221"]) {
    assert.ok(texts.includes(text), text);
  }
});

/** A curve over axes from 0 to 4 and from 0 to 10. */
const CURVE: CurveSection = {
  kind: "curve",
  heading: "H",
  lead: "",
  x: { label: "recall", min: 0, max: 4 },
  y: { label: "precision", min: 0, max: 10 },
  marks: "line",
  series: [{ name: "s", points: [[0, 0], [2, 10], [4, 5]] }],
};

Deno.test("renderCurveChart() joins points by lines, or draws each, where they are", () => {
  const svg = renderCurveChart(CURVE, { width: 400 });
  assert.match(svg, /viewBox="0 0 400 420"/);
  // From 64 to 384, and from 373 up to 30.
  assert.deepEqual(pathsOf(svg, { stroke: "var(--int8)" }), ["M64 373L224 30L384 201.5"]);
  const texts = textsOf(svg);
  assert.ok(texts.includes("precision at 0, 0") && texts.includes("recall at 224, 403"), `${texts}`);
  assert.deepEqual(texts.filter((text) => text.endsWith(", 381")).map((text) => text[0]), ["0", "1", "2", "3", "4"]);
  const points = renderCurveChart({ ...CURVE, marks: "points" }, { width: 400 });
  assert.deepEqual(pathsOf(points, { stroke: "var(--int8)" }), []);
  assert.deepEqual(circlesOf(points, { fill: "var(--int8)" }), [[64, 373], [224, 30], [384, 201.5]]);
});

Deno.test("renderCurveChart() draws where both axes are equal, over axes that begin and end alike", () => {
  const { min: _, max: __, ...open } = CURVE.x;
  const svg = renderCurveChart({ ...CURVE, x: open, y: open, marks: "points", diagonal: true }, { width: 400 });
  assert.deepEqual(pathsOf(svg, { "stroke-dasharray": "2,3" }), ["M64 373L384 30"]);
  assert.deepEqual(circlesOf(svg, { fill: "var(--int8)" }), [[64, 373], [128, 30], [192, 201.5]]);
  const empty = renderCurveChart({ ...CURVE, x: open, y: open, diagonal: true, series: [] }, { width: 400 });
  assert.deepEqual(pathsOf(empty, { "stroke-dasharray": "2,3" }), ["M64 373L384 30"]);
});

Deno.test("renderCurveChart() draws no more points than can be seen, the last among them", () => {
  const points = (count: number) => Array.from({ length: count }, (_, i) => [4 * i / (count - 1), 5] as const);
  const drawn = (count: number) => {
    const svg = renderCurveChart({ ...CURVE, marks: "points", series: [{ name: "s", points: points(count) }] }, {
      width: 400,
    });
    return circlesOf(svg, { fill: "var(--int8)" });
  };
  // Every second, the last of which is there anyway, or not.
  assert.equal(drawn(2001).length, 1001);
  assert.equal(drawn(2002).length, 1002);
  assert.equal(drawn(2002).at(-1)![0], 384);
});

Deno.test("renderHistogram() draws how often values lie where, over the ends and the steps of the grid", () => {
  const histogram = { layer: "conv <1>", range: { min: 0, max: 4 }, counts: [1, 10, 0, 100] };
  const grid = { min: -1, max: 4, scale: 0.5 };
  const svg = renderHistogram(histogram, { grid, width: 460 });
  assert.match(svg, /viewBox="0 0 460 170" role="img" aria-label="Values of conv &lt;1&gt;"/);
  // 80 px for 1, from -1 at 44 on; half a pixel between bars.
  const bars = barsOf(svg, "var(--float)");
  close(bars.map(([x]) => x), [124, 204, 364]);
  close(bars.map(([, , width]) => width), [79.5, 79.5, 79.5]);
  // Down to a half, by logarithms: of 1 as high as from a half to 1.
  const heights = bars.map(([, , , height]) => height);
  close(heights.map((height) => height / heights[0]), [1, Math.log2(20), Math.log2(200)]);
  assert.ok(bars.every(([, y, , height]) => Math.abs(y + height - 146) < 0.1), `${bars}`);
  const uprights = (stroke: string) =>
    pathsOf(svg, { stroke }).map(cornersOf).filter(([x, , x2]) => x === x2).map(([x]) => x);
  close(uprights("var(--rule)"), Array.from({ length: 9 }, (_, i) => 124.5 + 40 * i));
  close(pathsOf(svg, { stroke: "var(--int8)", "stroke-width": "2" }).map(cornersOf).map(([x]) => x), [44, 444]);
  const texts = textsOf(svg);
  assert.ok(texts.includes("conv &lt;1&gt; at 0, 0"), `${texts}`);
  assert.deepEqual(texts.slice(0, -1).map((text) => text.split(" ")[0]), [
    "-1.00",
    "0",
    "1.00",
    "2.00",
    "3.00",
    "4.00",
  ]);
  // Steps that nobody could tell apart are not drawn.
  const lines = (scale: number) =>
    pathsOf(renderHistogram(histogram, { grid: { ...grid, scale }, width: 460 }), { stroke: "var(--rule)" }).length;
  assert.deepEqual([lines(4 / 64), lines(4 / 65)], [65, 0]);
});

Deno.test("renderParetoChart() joins the models that no other beats, and marks the chosen one and float", () => {
  const point = (name: string, ms: number, value: number, isChosen = false) => ({ name, ms, value, isChosen });
  const points = [point("slow", 3, 0.95, true), point("fast", 1, 0.9), point("beaten", 4, 0.92)];
  const metric = { name: "accuracy", unit: "fraction", better: "higher" } as const;
  const svg = renderParetoChart({ metric, points, float: { value: 0.96, ms: 4 } }, { width: 482 });
  // 400 px from 58 on for 4 ms; 0.89 to 0.97 from 294 up to 34.
  const texts = textsOf(svg);
  const ticks = texts.filter((text) => text.includes(" at 50, "));
  assert.deepEqual([ticks[0], ticks.at(-1)], ["89% at 50, 294", "97% at 50, 34"]);
  const place = (ms: number, value: number) => [58 + 100 * ms, 294 - (value - 0.89) / 0.08 * 260];
  const [fast, slow, beaten] = [place(1, 0.9), place(3, 0.95), place(4, 0.92)];
  const [front] = pathsOf(svg, { stroke: "var(--int8)", "stroke-dasharray": "4,4" });
  close(cornersOf(front), [...fast, ...slow]);
  const circles = circlesOf(svg, { fill: "var(--int8)" });
  close(circles.flat(), [...slow, ...fast]);
  close(circlesOf(svg, { fill: "var(--muted)" }).flat(), beaten);
  assert.deepEqual(texts.filter((text) => /^(slow|fast|beaten|float) /.test(text)).map((text) => text.split(" ")[0]), [
    "slow",
    "fast",
    "float",
  ]);
});

Deno.test("charts write all their words in one size", () => {
  const metric = { name: "accuracy", unit: "fraction", better: "higher" } as const;
  const points = [{ name: "a", ms: 1, value: 0.9, isChosen: true }, { name: "b", ms: 2, value: 0.95, isChosen: false }];
  const layers: LayerReport[] = [{
    name: "l",
    kind: "weighted",
    range: { min: 0, max: 1 },
    weightError: { sqnrDb: 30 },
  }];
  const charts = [
    renderTrainingChart(trainedReport(), { width: 600 }),
    renderLayersChart(layers, { width: 600 }),
    renderCurveChart(CURVE, { width: 400 }),
    renderParetoChart({ metric, points, float: { value: 0.96, ms: 4 } }, { width: 480 }),
    renderHistogram({ layer: "l", range: { min: 0, max: 1 }, counts: [1, 2] }, {
      grid: { min: 0, max: 1, scale: 0.1 },
      width: 400,
    }),
  ];
  for (const svg of charts) {
    for (const { style, within } of elementsOf(svg, "text")) assert.match(style, /^font-size:12px;/, within);
  }
});

Deno.test("colorOf() gives models their colours, and other series one after the other", () => {
  const series = { name: "s" };
  const models = (["float", "simulated", "deployed"] as const).map((model) => colorOf({ ...series, model }, 4));
  assert.deepEqual(models, ["var(--float)", "var(--simulated)", "var(--int8)"]);
  const others = [0, 1, 2, 3, 4, 5].map((index) => colorOf(series, index));
  assert.deepEqual(others, ["int8", "simulated", "float", "muted", "poor", "int8"].map((name) => `var(--${name})`));
});
