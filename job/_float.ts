/** The float part of the job: training, swapping activations, adapting to them, and the control that is trained as long. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import {
  endFading,
  fadeActivation,
  formatRewrite,
  parseSwap,
  type Rewrite,
  rewriteModel,
  type Rule,
  swapActivation,
} from "../src/rewrite/mod.ts";
import { countOf } from "../src/text/plain.ts";
import { type KeptModel, type TrainingJob, writingOf } from "./_job.ts";
import { NO_SWAP } from "./shared_options.ts";
import { prepareFor } from "./_recipe.ts";
import { type Stage, trainStage } from "./_stage.ts";

/** A float model, ready to be prepared for quantization. */
export interface FloatModel {
  /** One of `kept`. */
  readonly model: tfl.LayersModel;
  /** All float models of the job, in the order in which they came about. */
  readonly kept: readonly KeptModel[];
  readonly rewrites: readonly Rewrite[];
}

/**
 * Trains the float model where asked to, swaps its activations, adapts it to them, and trains copies on as the control:
 * with patience nobody knows yet for how long, see `trainControls`. `original` becomes one of those that are kept.
 */
export async function makeFloatModel(original: tfl.LayersModel, job: TrainingJob): Promise<FloatModel> {
  const { options, log } = job;
  const rules = rulesFor(options.swap);
  await checkPreparable(original, { rules, job });
  const asked = options.model === undefined ? options.floatEpochs : 0;
  const epochs = asked === 0 ? 0 : await epochsOf(job, { name: "float", model: original, epochs: asked });
  const first: KeptModel = { step: "original", model: original, epochs };
  const { model: rewritten, log: rewrites } = rewriteModel(original, rules);
  for (const entry of rewrites) log(`  ${formatRewrite(entry)}`);
  const isSwapped = rewrites.some(({ rule, ok }) => ok && rule === "swap_activation");
  if (!isSwapped) rewritten.dispose();
  const kept: readonly KeptModel[] = isSwapped ? [first, { step: "swapped", model: rewritten, epochs }] : [first];
  const adapted = await adapt(kept, job);
  const { model } = adapted.at(-1) ?? first;
  const controls = options.patience === undefined ? await trainControls(adapted, job, options.epochs) : [];
  return { model, kept: [...adapted, ...controls], rewrites };
}

/**
 * Trains the last of the models on: to adapt it to its activations, or because that was asked for. Where these come about
 * gradually it is the first that is trained, which becomes the last meanwhile.
 */
async function adapt(kept: readonly KeptModel[], job: TrainingJob): Promise<readonly KeptModel[]> {
  const { model: given, adaptEpochs, floatEpochs, swapEpochs } = job.options;
  const last = kept[kept.length - 1];
  const isSwapped = last.step === "swapped";
  const more = isSwapped ? adaptEpochs : given === undefined ? 0 : floatEpochs;
  if (more === 0) return kept;
  const isGradual = isSwapped && swapEpochs > 0;
  const model = isGradual ? rewriteModel(kept[0].model, [fadeActivation()]).model : copy(last.model);
  if (isGradual) {
    job.log(`Activations are swapped gradually, over the first ${countOf(swapEpochs, "epoch")} of ${more}.`);
  }
  const epochs = await epochsOf(job, { name: isSwapped ? "adapted" : "float", model, epochs: more });
  return [...kept, { step: "adapted", model: isGradual ? ended(model) : model, epochs: last.epochs + epochs }];
}

/** Puts activations that have been swapped gradually in their places. */
function ended(fading: tfl.LayersModel): tfl.LayersModel {
  const { model } = rewriteModel(fading, [endFading]);
  fading.dispose();
  return model;
}

/** Trains a stage, and returns how many epochs it took. */
async function epochsOf(job: TrainingJob, stage: Stage): Promise<number> {
  const { epochs } = await trainStage(job, stage);
  return epochs.length;
}

/**
 * Trains a copy of the last of the models on for as many epochs as it is with fake quantization, where controls are asked
 * for; after a swap also the model with its own activations, for as many epochs in all.
 *
 * @param ran Epochs with fake quantization, which patience may have ended.
 */
export async function trainControls(
  kept: readonly KeptModel[],
  job: TrainingJob,
  ran: number,
): Promise<readonly KeptModel[]> {
  const { epochs, adaptEpochs, control: isAsked } = job.options;
  if (!isAsked) return [];
  const last = kept[kept.length - 1];
  const model = copy(last.model);
  await trainStage(job, { name: "control", model, epochs, ran });
  const control: KeptModel = { step: "control", model, epochs: last.epochs + ran };
  if (!kept.some(({ step }) => step === "swapped")) return [control];
  const [original] = kept;
  const own = copy(original.model);
  const adapted = last.epochs - original.epochs;
  if (adapted > 0) await trainStage(job, { name: "own-adapted", model: own, epochs: adaptEpochs, ran: adapted });
  await trainStage(job, { name: "own-control", model: own, epochs, ran });
  return [control, { step: "own-control", model: own, epochs: control.epochs }];
}

/** Copies a float or a prepared model. */
export function copy(model: tfl.LayersModel): tfl.LayersModel {
  return rewriteModel(model, []).model;
}

/** Swaps only: what changes no answer is for `prepareQat` to do, which then knows the layers' own names. */
export function rulesFor(swap: string): readonly Rule[] {
  return swap === NO_SWAP ? [] : [swapActivation(parseSwap(swap))];
}

/** Finds what preparing and exporting refuse before hours of training are spent. */
async function checkPreparable(
  original: tfl.LayersModel,
  { rules, job }: { rules: readonly Rule[]; job: TrainingJob },
): Promise<void> {
  const { model } = rewriteModel(original, rules);
  const prepared = prepareFor(model, job.quantization);
  await toOnnx(prepared.model, { ...writingOf(job), precision: "float32" });
  prepared.model.dispose();
  model.dispose();
}
