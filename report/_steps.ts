/** The accuracies of a job, in the order in which the model changed. Private to `export/report`. */
import type { Report } from "./report.ts";

/** The accuracy of one of the job's models. */
export interface AccuracyStep {
  /** A word for the model. */
  readonly name: string;
  /** What the model is. */
  readonly what: string;
  /** In [0, 1]. */
  readonly value: number;
  /** "before" is a float model that others are not measured against. */
  readonly kind: "before" | "float" | "simulated" | "int8";
}

/** Lists the models from the first to the deployed one; the float model stands once, whichever step it is. */
export function accuracySteps({ accuracy, floatBefore = {} }: Report): readonly AccuracyStep[] {
  const { original, swapped, adapted } = floatBefore;
  const before = (name: string, what: string, value: number | undefined): AccuracyStep[] =>
    value === undefined ? [] : [{ name, what, value, kind: "before" }];
  const float = (what: string): AccuracyStep[] => [{ name: "float", what, value: accuracy.float, kind: "float" }];
  const swap = before("swapped", "activations swapped, not adapted", swapped);
  const steps = original === undefined || original === accuracy.float
    ? [...float("original model"), ...swap, ...before("adapted", "float, trained on after the swap", adapted)]
    : [
      ...before("original", "float, before any change", original),
      ...swap,
      ...(adapted === accuracy.float
        ? float("adapted to the swap")
        : [...before("adapted", "float, trained on after the swap", adapted), ...float("what was quantized")]),
    ];
  return [
    ...steps,
    { name: "simulated", what: "fake-quantized, in TF.js", value: accuracy.simulated, kind: "simulated" },
    { name: "deployed", what: "the int8 file, in ONNX Runtime", value: accuracy.deployed, kind: "int8" },
  ];
}
