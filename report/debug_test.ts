import assert from "node:assert/strict";
import type { DebugReport, KeepReport, PartFacts } from "./debug_schema.ts";
import { debugRemarks, debugSentence, gainOf, keepBasis, keepCells, keepSentence, worstParts } from "./debug_words.ts";
import { renderDebug } from "./html/debug.ts";
import { formatDebug } from "./terminal/debug.ts";
import { widthOf } from "./_width.ts";

const channel = (state: "live" | "dead" | "lost", max = 1) => ({ min: 0, max, state });

const part = (layer: string, more: Partial<PartFacts> = {}): PartFacts => ({
  layer,
  className: "Conv2D",
  weights: [{ name: "kernel", sqnrDb: 44, magnitudes: { min: 0.1, max: 1 }, dead: 0, scales: 2, unusedCodes: 0.3 }],
  biasDb: 80,
  output: {
    range: { min: 0, max: 6 },
    grid: { min: 0, max: 5, scale: 5 / 255 },
    saturated: 0,
    unusedCodes: 0.25,
    channels: [channel("live"), channel("live", 4)],
    aloneDb: 40,
    accumulatedDb: 35,
  },
  sensitivity: { oneDb: 38, allButOneDb: 30.5 },
  ...more,
});

const POOR = part("poor <layer>", {
  output: {
    ...part("").output!,
    saturated: 0.125,
    channels: [channel("dead"), channel("lost"), channel("lost"), channel("live")],
  },
  sensitivity: { oneDb: 31, allButOneDb: 36.25 },
});

const KEEP: KeepReport = {
  metric: { name: "accuracy", unit: "fraction", better: "higher", part: "validation", count: 60 },
  float: 0.93,
  tolerance: 0.5,
  choices: [
    { layers: [], value: 0.91, latencyMs: { p50: 1, p95: 1 } },
    { layers: ["poor <layer>"], value: 0.9275, latencyMs: { p50: 2.5, p95: 3 } },
  ],
  best: 1,
  floatMs: { p50: 2, p95: 3 },
};

const REPORT: DebugReport = {
  schema: 1,
  kind: "debug",
  model: { name: "net", parameters: 1000 },
  data: { name: "photos", samples: 32 },
  target: "x86",
  outputsDb: 30,
  parts: [part("image", { weights: undefined, biasDb: undefined, className: "InputLayer" }), POOR, part("last")],
  histograms: [{ layer: "poor <layer>", range: { min: 0, max: 6 }, counts: [5, 0, 3, 1] }],
  keep: KEEP,
  versions: { "onnxruntime": "1.30.0" },
  command: "deno task debug --model out",
};

Deno.test("debugSentence() names the layer without which the outputs would be best", () => {
  assert.deepEqual(worstParts(REPORT).map(({ layer }) => layer), ["poor <layer>", "image", "last"]);
  assert.equal(gainOf(POOR, REPORT), 6.25);
  assert.equal(
    debugSentence(REPORT),
    "With everything quantized the outputs have 30.0 dB of signal to noise; poor <layer> costs most: with it alone in " +
      "float it were 36.3 dB.",
  );
  assert.equal(debugSentence({ ...REPORT, outputsDb: null }), "Quantization changes nothing at the outputs.");
  const only = { ...REPORT, parts: [part("one", { sensitivity: { oneDb: 30, allButOneDb: null } })] };
  assert.match(debugSentence(only), /one costs most: all of the noise is its\.$/);
  const even = { ...REPORT, parts: [part("one", { sensitivity: { oneDb: 30, allButOneDb: 29.9 } })] };
  assert.match(debugSentence(even), /no layer alone is to blame\.$/);
});

Deno.test("debugRemarks() counts what saturates and which channels say nothing", () => {
  assert.deepEqual(debugRemarks(REPORT), [
    "poor <layer>: 12.50% of its values lie beyond the grid.",
    "poor <layer>: 1 of 4 channels always has one value.",
    "poor <layer>: 2 of 4 channels move within one step.",
  ]);
});

Deno.test("keepSentence() says which layers to keep, that none need to be, or that none help", () => {
  assert.equal(
    keepSentence(KEEP),
    "accuracy is 92.75%, within 0.5 points of float (93.00%), with poor <layer> in float: --keep-float poor <layer>",
  );
  assert.match(keepSentence({ ...KEEP, best: 0 }), /is 91\.00% with everything quantized, .*nothing needs to stay/);
  assert.match(keepSentence({ ...KEEP, best: undefined }), /^No set of layers that was tried brings accuracy within/);
});

Deno.test("keepBasis() says which samples judged and how many, and that fewer than 100 are too few to choose by", () => {
  const of = (count: number, part: "validation" | "test") =>
    keepBasis({ ...KEEP, metric: { ...KEEP.metric, part, count } });
  assert.equal(of(1, "validation"), "Judged by 1 validation sample: too few to choose by, at least 100 are needed.");
  assert.equal(of(99, "test"), "Judged by 99 test samples: too few to choose by, at least 100 are needed.");
  assert.equal(of(100, "validation"), "Judged by 100 validation samples.");
  const told = keepBasis(KEEP);
  assert.ok(formatDebug(REPORT, { width: 100 }).includes(told) && renderDebug(REPORT).includes(told));
});

Deno.test("keepCells() says of each choice what it reaches, and which are no faster than float", () => {
  const [none, poor] = KEEP.choices;
  assert.deepEqual(keepCells(none, KEEP), { layers: "none", value: "91.00%", latency: "1.00 ms", note: "" });
  const slow = { layers: "poor <layer>", value: "92.75%", latency: "2.50 ms", note: "no faster than float" };
  assert.deepEqual(keepCells(poor, KEEP), slow);
  assert.equal(keepCells({ ...poor, latencyMs: { p50: 2, p95: 2 } }, KEEP).note, "no faster than float");
  assert.equal(keepCells({ ...poor, latencyMs: { p50: 1.99, p95: 2 } }, KEEP).note, "");
  assert.deepEqual(keepCells({ ...poor, latencyMs: undefined }, KEEP), { ...slow, latency: "", note: "" });
  assert.equal(keepCells(poor, { ...KEEP, floatMs: undefined }).note, "");
});

Deno.test("formatDebug() stays within any terminal, leaves empty columns out, and marks what is no faster", () => {
  for (const width of [40, 60, 80, 100]) {
    const text = formatDebug(REPORT, { width });
    for (const line of text.split("\n")) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
  }
  const text = formatDebug(REPORT, { width: 100 });
  assert.match(text, /poor <layer> +44\.0 +80\.0 +40\.0 +35\.0 +12\.50% +31\.0 +36\.3\n/);
  assert.match(text, /image +40\.0 +35\.0 +38\.0 +30\.5\n/);
  assert.match(text, /92\.75% +2\.50 ms +poor <layer>; no faster than float/);
  const plain = formatDebug({ ...REPORT, parts: [part("one")], keep: undefined }, { width: 100 });
  assert.doesNotMatch(plain, /Beyond|Also seen|keep/);
});

Deno.test("renderDebug() makes the same page of the same report, without markup of others", () => {
  const page = renderDebug(REPORT);
  assert.equal(page, renderDebug(REPORT));
  assert.doesNotMatch(page, /poor <layer>/);
  assert.match(page, /<span class="poor">poor &lt;layer&gt;<\/span>/);
  assert.match(page, /aria-label="Values of poor &lt;layer&gt;"/);
  for (
    const title of ["Error by depth", "Layer by layer", "The worst layers&#39; values", "Also seen", "Layers to keep"]
  ) {
    assert.ok(page.includes(title), title);
  }
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
  const bare = renderDebug({ ...REPORT, histograms: [], keep: undefined, parts: [part("a", { output: undefined })] });
  assert.doesNotMatch(bare, /NaN|undefined|worst layers/);
});
