import assert from "node:assert/strict";
import { calibratedReport } from "./_test_sample_report.ts";
import { accuracySteps } from "./_steps.ts";
import type { FloatBeforeReport } from "./report.ts";

function namesOf(float: number, floatBefore?: FloatBeforeReport): readonly string[] {
  const report = calibratedReport();
  return accuracySteps({ ...report, accuracy: { ...report.accuracy, float }, floatBefore }).map(({ name }) => name);
}

Deno.test("accuracySteps() shows the float model once, whichever step it is", () => {
  assert.deepEqual(namesOf(0.9), ["float", "simulated", "deployed"]);
  const steps = { original: 0.9, swapped: 0.5, adapted: 0.88 };
  assert.deepEqual(namesOf(0.9, steps), ["float", "swapped", "adapted", "simulated", "deployed"]);
  assert.deepEqual(namesOf(0.88, steps), ["original", "swapped", "float", "simulated", "deployed"]);
  assert.deepEqual(namesOf(0.87, steps), ["original", "swapped", "adapted", "float", "simulated", "deployed"]);
});
