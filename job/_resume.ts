/** Goes on with a model that was prepared before, such as the qat/model.json of another run. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { quantizedLayersIn, setQatPhase } from "../src/quant/mod.ts";
import { adoptPrepared } from "../quantize/adopt.ts";
import { flagOfRules } from "./_recipe.ts";
import { copy } from "./_float.ts";
import type { JobStart, TrainingJob } from "./_job.ts";
import { DEFAULT_SWAP, type ResolvedOptions } from "./options.ts";
import { NO_SWAP } from "./shared_options.ts";

/** Whether `model` has fake quantization already. */
export function isPrepared(model: tfl.LayersModel): boolean {
  return quantizedLayersIn(model).some(({ role }) => role !== "batch-norm");
}

/**
 * Takes a prepared model as it is: its grids go on from where they are.
 *
 * @throws {RangeError} If options ask for something that is done before a model is prepared.
 */
export function resume(model: tfl.LayersModel, job: TrainingJob): JobStart {
  refuseFloatOptions(job);
  const prepared = adoptPrepared(model);
  job.log(`"${job.options.model}" is prepared for quantization-aware training already, which goes on.`);
  const original = copy(model);
  setQatPhase(original, { fakeQuantizing: false });
  return { prepared, float: [{ step: "original", model: original, epochs: 0 }], rewrites: [] };
}

/** @throws {RangeError} If options ask for something that is done before a model is prepared. */
export function refuseFloatOptions({ options }: TrainingJob): void {
  const { model } = options;
  const asked = flagOfRules(options) ?? flagOfFloat(options);
  if (asked === undefined) return;
  throw new RangeError(
    `Cannot use ${asked} with "${model}": it is prepared for quantization-aware training already, ` +
      `a float model is needed`,
  );
}

/** The option, if one is given, that only a float model can do; one that says what is the default does nothing. */
function flagOfFloat({ floatEpochs, adaptEpochs, swap, control }: ResolvedOptions): string | undefined {
  if (floatEpochs > 0) return "--float-epochs";
  if (adaptEpochs > 0) return "--adapt-epochs";
  if (swap !== DEFAULT_SWAP && swap !== NO_SWAP) return "--swap";
  return control ? "--control" : undefined;
}
