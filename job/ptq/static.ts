/** Post-training static quantization: prepare, calibrate, and the steps that make it lose less. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { PreparedModel } from "../../quantize/prepare.ts";
import type { CalibrationReport, StepReport } from "../../report/schema.ts";
import { type ObserverName, setQatPhase } from "../../src/quant/mod.ts";
import { formatRewrite } from "../../src/rewrite/mod.ts";
import { countOf } from "../../src/text/plain.ts";
import { copy } from "../_float.ts";
import { logSummary } from "../_job.ts";
import { logUnmatched, prepareFor } from "../_recipe.ts";
import type { CalibrationData } from "./data.ts";
import type { PtqJob } from "./job.ts";
import { FloatLadder, PreparedLadder } from "./ladder.ts";
import { asCalibrated, observersIn } from "./observers.ts";
import { findRanges } from "./ranges.ts";
import { runFloatStep, runPreparedStep, stepsAsked } from "./steps.ts";

/** A quantized model, and how it came about. */
export interface QuantizedModel {
  readonly prepared: PreparedModel;
  readonly calibration: CalibrationReport;
  readonly steps: readonly StepReport[];
}

/**
 * Quantizes `float`, which stays the caller's.
 *
 * @param original The model that its answers are measured against.
 * @throws {RangeError} If no layer of it has weights that can be quantized.
 */
export async function quantizeStatic(
  float: LayersModel,
  { original, job, calibration }: {
    readonly original: LayersModel;
    readonly job: PtqJob;
    readonly calibration: CalibrationData;
  },
): Promise<QuantizedModel> {
  const asked = stepsAsked(job.options);
  const steps: StepReport[] = [];
  let model = float;
  const ladder = new FloatLadder(job, calibration, original);
  for (const step of asked.float) {
    const before = await ladder.stand(model);
    const { report, model: next } = await runFloatStep(step, model, { job, calibration });
    if (model !== float) model.dispose();
    model = next;
    steps.push({ ...report, ...await ladder.around(before, await ladder.stand(model)) });
  }
  const prepared = prepareChecked(model, job);
  if (model !== float) model.dispose();
  const { report, observer } = await calibrated(prepared, { job, calibration });
  if (asked.prepared.length > 0) {
    const unrounded = copy(prepared.model);
    setQatPhase(unrounded, { fakeQuantizing: false });
    const standing = new PreparedLadder(ladder, prepared.model);
    for (const step of asked.prepared) {
      const before = await standing.before();
      const done = await runPreparedStep(step, prepared.model, { float: unrounded, job, calibration });
      steps.push({ ...done, ...await ladder.around(before, await standing.after()) });
    }
    unrounded.dispose();
  }
  job.log("Calibrated:");
  logSummary(prepared.model, job);
  const layers = asCalibrated(prepared, { options: { observer } });
  return { prepared: { ...prepared, layers }, calibration: report, steps };
}

/** Prepares a model, and refuses one in which nothing is on a grid. */
export function prepareChecked(
  model: LayersModel,
  job: Pick<PtqJob, "quantization" | "log" | "options">,
): PreparedModel {
  const prepared = prepareFor(model, job.quantization);
  for (const entry of prepared.rewrites) job.log(`  ${formatRewrite(entry)}`);
  logUnmatched(prepared, job.log);
  for (const { layer, because } of prepared.islands) job.log(`  ${layer} stays in float: ${because}`);
  if (prepared.units.some(({ kind }) => kind === "weighted")) return prepared;
  prepared.model.dispose();
  const kept = prepared.islands.length === 0
    ? ""
    : `, and ${countOf(prepared.islands.length, "of its layers stays", "of its layers stay")} in float`;
  throw new RangeError(
    `Cannot quantize "${job.options.model}": it has no layer whose weights run on integers${kept}; needed is a ` +
      "convolution or a dense layer",
  );
}

/** Finds the ranges of all activations, and says how. */
async function calibrated(
  prepared: PreparedModel,
  { job, calibration }: { readonly job: PtqJob; readonly calibration: CalibrationData },
): Promise<{ readonly report: CalibrationReport; readonly observer: ObserverName }> {
  const { set, name, isDummy } = calibration;
  const started = performance.now();
  const onProgress = (done: number, of: number) => job.events.onWork?.({ name: "calibrate", done, of });
  const { observer, trials } = await findRanges(prepared, { job, calibration, onProgress });
  job.events.onPhaseEnd?.();
  const seconds = (performance.now() - started) / 1000;
  const report = {
    data: name,
    isDummy,
    samples: set.count,
    observers: observersIn(prepared, { options: { observer } }),
    ...(trials.length === 0 ? {} : { trials }),
    ...(job.options.symmetric ? { isSymmetric: true } as const : {}),
    seconds,
  };
  return { report, observer };
}
