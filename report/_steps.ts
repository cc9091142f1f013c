/** A metric of all of a job's models, in the order in which the model changed. */
import { plural } from "./_format.ts";
import { modelWords } from "./_method_words.ts";
import type { FloatStepReport, IntervalReport, Measured, MetricReport, Report } from "./schema.ts";

/** A metric of one of the job's models. */
export interface MetricStep {
  /** A word for the model. */
  readonly name: string;
  /** What the model is. */
  readonly what: string;
  readonly value: Measured;
  readonly interval?: IntervalReport;
  /** "other" is a float model that others are not measured against. */
  readonly kind: "other" | "float" | "simulated" | "int8";
}

/** Says what a float model is. What was quantized is the last that is no control. */
function describeStep({ step, epochs }: FloatStepReport, steps: readonly FloatStepReport[]): string {
  const isQuantized = steps.findLast(({ step }) => !step.endsWith("control"))?.step === step;
  return [
    step === "own-control" ? "own activations" : "",
    step.endsWith("control") ? "trained as long" : "",
    step === "swapped" ? "activations swapped, not adapted" : describeEpochs(step, epochs),
    isQuantized ? "then quantized" : "",
  ].filter(Boolean).join(", ");
}

function describeEpochs(step: FloatStepReport["step"], epochs: number | undefined): string {
  if (epochs === undefined) return step === "original" ? "before any change" : step === "adapted" ? "trained on" : "";
  return epochs === 0 ? "as loaded" : `after ${plural(epochs, "epoch")}`;
}

/** Lists the models from the first to the deployed one; what the others are measured against is called "float". */
export function metricSteps(report: Report, metric: MetricReport): readonly MetricStep[] {
  const { floatBefore = [] } = report;
  const { float, simulated, deployed, unrounded, intervals = {} } = metric;
  const steps = floatBefore.flatMap((entry): MetricStep[] => {
    const { step, isReference, metrics } = entry;
    const found = metrics.find(({ name, output }) => name === metric.name && output === metric.output);
    const what = describeStep(entry, floatBefore);
    if (isReference) return [reference(what)];
    return found === undefined ? [] : [{ ...stepOf(step, found.value, found.interval), what, kind: "other" }];
  });
  function reference(what: string): MetricStep {
    return { ...stepOf("float", float, intervals.float), what, kind: "float" };
  }
  return [
    ...steps,
    ...(floatBefore.some(({ isReference }) => isReference)
      ? []
      : [reference(steps.length === 0 ? "original model" : "what was quantized")]),
    ...(simulated === undefined ? [] : [
      {
        ...stepOf("simulated", simulated, intervals.simulated),
        what: "fake-quantized, in TF.js",
        kind: "simulated",
      } as const,
    ]),
    ...(deployed === undefined ? [] : [
      {
        ...stepOf("deployed", deployed, intervals.deployed),
        what: `the ${modelWords(report).short} file, in ONNX Runtime`,
        kind: "int8",
      } as const,
    ]),
    ...(unrounded === undefined ? [] : [
      {
        ...stepOf("unrounded", unrounded, intervals.unrounded),
        what: "model.float.onnx: the same weights, nothing rounded",
        kind: "other",
      } as const,
    ]),
  ];
}

function stepOf(name: string, value: Measured, interval?: IntervalReport) {
  return { name, value, ...(interval === undefined ? {} : { interval }) };
}
