import assert from "node:assert/strict";
import { calibratedReport, trainedReport } from "./_test_sample_report.ts";
import { metricSteps } from "./_steps.ts";
import type { FloatStepReport } from "./schema.ts";

function namesOf(reference?: FloatStepReport["step"]): readonly string[] {
  const report = trainedReport();
  const floatBefore = report.floatBefore?.map((entry) => ({ ...entry, isReference: entry.step === reference }));
  return metricSteps({ ...report, floatBefore }, report.metrics[0]).map(({ name }) => name);
}

Deno.test("metricSteps() shows the float model once, whichever step it is", () => {
  const report = calibratedReport();
  assert.deepEqual(metricSteps(report, report.metrics[0]).map(({ name }) => name), ["float", "simulated", "deployed"]);
  assert.deepEqual(namesOf("original"), ["float", "swapped", "adapted", "simulated", "deployed"]);
  assert.deepEqual(namesOf("adapted"), ["original", "swapped", "float", "simulated", "deployed"]);
  assert.deepEqual(namesOf(), ["original", "swapped", "adapted", "float", "simulated", "deployed"]);
});

Deno.test("metricSteps() leaves out steps that the metric was not measured of, and the file where there is none", () => {
  const report = trainedReport();
  const { deployed: _, ...metric } = { ...report.metrics[0], name: "F1" };
  assert.deepEqual(metricSteps(report, metric).map(({ name }) => name), ["float", "simulated"]);
});
