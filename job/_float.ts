/** The float part of the job: training, swapping activations, adapting to them. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { toOnnx } from "../export/to_onnx.ts";
import { formatRewrite, parseSwap, type Rewrite, rewriteModel, type Rule, swapActivation } from "../src/rewrite/mod.ts";
import { describeMetrics, type FloatMetrics, type Job, judge } from "./_job.ts";
import { NO_SWAP } from "./options.ts";
import { prepareFor } from "./_recipe.ts";
import { trainStage } from "./_stage.ts";

/** A float model, ready to be prepared for quantization. */
export interface FloatModel {
  readonly model: tfl.LayersModel;
  readonly float: FloatMetrics;
  readonly rewrites: readonly Rewrite[];
}

/** Trains the float model where asked to, swaps its activations, and adapts it to them. Disposes `original`. */
export async function makeFloatModel(original: tfl.LayersModel, job: Job): Promise<FloatModel> {
  const { options, log } = job;
  const rules = rulesFor(options.swap);
  await checkPreparable(original, { rules, job });
  if (options.model === undefined && options.floatEpochs > 0) {
    await trainStage(job, { name: "float", model: original, epochs: options.floatEpochs });
  }
  const { metrics: first } = await judge(original, job);
  log(`Float ${describeMetrics(first)}.`);
  const { model, log: rewrites } = rewriteModel(original, rules);
  original.dispose();
  for (const entry of rewrites) log(`  ${formatRewrite(entry)}`);
  return { model, rewrites, float: { original: first, ...await adapt(model, { job, rewrites }) } };
}

async function adapt(
  model: tfl.LayersModel,
  { job, rewrites }: { job: Job; rewrites: readonly Rewrite[] },
): Promise<Omit<FloatMetrics, "original">> {
  const { options, log } = job;
  const isSwapped = rewrites.some(({ rule, ok }) => ok && rule === "swap_activation");
  const swapped = isSwapped ? (await judge(model, job)).metrics : undefined;
  if (swapped !== undefined) log(`Float ${describeMetrics(swapped, " after the swap")}.`);
  const epochs = isSwapped ? options.adaptEpochs : options.model === undefined ? 0 : options.floatEpochs;
  if (epochs === 0) return swapped === undefined ? {} : { swapped };
  await trainStage(job, { name: isSwapped ? "adapted" : "float", model, epochs });
  const { metrics: adapted } = await judge(model, job);
  log(`Float ${describeMetrics(adapted, ` after ${epochs} more epochs`)}.`);
  return swapped === undefined ? { adapted } : { swapped, adapted };
}

/** Swaps only: what changes no answer is for `prepareQat` to do, which then knows the layers' own names. */
export function rulesFor(swap: string): readonly Rule[] {
  return swap === NO_SWAP ? [] : [swapActivation(parseSwap(swap))];
}

/** Finds what preparing and exporting refuse before hours of training are spent. */
async function checkPreparable(
  original: tfl.LayersModel,
  { rules, job }: { rules: readonly Rule[]; job: Job },
): Promise<void> {
  const { options } = job;
  const { model } = rewriteModel(original, rules);
  const prepared = prepareFor(model, job.quantization);
  const { inputLayout, opset, debug } = options;
  await toOnnx(prepared.model, { precision: "float32", inputLayout, opset, debug });
  prepared.model.dispose();
  model.dispose();
}
