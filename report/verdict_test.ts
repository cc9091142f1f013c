import assert from "node:assert/strict";
import { calibratedReport, trainedReport } from "./_test_sample_report.ts";
import type { Report } from "./schema.ts";
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
  assert.equal(int8Ops, 6 + 3 + 1 + 1);
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
  const kept = "The int8 model keeps the accuracy of the float model (96.60% against 97.10%) and is 3.7× smaller.";
  assert.equal(judge(withAccuracy(0.971, 0.966)).sentence, kept);
  assert.match(judge(withAccuracy(0.97, 0.96)).sentence, /loses 1\.0 points of accuracy .*\(96\.00% against 97\.00%\)/);
  assert.match(judge(withAccuracy(0.97, 0.98)).sentence, /gains 1\.0 points of accuracy over the float model/);
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
