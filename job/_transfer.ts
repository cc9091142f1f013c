/** What a job makes of its model before anything is trained: the weights of a file, another head, layers that stay. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { countOf } from "../src/text/plain.ts";
import type { SampleTarget } from "../data/samples.ts";
import { type CopiedWeights, freezeUntil, loadWeights, replaceHead, settleNorms } from "../models/transfer/mod.ts";
import { floatModelOf } from "../quantize/float_model.ts";
import { taskRow } from "../tasks/mod.ts";
import { type JobData, trainingBatches } from "./_data.ts";
import { answersFor, modelIn } from "./_model.ts";
import { isPrepared } from "./_resume.ts";
import type { JobOptions } from "./options.ts";

type Log = (line: string) => void;

/**
 * Gives a model of the user's own the head that `--head` asks for. The model is disposed of where it gets one.
 *
 * @throws {RangeError} If it is prepared for quantization, or has no head to replace.
 */
export function withHead(
  model: tfl.LayersModel,
  { options, target, log }: { readonly options: JobOptions; readonly target: SampleTarget; readonly log: Log },
): tfl.LayersModel {
  const { head, seed, task, model: path } = options;
  if (head === undefined) return model;
  if (isPrepared(model)) {
    throw new RangeError(
      `Cannot use --head with "${path}": it is prepared for quantization-aware training already, a float model is needed`,
    );
  }
  const outputs = answersFor(options, target);
  const row = taskRow(task);
  const bias = row.bias(target);
  const activation = row.head === "softmax" || row.head === "sigmoid" ? row.head : "linear";
  const replaced = replaceHead(model, {
    outputs,
    activation,
    seed,
    ...(bias === undefined || bias.length !== outputs ? {} : { bias }),
  });
  log(`"${path}" gets a new last layer of ${outputs} numbers, with fresh weights.`);
  model.dispose();
  return replaced;
}

/**
 * Gives a model that was built the weights of `--weights`. The model is disposed of where it gets some.
 *
 * @throws {ModelFileError} If anything about the file is wrong.
 * @throws {RangeError} If a layer does not fit: all of them in one line.
 */
export async function withWeights(
  model: tfl.LayersModel,
  { weights: path, head }: Pick<JobOptions, "weights" | "head">,
  log: Log,
): Promise<Pick<CopiedWeights, "model" | "idle">> {
  if (path === undefined) return { model, idle: [] };
  const copied = await loadWeights(model, modelIn(path), {
    exceptHead: head !== undefined,
    asFloat: (source) => isPrepared(source) ? floatModelOf(source).model : source,
    log,
  });
  log(`${describeCopy(copied, path)}.`);
  model.dispose();
  return copied;
}

/** Larger differences are none of rounding. */
const LARGEST_DISTANCE = 1e-3;

function describeCopy({ layers, distance }: CopiedWeights, path: string): string {
  const loaded = `${countOf(layers, "layer has", "layers have")} the weights of "${path}"`;
  if (distance === undefined) return `${loaded}; whether they answer as they did there was not compared`;
  if (distance <= LARGEST_DISTANCE) return `${loaded}, and answer as they did there`;
  const apart = `${Number((100 * distance).toPrecision(2))} %`;
  return `Warning: ${loaded}, and answer otherwise than they did there, by ${apart} of the largest number: ` +
    "the nets pad, pool or activate otherwise";
}

/** Batches whose statistics batch normalization begins with. */
const SETTLING_BATCHES = 4;

/** Finds statistics for batch normalization that a file had folded into convolutions; what `model` computes stays. */
export function settle(model: tfl.LayersModel, names: readonly string[], data: JobData, log: Log): void {
  if (names.length === 0) return;
  const batches = trainingBatches(model, data, { epoch: 0, mosaicUntil: 0 });
  settleNorms(model, names, Iterator.from(batches).take(SETTLING_BATCHES));
  log(
    `Batch normalization of ${
      countOf(names.length, "layer")
    } is folded in the file: its statistics are found on the training samples.`,
  );
}

/**
 * Lets training leave the layers up to `--freeze-until` as they are. The model is disposed of where that is asked for.
 *
 * @throws {RangeError} If there is no such layer, or none behind it has weights.
 */
export function withFrozen(model: tfl.LayersModel, { freezeUntil: name }: JobOptions, log: Log): tfl.LayersModel {
  if (name === undefined) return model;
  const { model: frozenModel, frozen, of } = freezeUntil(model, name);
  log(`${frozen} of ${of} layers with weights do not train.`);
  model.dispose();
  return frozenModel;
}
