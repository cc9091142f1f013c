import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { prepareQat } from "../../quantize/prepare.ts";
import { sequentialModel } from "../../tests/_support/small_models.ts";
import type { EpochInfo, StepInfo } from "../../train/fit.ts";
import { trainedReport } from "../_test_sample_report.ts";
import { renderHtml } from "../html/html.ts";
import { formatReport } from "../terminal/terminal.ts";
import { DISPLAY, displayModel, displayReport, displaySections, type Forms } from "./display.ts";
import { notebookDisplay, notebookProgress } from "./progress.ts";

Deno.test("displayModel() shows a table of layers, with the codes of a prepared model", () => {
  const model = sequentialModel();
  const plain = displayModel(model)[DISPLAY]();
  assert.match(plain["text/html"], /<td[^>]*>conv1<\/td><td[^>]*>Conv2D<\/td><td[^>]*>8×8×4<\/td><td[^>]*>108<\/td>/);
  assert.doesNotMatch(plain["text/html"], />codes</);
  const prepared = displayModel(prepareQat(model).model)[DISPLAY]();
  assert.match(prepared["text/html"], /<td[^>]*>conv1<\/td>.*<td[^>]*>int8<\/td>/);
  assert.match(prepared["text/plain"], /^conv1 +Conv2D +8×8×4 +108 +int8$/m);
});

Deno.test("displayReport() shows the page in a frame that runs no script, and stays the report that it was", () => {
  const report = trainedReport();
  const shown = displayReport(report);
  assert.deepEqual(shown, report);
  assert.deepEqual(Object.keys(shown), Object.keys(report));
  const { "text/html": html, "text/plain": text } = shown[DISPLAY]();
  assert.equal(text, formatReport(report));
  const page = /srcdoc="([^"]*)"/.exec(html)?.[1] ?? "";
  assert.equal(page.replaceAll("&quot;", '"').replaceAll("&amp;", "&"), renderHtml(report));
  assert.match(html, /^<iframe sandbox="" /);
});

Deno.test("displaySections() shows sections alone, as a page in a frame and as text", async () => {
  const picture = { height: 2, width: 3, channels: 3, bytes: new Uint8Array(18).fill(99) };
  const box = { kind: "box", x: 0, y: 0, width: 1, height: 0.5, group: 0, label: '<"a"> 0.9' } as const;
  const shown = await displaySections([{
    kind: "pictures",
    heading: "What was found",
    lead: "Boxes & all.",
    rows: [{ caption: "first", picture, panels: [{ name: "int8", model: "deployed", marks: [box] }] }],
  }]);
  const { "text/html": html, "text/plain": text } = shown[DISPLAY]();
  assert.equal(text.split("\n").slice(2).join("|"), "       int8|first  1 box|1 picture, drawn on the page");
  const page = /srcdoc="([^"]*)"/.exec(html)?.[1].replaceAll("&quot;", '"').replaceAll("&amp;", "&") ?? "";
  assert.match(page, /<h2>What was found<\/h2>\n<p>Boxes &amp; all\.<\/p>/);
  assert.match(page, /<image id="task-0-0" [^>]*href="data:image\/jpeg;base64,/);
  assert.match(page, /&lt;&quot;a&quot;&gt; 0\.9<\/text>/);
  assert.doesNotMatch(page, /<header>/);
  assert.match(html, /^<iframe sandbox="" /);
});

Deno.test("notebookDisplay() is none outside of a notebook", () => {
  assert.equal(notebookDisplay(), undefined);
});

const STEP: StepInfo = {
  epoch: 1,
  epochs: 2,
  step: 1,
  stepsPerEpoch: 4,
  loss: 0.5,
  meanLoss: 0.25,
  metrics: [],
  samplesPerSecond: 100,
  stepMs: 10,
};

const EPOCH: EpochInfo = {
  epoch: 1,
  epochs: 2,
  loss: 0.25,
  metrics: [],
  observing: true,
  fakeQuantizing: true,
  trainingBatchNorm: true,
  steps: 4,
  stepMs: 10,
  samplesPerSecond: 100,
};

Deno.test("notebookProgress() brings one output a phase up to date, not more often than a reader sees", () => {
  const shown: { readonly forms: Forms; readonly id: string; readonly isNew: boolean }[] = [];
  let now = 0;
  const progress = notebookProgress((forms, { id, isNew }) => shown.push({ forms, id, isNew }), { now: () => now });
  progress.start("<qat>");
  for (const step of [1, 2, 3, 4]) {
    progress.step({ ...STEP, step });
    now += 100;
  }
  assert.equal(shown.length, 2, "at 0 ms and at 300 ms");
  assert.match(
    shown[1].forms["text/html"],
    /<div>&lt;qat&gt; 1\/2, step 4\/4: loss 0\.2500, 100 samples\/s, 0:00 left</,
  );
  assert.match(shown[1].forms["text/html"], /<progress max="4" value="4"/);
  progress.epochEnd(EPOCH, [{ name: "simulated", unit: "fraction", better: "higher", value: 0.9 }]);
  progress.stop();
  assert.equal(shown.at(-1)?.forms["text/plain"], "<qat> 1/2: loss 0.2500, simulated 90.0%, 100 samples/s");
  assert.doesNotMatch(shown.at(-1)?.forms["text/html"] ?? "", /<progress/);
  progress.start("float");
  progress.step(STEP);
  progress.stop();
  assert.deepEqual(shown.map(({ isNew }) => isNew), [true, false, false, true, false]);
  assert.equal(new Set(shown.map(({ id }) => id)).size, 2);
});
