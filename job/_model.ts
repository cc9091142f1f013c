/** The model of a job: loaded or built, and checked against the data. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { DataSplit, ImageSet, ImageShape } from "../data/dataset.ts";
import { loadLayersModel } from "../models/import/layers_model.ts";
import { registerQuantKernels, registerQuantLayers } from "../src/quant/mod.ts";
import { fixInputShape, withOutputs } from "../src/rewrite/mod.ts";
import { buildArchitecture } from "../models/arch/mod.ts";
import type { ResolvedOptions } from "./options.ts";

/** Side of the images for a model that takes any: the one that most classifiers are made for, and a multiple of 32. */
const OPEN_SIDE = 224;

/**
 * Loads the model of `--model` as one that takes one image of a known shape and gives one output.
 *
 * Of several outputs the last is kept: the others are a demonstration's views of the layers in between. A side that the
 * model leaves open becomes 224 pixels, since the exported graph is for one size.
 *
 * @throws {ModelFileError} If the files are damaged.
 * @throws {TypeError} If the input is no image.
 */
export async function loadModel(path: string, log: (line: string) => void): Promise<tfl.LayersModel> {
  registerQuantKernels();
  registerQuantLayers();
  const { model } = await loadLayersModel(path);
  const { height, width, channels } = imageShapeOf(model, path);
  const last = model.outputs.at(-1)!.sourceLayer.name;
  const single = model.outputs.length === 1 ? model : withOutputs(model, [last]);
  if (single !== model) log(`"${path}" has ${model.outputs.length} outputs; the last, "${last}", is used.`);
  if (!model.inputs[0].shape.slice(1).includes(null)) return single;
  log(`"${path}" takes images of any size; ${height}x${width} is used.`);
  return fixInputShape(single, [height, width, channels]);
}

/** Builds the architecture of `--arch` for `data`. */
export function buildModel({ arch, seed }: ResolvedOptions, { train }: DataSplit): tfl.LayersModel {
  const inputShape = [train.height, train.width, train.channels] as const;
  return buildArchitecture(arch, { inputShape, classes: train.classNames.length, seed });
}

/**
 * Returns the image shape that the model's input takes.
 *
 * @throws {TypeError} If the input is no image.
 */
export function imageShapeOf(model: tfl.LayersModel, name: string): ImageShape {
  const shape = model.inputs[0].shape;
  const [, height, width, channels] = shape;
  const isImage = model.inputs.length === 1 && shape.length === 4 && (channels === 1 || channels === 3);
  if (!isImage) {
    const shapes = model.inputs.map(({ shape }) => describe(shape)).join(" and ");
    throw new TypeError(
      `Cannot feed images to "${name}": its input is ${shapes}, one input [?,height,width,1 or 3] is needed`,
    );
  }
  return { height: height ?? OPEN_SIDE, width: width ?? OPEN_SIDE, channels };
}

/** @throws {TypeError} If the model's output is not one value a class of `set`, or there is nothing to tell apart. */
export function checkClasses(model: tfl.LayersModel, set: ImageSet, name: string): void {
  const { shape, sourceLayer } = model.outputs[0];
  const classes = set.classNames.length;
  const cannot = `Cannot train "${name}" on "${set.name}"`;
  if (classes < 2) throw new TypeError(`${cannot}: the data has ${classes} class, at least 2 are needed`);
  if (shape.length === 2 && shape[1] === classes) return;
  throw new TypeError(
    `${cannot}: its output "${sourceLayer.name}" is ${describe(shape)}, ` +
      `the data has ${classes} classes, so [?,${classes}] is needed`,
  );
}

function describe(shape: readonly (number | null)[]): string {
  return `[${shape.map((dim) => dim ?? "?")}]`;
}
