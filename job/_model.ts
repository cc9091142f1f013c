/** The model of a job: loaded or built. */
import { join } from "node:path";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { ImageShape } from "../data/dataset.ts";
import { inputShape, type SampleSplit, targetWidth, type Tokens } from "../data/samples.ts";
import { buildArchitecture, defaultArch, type Vocabulary } from "../models/arch/mod.ts";
import { openModel } from "../models/import/open_model.ts";
import { probeModel } from "../models/import/probe.ts";
import { outputNames } from "../models/ports.ts";
import { exists } from "../src/io/disk.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { fixInputShape, fromModel, withOutputs } from "../src/rewrite/mod.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { taskRow } from "../tasks/mod.ts";
import type { JobOptions } from "./options.ts";
import { MODEL_DIRS } from "./_outputs.ts";

/** Side of the images for a model that takes any: the one that most nets are made for, and a multiple of 32. */
const OPEN_SIDE = 224;

/**
 * Loads the model of `--model` as one whose inputs have known shapes, with the outputs that are to be trained.
 *
 * Of several outputs the last is kept unless `--outputs` names others: those before it may be a demonstration's views of
 * the layers in between. A side that the model leaves open becomes 224 pixels, since the exported graph is for one size.
 *
 * @throws {ModelFileError} If the files are damaged.
 * @throws {RangeError} If there is no output of a name that is asked for.
 */
export async function loadModel(path: string, { outputs, seed, log }: {
  /** Names of outputs to keep. */
  readonly outputs: readonly string[] | undefined;
  /** Of weights that a file does not have. */
  readonly seed: number;
  readonly log: (line: string) => void;
}): Promise<tfl.LayersModel> {
  registerQuantKernels();
  registerQuantLayers();
  const model = await openModel(modelIn(path), { seed, log });
  const shape = imageShapeOf(model);
  const kept = keepOutputs(model, { path, outputs, log });
  const isOpen = shape !== undefined && model.inputs[0].shape.slice(1).includes(null);
  if (isOpen) log(`"${path}" takes images of any size; ${shape.height}x${shape.width} is used.`);
  const fixed = isOpen ? fixInputShape(kept, [shape.height, shape.width, shape.channels]) : kept;
  probeModel(fixed, path);
  return fixed;
}

/** Of the folder of a job, the model that training goes on with; any other path as it is. */
function modelIn(path: string): string {
  const prepared = join(path, MODEL_DIRS[0]);
  const isOfJob = !exists(join(path, "model.json")) && exists(join(prepared, "model.json"));
  return isOfJob ? prepared : path;
}

function keepOutputs(
  model: tfl.LayersModel,
  { path, outputs, log }: {
    readonly path: string;
    readonly outputs: readonly string[] | undefined;
    readonly log: (line: string) => void;
  },
): tfl.LayersModel {
  const names = outputNames(model);
  const cannot = `Cannot train outputs of "${path}"`;
  const kept = (outputs ?? names.slice(-1)).map((name) =>
    checkChoice(name, { of: names, cannot: `${cannot} "${name}"` })
  );
  if (outputs === undefined && names.length > 1) {
    log(`"${path}" has ${names.length} outputs; the last, "${kept[0]}", is used (--outputs names others).`);
  }
  if (names.every((name) => kept.includes(name))) return model;
  // In the model's order; a quantizer behind an output is the layer that gives it.
  return withOutputs(model, fromModel(model).outputs.filter((_, i) => kept.includes(names[i])));
}

/** Returns the architecture of `--arch`, or the one that suits the data. */
export function archFor({ arch, task }: JobOptions, { train }: SampleSplit): string {
  const [input] = Object.values(train.inputs);
  return arch ?? defaultArch(input.kind, taskRow(task).head);
}

/** Builds the architecture for `data`, as the task wants it. */
export function buildModel(options: JobOptions, data: SampleSplit): tfl.LayersModel {
  const { seed, task } = options;
  const { train } = data;
  const [input] = Object.values(train.inputs);
  const [target] = Object.values(train.targets);
  const { head, bias } = taskRow(task);
  const start = bias(target);
  return buildArchitecture(archFor(options, data), {
    inputShape: inputShape(input),
    ...(input.kind === "tokens" ? { tokens: vocabularyOf(input) } : {}),
    outputs: target.kind === "points" ? targetWidth(target) : target.names.length,
    perPosition: "positions" in target && target.positions !== undefined,
    head,
    seed,
    ...(start === undefined ? {} : { bias: start }),
  });
}

function vocabularyOf({ names, padding }: Tokens): Vocabulary {
  return { size: names.length, ...(padding === undefined ? {} : { padding }) };
}

/** Returns the image shape that the model takes, or undefined if its one input is no image. */
export function imageShapeOf({ inputs }: tfl.LayersModel): ImageShape | undefined {
  const [, height, width, channels] = inputs[0].shape;
  const isImage = inputs.length === 1 && inputs[0].shape.length === 4 && (channels === 1 || channels === 3);
  return isImage ? { height: height ?? OPEN_SIDE, width: width ?? OPEN_SIDE, channels } : undefined;
}
