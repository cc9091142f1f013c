/** Built-in architectures, to be trained from nothing. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { checkSeed } from "../../src/numbers/random.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import type { ArchOptions, HeadOptions } from "./_blocks.ts";
import { cifarCnn } from "./cifar_cnn.ts";
import { mlp } from "./mlp.ts";
import { mobilenetV2 } from "./mobilenet_v2.ts";
import { resnet20 } from "./resnet20.ts";
import { tinyYolo } from "./tiny_yolo.ts";

export type { ArchOptions, HeadOptions };

/** Smaller images have no pixel left after the poolings. */
const MIN_SIDE = 4;

/** Names of the built-in architectures, as `--arch` takes them. */
export const ARCH_NAMES = ["cifar_cnn", "tiny_yolo", "resnet20", "mobilenet_v2", "mlp"] as const;

/** Name of a built-in architecture. */
export type ArchName = (typeof ARCH_NAMES)[number];

/**
 * The built-in architectures: pictures [n, h, w, c], or rows of numbers for "mlp", → [n, outputs].
 *
 * They end in a layer "dense", behind which comes "softmax" or "sigmoid" if that is the head. One seed gives the same
 * weights on every backend.
 */
export const ARCHITECTURES: Readonly<Record<ArchName, (options: ArchOptions) => tfl.LayersModel>> = {
  cifar_cnn: cifarCnn,
  tiny_yolo: tinyYolo,
  resnet20,
  mobilenet_v2: mobilenetV2,
  mlp,
};

/**
 * Builds the architecture called `name`, with fresh weights.
 *
 * @throws {RangeError} If there is none of that name, or the shape, the number of outputs or the seed is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { buildArchitecture } from "./mod.ts";
 *
 * const model = buildArchitecture("cifar_cnn", { inputShape: [32, 32, 3], outputs: 10, seed: 1 });
 * assert.deepEqual(model.outputs[0].shape, [null, 10]);
 * assert.throws(() => buildArchitecture("cifar", { inputShape: [32, 32, 3], outputs: 10, seed: 1 }), RangeError);
 * ```
 */
export function buildArchitecture(name: string, options: ArchOptions): tfl.LayersModel {
  const cannot = `Cannot build the architecture "${name}"`;
  const known = checkChoice(name, { of: ARCH_NAMES, cannot });
  checkShape(options.inputShape, { takesRows: takesRows(known), cannot });
  checkHead(options, cannot);
  checkSeed(options.seed);
  const model = ARCHITECTURES[known](options);
  if (options.bias !== undefined) setBias(model, options.bias);
  return model;
}

/** Whether the architecture takes rows of numbers; the others take pictures. */
export function takesRows(name: string): boolean {
  return name === "mlp";
}

function checkShape(
  shape: readonly number[],
  { takesRows, cannot }: { readonly takesRows: boolean; readonly cannot: string },
): void {
  const needed = takesRows ? "[columns]" : "[height, width, channels]";
  if (shape.length !== (takesRows ? 1 : 3) || !shape.every((dim) => Number.isInteger(dim) && dim > 0)) {
    throw new RangeError(`${cannot}: the input is [${shape}], needed are positive ${needed}`);
  }
  const [height, width] = shape;
  if (takesRows || Math.min(height, width) >= MIN_SIDE) return;
  throw new RangeError(`${cannot}: images are ${height}x${width}, at least ${MIN_SIDE}x${MIN_SIDE} are needed`);
}

function checkHead({ outputs, head = "softmax", bias }: HeadOptions, cannot: string): void {
  const least = head === "softmax" ? 2 : 1;
  if (!Number.isInteger(outputs) || outputs < least) {
    throw new RangeError(`${cannot}: ${head} of ${outputs} outputs is asked for, at least ${least} are needed`);
  }
  if (bias !== undefined && (bias.length !== outputs || !bias.every(Number.isFinite))) {
    throw new RangeError(`${cannot}: the bias starts from [${bias}], needed are ${outputs} finite numbers`);
  }
}

/** Gives the dense layer of the head the bias that it starts from. */
function setBias(model: tfl.LayersModel, bias: readonly number[]): void {
  const dense = model.getLayer("dense");
  const [kernel] = dense.getWeights();
  const start = tf.tensor1d([...bias]);
  dense.setWeights([kernel, start]);
  start.dispose();
}
