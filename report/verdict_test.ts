import assert from "node:assert/strict";
import { calibratedReport, trainedReport } from "./_test_sample_report.ts";
import { landmarksReport, simulatedReport } from "./_test_sample_tasks.ts";
import type { MetricReport, Report } from "./schema.ts";
import { judge } from "./verdict.ts";

function withAccuracy(float: number, deployed: number): Report {
  return {
    ...calibratedReport(),
    metrics: [{ ...calibratedReport().metrics[0], float, simulated: deployed, deployed }],
  };
}

function withLatency(float: number, int8: number): Report {
  const latencyMs = { float: { p50: float, p95: float }, int8: { p50: int8, p95: int8 }, batch: 1, threads: 1 };
  return { ...calibratedReport(), latencyMs };
}

Deno.test("judge() counts operators and forms ratios", () => {
  const { int8Ops, floatOps, speedup, shrinkage } = judge(trainedReport());
  assert.equal(int8Ops, 6 + 1 + 1);
  assert.equal(floatOps, 0);
  assert.equal(speedup, 1.42 / 0.446);
  assert.equal(shrinkage, 1_162_304 / 312_480);
});

Deno.test("judge() calls a loss of up to half a point good, up to two fair, and more poor", () => {
  // 0.971 - 0.966 is 0.00500...0004 in float64
  assert.equal(judge(withAccuracy(0.971, 0.966)).tone, "good");
  assert.equal(judge(withAccuracy(0.971, 0.9659)).tone, "fair");
  assert.equal(judge(withAccuracy(0.971, 0.951)).tone, "fair");
  assert.equal(judge(withAccuracy(0.971, 0.9509)).tone, "poor");
});

Deno.test("judge() says what became of the accuracy when it is kept, lost or gained", () => {
  const kept =
    "The int8 model keeps the accuracy of the float model (96.60% against 97.10%). The file is 3.7× smaller.";
  assert.equal(judge(withAccuracy(0.971, 0.966)).sentence, kept);
  assert.match(
    judge(withAccuracy(0.97, 0.96)).sentence,
    /costs 1\.00 points of accuracy against the float model \(96\.00% against 97\.00%\)/,
  );
  assert.match(judge(withAccuracy(0.97, 0.98)).sentence, /gains 1\.00 points of accuracy against the float model/);
});

Deno.test("judge() does not call a slower model fast", () => {
  assert.match(judge(withLatency(2, 1)).sentence, /runs 2\.0× as fast/);
  assert.match(judge(withLatency(1, 1.02)).sentence, /runs as fast/);
  assert.match(judge(withLatency(1, 4)).sentence, /runs only 0\.25× as fast/);
});

Deno.test("judge() says nothing of speed when it was not measured", () => {
  assert.equal(judge(calibratedReport()).speedup, undefined);
  assert.doesNotMatch(judge(calibratedReport()).sentence, /fast/);
});

Deno.test("judge() says so when the int8 file is larger", () => {
  assert.match(judge({ ...calibratedReport(), bytes: { float: 100, int8: 150 } }).sentence, /is 1\.5× larger/);
});

function withMetric(metric: Partial<MetricReport>): Report {
  return { ...calibratedReport(), metrics: [{ ...calibratedReport().metrics[0], ...metric }] };
}

Deno.test("judge() measures an error by how much it rises over the float model's", () => {
  const mae = { name: "MAE", unit: "px", better: "lower", float: 2 } as const;
  const tone = (deployed: number) => judge(withMetric({ ...mae, deployed })).tone;
  assert.deepEqual([1.5, 2, 2.1, 2.11, 2.4, 2.41].map(tone), ["good", "good", "good", "fair", "fair", "poor"]);
  const sentence = (deployed: number) => judge(withMetric({ ...mae, deployed })).sentence;
  assert.match(sentence(2.1), /^The int8 model keeps the MAE of the float model \(2\.100 px against 2\.000 px\)/);
  assert.match(
    sentence(2.5),
    /^The int8 model raises the MAE by 0\.500 px against the float model \(2\.500 px against 2\.000 px\)\. /,
  );
  assert.match(
    sentence(1.5),
    /^The int8 model lowers the MAE by 0\.500 px against the float model \(1\.500 px against 2\.000 px\)\. /,
  );
});

Deno.test("judge() measures other numbers of which more is better by the share that is lost", () => {
  const psnr = { name: "PSNR", unit: "dB", better: "higher", float: 40 } as const;
  const tone = (deployed: number) => judge(withMetric({ ...psnr, deployed })).tone;
  assert.deepEqual([41, 39.8, 39.7, 39.2, 39.1].map(tone), ["good", "good", "fair", "fair", "poor"]);
  assert.equal(judge(withMetric({ ...psnr, float: -40, deployed: -40.1 })).tone, "good");
  assert.equal(judge(withMetric({ ...psnr, float: -40, deployed: -41 })).tone, "poor");
});

Deno.test("judge() counts a fraction of which less is better in points", () => {
  const { tone, sentence } = judge(withMetric({ name: "error rate", better: "lower", float: 0.1, deployed: 0.11 }));
  assert.equal(tone, "fair");
  assert.match(sentence, /raises the error rate by 1\.00 points against the float model \(11\.00% against 10\.00%\)/);
});

Deno.test("judge() takes any rise of an error of 0 for a loss, and 0 for no change", () => {
  const error = { name: "MSE", unit: "", better: "lower", float: 0 } as const;
  assert.equal(judge(withMetric({ ...error, deployed: 0 })).tone, "good");
  assert.equal(judge(withMetric({ ...error, deployed: 1e-5 })).tone, "poor");
});

Deno.test("judge() says of each further output that is worse off what it lost", () => {
  const report = landmarksReport();
  const { tone, sentence, changes } = judge(report);
  assert.match(
    sentence,
    /^At output "points" the int8 model shows no difference beyond noise in mean error from the float model \(3\.441% ag/,
  );
  assert.match(
    sentence,
    /At output "age" it lowers the R² by 0\.0124 against the float model \(0\.6907 against 0\.7031\)\. The file/,
  );
  assert.equal(tone, "fair");
  assert.deepEqual(changes.map(({ kind }) => kind), ["noise", "kept", "worse", "unknown"]);
  const good = report.metrics.map((metric) => metric.name === "R²" ? { ...metric, deployed: 0.7031 } : metric);
  assert.doesNotMatch(judge({ ...report, metrics: good }).sentence, /"age"/);
});

Deno.test("judge() says so where a metric could not be measured", () => {
  const { tone, sentence } = judge(withMetric({ float: null }));
  assert.equal(tone, "poor");
  assert.match(sentence, /cannot be judged by its accuracy \(96\.88%, the float model n\/a\)/);
});

Deno.test("judge() speaks of the simulation where nothing is deployed", () => {
  const { sentence, speedup, shrinkage } = judge(simulatedReport());
  assert.equal(
    sentence,
    "The fake-quantized model keeps the accuracy of the float model (93.28% against 93.34%). Float was not trained as long.",
  );
  assert.deepEqual([speedup, shrinkage], [undefined, undefined]);
});
