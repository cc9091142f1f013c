import assert from "node:assert/strict";
import type { ChooseReport, TriedRung } from "./choose_schema.ts";
import { bestRung, chooseSentence, frontOf, pointsOf, waitOf } from "./choose_words.ts";
import { renderChoice } from "./html/choose.ts";
import { formatChoice } from "./terminal/choose.ts";
import { widthOf } from "./_width.ts";

const rung = (name: string, value: number, file: number, more: Partial<TriedRung> = {}): TriedRung => ({
  name,
  what: `what ${name} is`,
  dir: name,
  deploy: "model.int8.onnx",
  value,
  change: { low: -0.012, high: 0.003, confidence: 0.95 },
  latencyMs: { float: 2, file },
  bytes: 25_000,
  seconds: 12.3,
  isEnough: false,
  ...more,
});

const REPORT: ChooseReport = {
  schema: 1,
  kind: "choose",
  model: "model.json",
  data: "folder:photos",
  metric: { name: "accuracy", unit: "fraction", better: "higher", count: 1000 },
  float: 0.93,
  tolerance: 0.5,
  speedup: 1,
  rungs: [
    rung("weights", 0.93, 2.1, { seconds: 3 }),
    { name: "dynamic", what: "ranges found at run time", because: "it has <no> dense layer" },
    rung("static-min-max", 0.9, 1),
    rung("static-mse", 0.927, 0.8, { isEnough: true, seconds: 100 }),
  ],
  chosen: 3,
  ended: "met",
  bytesFloat: 100_000,
  command: "deno task choose --model model.json",
  machine: "linux, 2 hardware threads",
  versions: { "onnxruntime-node": "1.30.0" },
};

Deno.test("chooseSentence() says what to deploy and what it gains, or how near anything came", () => {
  assert.equal(
    chooseSentence(REPORT),
    "static-mse is within 0.5 points of float: accuracy 92.70% against 93.00%, 2.5× as fast and 4.0× smaller.",
  );
  const none = { ...REPORT, chosen: undefined, ended: "all" as const, rungs: REPORT.rungs.slice(1, 3) };
  assert.equal(
    chooseSentence(none),
    "Nothing of all that was tried is within 0.5 points of float (accuracy 93.00%) and fast enough; nearest is " +
      "static-min-max with 90.00%.",
  );
  assert.match(chooseSentence({ ...none, ended: "time", minutes: 3 }), /^Nothing that there was time for is within/);
  assert.match(chooseSentence({ ...none, minutes: 3 }), /^Nothing of all that was tried is within/);
});

Deno.test("frontOf() keeps the points that no other beats in quality and time", () => {
  const paretoOf = (report: ChooseReport) => frontOf(pointsOf(report), report.metric.better);
  assert.deepEqual(paretoOf(REPORT).map(({ name }) => name), ["weights", "static-mse"]);
  const errors: ChooseReport = {
    ...REPORT,
    metric: { name: "error", unit: "px", better: "lower", count: 10 },
    rungs: [rung("a", 3, 1), rung("b", 2, 2), rung("c", 4, 2), rung("d", 1, 3, { latencyMs: undefined })],
  };
  assert.deepEqual(paretoOf(errors).map(({ name }) => name), ["a", "b"]);
  assert.equal(bestRung(errors)?.name, "d");
});

Deno.test("waitOf() writes seconds, and minutes from 100 seconds on", () => {
  assert.deepEqual([0.04, 9.94, 12.4, 99.4, 100, 600].map(waitOf), [
    "0.0 s",
    "9.9 s",
    "12 s",
    "99 s",
    "1.7 min",
    "10.0 min",
  ]);
});

Deno.test("formatChoice() stays within any terminal and says why rungs were left out", () => {
  for (const width of [40, 60, 80, 100]) {
    for (const line of formatChoice(REPORT, { width }).split("\n")) assert.ok(widthOf(line) <= width, line);
  }
  const text = formatChoice(REPORT, { width: 100 });
  assert.match(text, /static-mse +92\.70% +-1\.20 to \+0\.30 +0\.800 ms +2\.5× +25\.0 kB +1\.7 min/);
  assert.match(text, /^Rung +accuracy +Change/m);
  assert.match(text, /dynamic: left out: it has <no> dense layer/);
  assert.match(text, /To deploy: static-mse\/model\.int8\.onnx/);
});

Deno.test("renderChoice() makes the same page of the same report, with a picture where rungs were timed", () => {
  const page = renderChoice(REPORT);
  assert.equal(page, renderChoice(REPORT));
  assert.match(page, /<strong>static-mse<\/strong>/);
  assert.match(page, /left out: it has &lt;no&gt; dense layer/);
  assert.match(page, /aria-label="accuracy by time"/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
  const bare = renderChoice({ ...REPORT, chosen: undefined, rungs: [rung("a", 0.9, 1, { latencyMs: undefined })] });
  assert.doesNotMatch(bare, /<svg|NaN|undefined/);
});
