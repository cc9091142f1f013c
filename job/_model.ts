/** The model of a job: loaded or built, and checked against the data. */
import type * as tfl from "@tensorflow/tfjs-layers";
import type { DataSplit, ImageSet, ImageShape } from "../data/dataset.ts";
import { loadLayersModel } from "../src/io/layers_model.ts";
import { withOutputs } from "../src/rewrite/mod.ts";
import { buildArchitecture } from "../train/arch/mod.ts";
import type { ResolvedOptions } from "./options.ts";

/**
 * Loads the model of `--model`. Of several outputs the last is kept: the others are a demonstration's views of the
 * layers in between.
 */
export async function loadModel(path: string, log: (line: string) => void): Promise<tfl.LayersModel> {
  const { model } = await loadLayersModel(path);
  if (model.outputs.length === 1) return model;
  const last = model.outputNames.at(-1)!;
  log(`${model.name} has ${model.outputs.length} outputs; the last, "${last}", is used.`);
  return withOutputs(model, [last]);
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
    const shapes = model.inputs.map(({ shape }) => `[${shape.map((dim) => dim ?? "?")}]`).join(" and ");
    throw new TypeError(
      `Cannot feed images to "${name}": its input is ${shapes}, one input [n, h, w, 1 or 3] is needed`,
    );
  }
  // A fully convolutional model leaves its size open; any multiple of 32 suits strides of up to 32.
  return { height: height ?? 224, width: width ?? 224, channels };
}

/** @throws {TypeError} If the model's output is not one value a class of `set`. */
export function checkClasses(model: tfl.LayersModel, set: ImageSet, name: string): void {
  const shape = model.outputs[0].shape;
  const classes = set.classNames.length;
  if (shape.length === 2 && shape[1] === classes) return;
  throw new TypeError(
    `Cannot train "${name}" on ${set.name}: its output "${model.outputNames[0]}" is [${
      shape.map((dim) => dim ?? "?")
    }], ` +
      `the data has ${classes} classes, so [?,${classes}] is needed`,
  );
}
