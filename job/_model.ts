/** The model of a job: loaded or built. */
import { join } from "node:path";
import type * as tfl from "@tensorflow/tfjs-layers";
import type { ImageShape } from "../data/dataset.ts";
import {
  inputShape,
  type SampleInput,
  type SampleSet,
  type SampleSplit,
  type SampleTarget,
  SERIES_PADDING,
  targetWidth,
  type Tokens,
} from "../data/samples.ts";
import type { Anchors } from "../models/anchors.ts";
import { ARCH_NAMES, ARCHITECTURES, buildArchitecture, defaultArch, type Vocabulary } from "../models/arch/mod.ts";
import { attachAnchors, detectionOf } from "../models/detection.ts";
import type { ImportedGrids } from "../models/import/imported.ts";
import { openModel } from "../models/import/open_model.ts";
import { probeModel } from "../models/import/probe.ts";
import { outputNames } from "../models/ports.ts";
import { type OnGrids, prepareOnGrids } from "../quantize/on_grids.ts";
import { exists } from "../src/io/disk.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { fixInputShape, fromModel, withOutputs } from "../src/rewrite/mod.ts";
import { checkChoice } from "../src/text/nearest.ts";
import { countOf } from "../src/text/plain.ts";
import { taskRow } from "../tasks/mod.ts";
import { anchorsFor, checkOwnAnchors, readAnchors } from "./anchors.ts";
import type { JobOptions } from "./options.ts";
import { MODEL_DIRS } from "./_outputs.ts";
import { parseShapes } from "./_shapes.ts";
import type { SharedJobOptions } from "./shared_options.ts";

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
export async function loadModel(path: string, { outputs, shape: shapes, inputSize, seed, isFloat = false, log }: {
  /** Names of outputs to keep. */
  readonly outputs?: readonly string[] | undefined;
  /** Shapes of inputs that the model leaves open. */
  readonly shape?: readonly string[] | undefined;
  /** Sides of images, of a model that leaves them open. */
  readonly inputSize?: number | undefined;
  /** Whether of a quantized file the float model is wanted that it stands for, and not one with its grids. */
  readonly isFloat?: boolean;
  /** Of weights that a file does not have. */
  readonly seed: number;
  readonly log: (line: string) => void;
}): Promise<tfl.LayersModel> {
  registerQuantKernels();
  registerQuantLayers();
  const side = inputSize ?? OPEN_SIDE;
  let isCut = false;
  let grids: ImportedGrids | undefined;
  const model = await openModel(modelIn(path), {
    seed,
    log,
    side,
    ...(outputs === undefined ? {} : { outputs }),
    ...(shapes === undefined ? {} : { shapes: parseShapes(shapes) }),
    // Of these formats any value can be an output: those that are asked for are what the model has.
    onImport: (file) => {
      isCut = outputs !== undefined && (file.format === "onnx" || file.format === "graph-model");
      grids = file.grids;
    },
  });
  const shape = imageShapeOf(model, inputSize);
  refuseOtherSize(path, shape, inputSize);
  const kept = isCut ? model : keepOutputs(model, { path, outputs, log });
  const isOpen = shape !== undefined && model.inputs[0].shape.slice(1).includes(null);
  if (isOpen) log(`"${path}" takes images of any size; ${shape.height}x${shape.width} is used.`);
  const fixed = isOpen ? fixInputShape(kept, [shape.height, shape.width, shape.channels]) : kept;
  probeModel(fixed, path);
  if (grids === undefined) return fixed;
  if (isFloat || grids.isDynamic) {
    log(`"${path}" is quantized; the float model that it stands for is used.`);
    return fixed;
  }
  const prepared = onGrids(fixed, { path, grids, log });
  fixed.dispose();
  return prepared.model;
}

/** Prepares the float model of a quantized file with the file's own grids, and says so. */
export function onGrids(
  model: tfl.LayersModel,
  { path, grids, log }: {
    readonly path: string;
    readonly grids: ImportedGrids;
    readonly log: (line: string) => void;
  },
): OnGrids {
  const prepared = prepareOnGrids(model, grids);
  const { taken, open, target } = prepared;
  const rest = open.length === 0 ? "" : `; training or calibration finds those of ${open.join(", ")}`;
  log(`"${path}" is quantized: ${countOf(taken, "grid is", "grids are")} its own, for target "${target}"${rest}.`);
  return prepared;
}

/** @throws {RangeError} If images of other sides are asked for than the model takes. */
function refuseOtherSize(path: string, shape: ImageShape | undefined, inputSize: number | undefined): void {
  if (inputSize === undefined || (shape?.height === inputSize && shape.width === inputSize)) return;
  const own = shape === undefined ? "it takes no images" : `it takes images of ${shape.height}x${shape.width}`;
  throw new RangeError(`Cannot use --input-size ${inputSize} with "${path}": ${own}`);
}

/** Of the folder of a job, the model that training goes on with; any other path as it is. */
export function modelIn(path: string): string {
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
  // All outputs of a detector find boxes together.
  const own = detectionOf(model) === undefined ? names.slice(-1) : names;
  const kept = (outputs ?? own).map((name) => checkChoice(name, { of: names, cannot: `${cannot} "${name}"` }));
  if (outputs === undefined && names.length > own.length) {
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

/**
 * Builds the architecture for `data`, as the task wants it.
 *
 * @throws {RangeError} If it cannot be what the data and options ask of it.
 */
export async function buildModel(options: JobOptions, data: SampleSplit): Promise<tfl.LayersModel> {
  const { seed, task, width } = options;
  const { train } = data;
  const [input] = Object.values(train.inputs);
  const [target] = Object.values(train.targets);
  const { head, bias } = taskRow(task);
  const start = bias(target);
  const arch = archFor(options, data);
  const anchors = await anchorsOf(arch, options, { input, target });
  return buildArchitecture(arch, {
    inputShape: inputShape(input),
    ...(width === undefined ? {} : { width }),
    ...(anchors === undefined ? {} : { anchors }),
    ...(input.kind === "tokens" ? { tokens: vocabularyOf(input) } : {}),
    ...(input.kind === "series" && input.steps !== undefined ? { padding: SERIES_PADDING } : {}),
    outputs: answersFor(options, target),
    perPosition: "positions" in target && target.positions !== undefined,
    head,
    seed,
    ...(start === undefined ? {} : { bias: start }),
  });
}

/** Returns how many numbers a model of a job answers with: what `--head` says, or what the data has. */
export function answersFor({ head }: Pick<JobOptions, "head">, target: SampleTarget): number {
  if (typeof head === "number") return head;
  return target.kind === "points" ? targetWidth(target) : target.names.length;
}

/** Returns what the boxes of an architecture start from; undefined if it gives none. */
async function anchorsOf(
  arch: string,
  { anchors, seed }: Pick<JobOptions, "anchors" | "seed">,
  { input, target }: { readonly input: SampleInput; readonly target: SampleTarget },
): Promise<Anchors | undefined> {
  const name = ARCH_NAMES.find((known) => known === arch);
  const boxes = name === undefined ? undefined : ARCHITECTURES[name].boxes;
  if (boxes === undefined || input.kind !== "pictures") return undefined;
  return await anchorsFor(anchors, {
    target,
    inputSize: [input.height, input.width],
    published: boxes.anchors,
    seed,
  });
}

/**
 * Notes with a model of the user's own what its boxes start from, where `--anchors` says so.
 *
 * @throws {RangeError} If that is no file of anchors for as many outputs.
 */
export async function noteAnchors(
  model: tfl.LayersModel,
  { anchors: asked, model: path }: Pick<SharedJobOptions, "anchors" | "model">,
  targets: SampleSet["targets"],
): Promise<void> {
  if (asked === undefined) return;
  checkOwnAnchors(asked, path);
  const anchors = await readAnchors(asked);
  if (anchors.length !== model.outputs.length) {
    throw new RangeError(
      `Cannot use --anchors "${asked}" with "${path}": it has lists for ${countOf(anchors.length, "output")}, ` +
        `the model has ${model.outputs.length}`,
    );
  }
  const [{ names }] = Object.values(targets);
  attachAnchors(model, anchors, names.length);
}

function vocabularyOf({ names, padding }: Tokens): Vocabulary {
  return { size: names.length, ...(padding === undefined ? {} : { padding }) };
}

/** The shape of square colour images of a side; undefined where none is asked for. */
export function squareOf(side: number | undefined): ImageShape | undefined {
  return side === undefined ? undefined : { height: side, width: side, channels: 3 };
}

/** Returns the image shape that the model takes, or undefined if its one input is no image; open sides are `side`. */
export function imageShapeOf({ inputs }: tfl.LayersModel, side: number = OPEN_SIDE): ImageShape | undefined {
  const [, height, width, channels] = inputs[0].shape;
  const isImage = inputs.length === 1 && inputs[0].shape.length === 4 && (channels === 1 || channels === 3);
  return isImage ? { height: height ?? side, width: width ?? side, channels } : undefined;
}
