import assert from "node:assert/strict";
import { assertFitsSchema } from "../tests/_support/report_schema.ts";
import { dummyReport, sqnrOf, stepsReport, weightsReport } from "./_test_sample_ptq.ts";
import { renderHtml } from "./html/html.ts";
import { formatReport } from "./terminal/terminal.ts";
import { judge } from "./verdict.ts";

for (const report of [stepsReport(), dummyReport(), weightsReport()]) {
  Deno.test(`a report of ${report.ptq?.calibration?.data ?? report.deploy} fits the schema`, () => {
    assertFitsSchema(report);
  });
}

Deno.test("judge() judges a report without metrics by its noise, at the worst output", () => {
  const { sentence, tone } = judge(stepsReport());
  assert.match(
    sentence,
    /^The int8 model answers with 31\.2 dB of signal to noise against float, on 512 calibration samples; /,
  );
  assert.equal(tone, "good");
  const of = (...values: (number | null)[]) =>
    judge({ ...stepsReport(), sqnr: values.map((value, i) => sqnrOf(`out${i}`, value)) });
  assert.deepEqual([20, 19.99, 10, 9.99].map((value) => of(value).tone), ["good", "fair", "fair", "poor"]);
  assert.match(of(30, 12.04, null).sentence, /12\.0 dB .* at its worst output, "out1"/);
  assert.match(of(null).sentence, /answers exactly as float does, on/);
  assert.equal(of(null).tone, "good");
  assert.match(judge({ ...stepsReport(), sqnr: [] }).sentence, /was not judged/);
});

Deno.test("judge() warns before all else of ranges that come from random numbers, and never calls them good", () => {
  const { sentence, tone } = judge(dummyReport());
  assert.match(sentence, /^RANGES COME FROM RANDOM NUMBERS \(--calibrate dummy\)/);
  assert.equal(tone, "fair");
});

Deno.test("judge() calls a model as its method has it", () => {
  assert.match(
    judge(weightsReport()).sentence,
    /^The model with int4 weights answers with 14\.0 dB .* 64 random samples/,
  );
  const half = { ...weightsReport(), ptq: { method: "float16", bits: 16, seconds: 1 } } as const;
  assert.match(judge(half).sentence, /^The float16 model answers/);
});

Deno.test("formatReport() tells of calibration and of each step what it did", () => {
  const text = formatReport(stepsReport(), { width: 100 });
  assert.match(text, /^Signal to noise against float, on 512 calibration samples$/m);
  assert.match(text, /^Ranges were found by mse and min-max on 512 samples of folder:photos, in 4\.3 s\.$/m);
  assert.match(text, /^Step equalize: 24\.1 dB → 30\.9 dB on 128 samples, in 0\.2 s$/m);
  assert.match(
    text,
    /^Ratio of the widest channel:\nconv1 → conv2 +41\.5 → 1\.50\n18 channels in 1 group\nLeft as it is: conv3$/m,
  );
  assert.match(
    text,
    /^Step correct-bias: 30\.9 dB → no noise on 128 samples, in 75 s\n─+\nThere was nothing to do\.$/m,
  );
  assert.match(formatReport(weightsReport()), /float +int4 weights/);
});

Deno.test("renderHtml() has the steps with why layers were left, and the noise in place of metrics", () => {
  const page = renderHtml(stepsReport());
  assert.match(page, /<h3>equalize<\/h3>[^]*41\.5[^]*left as it is: its activation is swish/);
  assert.match(page, /<dt>Signal to noise against float<\/dt><dd class="value good">31\.2 dB<\/dd>/);
  assert.match(page, /<title>expressions, quantized to int8<\/title>/);
  assert.doesNotMatch(page, /<h2>Training/);
  assert.match(renderHtml(dummyReport()), /<strong class="poor">RANGES COME FROM RANDOM/);
  assert.match(
    renderHtml(weightsReport()),
    /<title>expressions, weights quantized to int4<\/title>[^]*<span>int4 weights<\/span>/,
  );
});
