/** What the report says of metrics: of all models of a job, on the same samples, with how sure that is. */
import type { FloatStepReport, Measured, MetricReport, MetricValueReport } from "../report/schema.ts";
import { compareModels, type KeptMetric, type Uncertainty } from "../tasks/uncertainty/mod.ts";
import type { Evaluation } from "../train/evaluate.ts";
import type { JudgedStep } from "./_job.ts";

/** Forms of the quantized model, in the order in which they came about. */
const FORMS = ["simulated", "deployed", "unrounded"] as const;

/** The models of a job by what they answered to the test samples; those that there were. */
export interface JudgedModels extends Partial<Readonly<Record<typeof FORMS[number], Evaluation>>> {
  readonly float: readonly JudgedStep[];
}

/** A model with how sure its metrics are, one of each a metric. */
interface Weighed {
  readonly judged: Evaluation;
  readonly sure: readonly Uncertainty[];
}

/** JSON has no NaN. */
export function measured(value: number): Measured {
  return Number.isFinite(value) ? value : null;
}

/** What all models of the job reached on the same samples, and how sure that is. */
export function describeModels({ float, ...quantized }: JudgedModels): {
  readonly metrics: readonly MetricReport[];
  readonly floatBefore: readonly FloatStepReport[];
  /** What is kept of the first metric of the quantized model, for comparisons with other runs. */
  readonly kept?: KeptMetric;
} {
  const found = FORMS.flatMap((form) => {
    const judged = quantized[form];
    return judged === undefined ? [] : [{ form, judged }];
  });
  const judged = [...float, ...found].map(({ judged }) => judged);
  const reference = referenceOf(float);
  const weighed = compareModels(judged, { reference }).map((sure, i) => ({ judged: judged[i], sure }));
  const models = {
    float: weighed[reference],
    ...Object.fromEntries(found.map(({ form }, i) => [form, weighed[float.length + i]])),
  };
  const kept = keptOf(models);
  return {
    ...(kept === undefined ? {} : { kept }),
    metrics: judged[0].metrics.map((_, i) => describeMetric(models, i)),
    floatBefore: float.map(({ step, epochs }, i) => ({
      step,
      isReference: i === reference,
      epochs,
      metrics: describeValues(weighed[i]),
    })),
  };
}

/**
 * Returns the index of what quantization is measured against: the control. Without one it is the float model as the user knows it,
 * with its own activations; where none was swapped, after further float training.
 */
export function referenceOf(float: readonly JudgedStep[]): number {
  const at = (step: JudgedStep["step"]) => float.findIndex((one) => one.step === step);
  if (at("control") >= 0) return at("control");
  return at("swapped") >= 0 ? at("original") : float.length - 1;
}

/** The models of a metric. */
type Models = Readonly<{ float: Weighed } & Partial<Record<typeof FORMS[number], Weighed>>>;

function keptOf({ float, simulated, deployed }: Models): KeptMetric | undefined {
  const { judged: { metrics: [metric] }, sure: [sure] } = deployed ?? simulated ?? float;
  if (metric === undefined || metric.count === 0) return undefined;
  if (metric.isHitRate === true) return { kind: "hits", hits: metric.scores };
  return sure.draws === undefined ? undefined : { kind: "draws", draws: sure.draws, samples: metric.count };
}

function describeMetric(models: Models, i: number): MetricReport {
  const { float, simulated, deployed } = models;
  const { name, output, unit, better, chance, count } = float.judged.metrics[i];
  const { change } = (deployed ?? simulated ?? float).sure[i];
  const of = <T>(take: (model: Weighed) => T | undefined) =>
    Object.fromEntries(
      Object.entries(models).flatMap(([name, model]) => {
        const value = take(model);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  return {
    name,
    output,
    unit,
    better,
    ...(chance === undefined ? {} : { chance: measured(chance) }),
    float: measured(float.judged.metrics[i].value),
    ...of(({ judged }) => measured(judged.metrics[i].value)),
    count,
    intervals: of(({ sure }) => sure[i].interval),
    ...(change === undefined ? {} : { change }),
  };
}

function describeValues({ judged, sure }: Weighed): readonly MetricValueReport[] {
  return judged.metrics.map(({ name, output, value }, i) => {
    const { interval } = sure[i];
    return { name, output, value: measured(value), ...(interval === undefined ? {} : { interval }) };
  });
}
