/** Runs steps of post-training quantization, and tells of each what it did. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { STEPS } from "../../quantize/methods/mod.ts";
import { makeSmooth } from "../../quantize/methods/smooth.ts";
import type { FloatStep, PreparedStep, PtqStep, StepContext, StepOutcome } from "../../quantize/methods/step.ts";
import type { StepReport } from "../../report/schema.ts";
import { calibrationBatches, type CalibrationData } from "./data.ts";
import type { PtqJob } from "./job.ts";

/** The steps of a job, in their order. */
export interface AskedSteps {
  readonly float: readonly FloatStep<string>[];
  readonly prepared: readonly PreparedStep<string>[];
}

/** What a step is done with. */
interface Surroundings {
  readonly job: PtqJob;
  readonly calibration: CalibrationData;
}

/** What is told of a step by itself, without how the model stands before it and after. */
type OwnReport = Omit<StepReport, "samples" | "before" | "after">;

/** Returns the steps that a job asks for, as it wants them done. */
export function stepsAsked(
  { steps, smoothAlpha: alpha, smoothConvolutions: convolutions }: PtqJob["options"],
): AskedSteps {
  const options = {
    ...(alpha === undefined ? {} : { alpha }),
    ...(convolutions === undefined ? {} : { convolutions }),
  };
  const asked = STEPS.filter(({ name }) => steps.includes(name))
    .map((step) => step.name === "smooth" ? makeSmooth(options) : step);
  return {
    float: asked.filter((step) => step.when === "float"),
    prepared: asked.filter((step) => step.when === "prepared"),
  };
}

/** Runs a step on a float model. */
export async function runFloatStep(
  step: FloatStep<string>,
  model: LayersModel,
  { job, calibration }: Surroundings,
): Promise<{ readonly report: OwnReport; readonly model: LayersModel }> {
  const { outcome, seconds } = await timed(() => step.apply(model, contextOf(step, { job, calibration })));
  job.events.onPhaseEnd?.();
  return { report: reportOf(step, outcome, { job, seconds }), model: outcome.model };
}

/** Runs a step on a prepared model. */
export async function runPreparedStep(
  step: PreparedStep<string>,
  model: LayersModel,
  { float, job, calibration }: Surroundings & { readonly float: LayersModel },
): Promise<OwnReport> {
  const { outcome, seconds } = await timed(() => step.apply(model, float, contextOf(step, { job, calibration })));
  job.events.onPhaseEnd?.();
  return reportOf(step, outcome, { job, seconds });
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly outcome: T; readonly seconds: number }> {
  const started = performance.now();
  const outcome = await work();
  return { outcome, seconds: (performance.now() - started) / 1000 };
}

function contextOf({ name }: PtqStep, { job, calibration }: Surroundings): StepContext {
  const { events: { signal, onWork }, options: { seed }, quantization: { target } } = job;
  return {
    batches: () => calibrationBatches(calibration, { signal }),
    samples: calibration.set.count,
    seed,
    target,
    onProgress: (done, of) => onWork?.({ name, done, of }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Layers that a line of the log names at the most. */
const NAMED = 5;

function reportOf(
  { name, description }: PtqStep,
  { effects, left, facts }: StepOutcome,
  { job, seconds }: { readonly job: PtqJob; readonly seconds: number },
): OwnReport {
  const layers = [...new Set(effects.map(({ layer }) => layer))];
  const named = layers.slice(0, NAMED).join(", ") + (layers.length > NAMED ? ", …" : "");
  job.log(`Step ${name}: ${layers.length === 0 ? "nothing to do" : `${layers.length} done (${named})`}.`);
  for (const { layer, because } of left) job.log(`  ${layer} is left as it is: ${because}`);
  for (const fact of facts ?? []) job.log(`  ${fact}`);
  return { name, description, seconds, effects, left, ...(facts === undefined ? {} : { facts }) };
}
