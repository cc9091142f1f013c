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

Deno.test("metricSteps() says what each float model is, and which was quantized", () => {
  const report = trainedReport();
  const [metric] = report.metrics;
  const { name, output } = metric;
  const entry = (step: FloatStepReport["step"], epochs: number): FloatStepReport => {
    const interval = { low: epochs, high: epochs + 1, confidence: 0.95 };
    return { step, isReference: step === "control", epochs, metrics: [{ name, output, value: epochs, interval }] };
  };
  const steps = [entry("original", 8), entry("swapped", 8), entry("adapted", 10), entry("control", 18)];
  const floatBefore = [...steps, entry("own-control", 18)];
  assert.deepEqual(
    metricSteps({ ...report, floatBefore }, { ...metric, unrounded: 0.5 }).map(({ name, what, interval }) =>
      [name, what, interval?.low].filter((part) => part !== undefined).join(": ")
    ),
    [
      "original: after 8 epochs: 8",
      "swapped: activations swapped, not adapted: 8",
      "adapted: after 10 epochs, then quantized: 10",
      "float: trained as long, after 18 epochs",
      "own-control: own activations, trained as long, after 18 epochs: 18",
      "simulated: fake-quantized, in TF.js",
      "deployed: the int8 file, in ONNX Runtime",
      "unrounded: model.float.onnx: the same weights, nothing rounded",
    ],
  );
  const [loaded] = metricSteps({ ...report, floatBefore: [entry("original", 0)] }, metric);
  assert.equal(loaded.what, "as loaded, then quantized");
});
