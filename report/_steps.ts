/** A metric of all of a job's models, in the order in which the model changed. */
import type { FloatStepReport, Measured, MetricReport, Report } from "./schema.ts";

/** A metric of one of the job's models. */
export interface MetricStep {
  /** A word for the model. */
  readonly name: string;
  /** What the model is. */
  readonly what: string;
  readonly value: Measured;
  /** "before" is a float model that others are not measured against. */
  readonly kind: "before" | "float" | "simulated" | "int8";
}

/** What the steps of the float model are, as the reference for the others and otherwise. */
const WHAT: Readonly<Record<FloatStepReport["step"], { readonly reference: string; readonly other: string }>> = {
  original: { reference: "original model", other: "float, before any change" },
  swapped: { reference: "activations swapped", other: "activations swapped, not adapted" },
  adapted: { reference: "adapted to the swap", other: "float, trained on after the swap" },
};

/** Lists the models from the first to the deployed one; the float model stands once, whichever step it is. */
export function metricSteps({ floatBefore = [] }: Report, metric: MetricReport): readonly MetricStep[] {
  const steps = floatBefore.flatMap(({ step, isReference, metrics }): MetricStep[] => {
    const found = metrics.find(({ name, output }) => name === metric.name && output === metric.output);
    const what = WHAT[step];
    if (isReference) return [{ name: "float", what: what.reference, value: metric.float, kind: "float" }];
    return found === undefined ? [] : [{ name: step, what: what.other, value: found.value, kind: "before" }];
  });
  const reference: MetricStep = {
    name: "float",
    what: steps.length === 0 ? "original model" : "what was quantized",
    value: metric.float,
    kind: "float",
  };
  return [
    ...steps,
    ...(floatBefore.some(({ isReference }) => isReference) ? [] : [reference]),
    { name: "simulated", what: "fake-quantized, in TF.js", value: metric.simulated, kind: "simulated" },
    ...(metric.deployed === undefined ? [] : [
      { name: "deployed", what: "the int8 file, in ONNX Runtime", value: metric.deployed, kind: "int8" } as const,
    ]),
  ];
}
