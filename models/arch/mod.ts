/** Built-in architectures, to be trained from nothing. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { checkSeed } from "../../src/numbers/random.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import type { ArchOptions } from "./_blocks.ts";
import { cifarCnn } from "./cifar_cnn.ts";
import { mobilenetV2 } from "./mobilenet_v2.ts";
import { resnet20 } from "./resnet20.ts";
import { tinyYolo } from "./tiny_yolo.ts";

export type { ArchOptions };

/** Smaller images have no pixel left after the poolings. */
const MIN_SIDE = 4;

/** Names of the built-in architectures, as `--arch` takes them. */
export const ARCH_NAMES = ["cifar_cnn", "tiny_yolo", "resnet20", "mobilenet_v2"] as const;

/** Name of a built-in architecture. */
export type ArchName = (typeof ARCH_NAMES)[number];

/**
 * The built-in architectures: classifiers [n, h, w, c] → [n, classes] that end in a layer "softmax".
 *
 * The layer before it, "dense", gives the logits. One seed gives the same weights on every backend.
 */
export const ARCHITECTURES: Readonly<Record<ArchName, (options: ArchOptions) => tfl.LayersModel>> = {
  cifar_cnn: cifarCnn,
  tiny_yolo: tinyYolo,
  resnet20,
  mobilenet_v2: mobilenetV2,
};

/**
 * Builds the architecture called `name`, with fresh weights.
 *
 * @throws {RangeError} If there is none of that name, or the shape, the number of classes or the seed is out of range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { buildArchitecture } from "./mod.ts";
 *
 * const model = buildArchitecture("cifar_cnn", { inputShape: [32, 32, 3], classes: 10, seed: 1 });
 * assert.deepEqual(model.outputs[0].shape, [null, 10]);
 * assert.throws(() => buildArchitecture("cifar", { inputShape: [32, 32, 3], classes: 10, seed: 1 }), RangeError);
 * ```
 */
export function buildArchitecture(name: string, options: ArchOptions): tfl.LayersModel {
  const cannot = `Cannot build the architecture "${name}"`;
  const { inputShape, classes, seed } = options;
  const known = checkChoice(name, { of: ARCH_NAMES, cannot });
  if (inputShape.length !== 3 || !inputShape.every((dim) => Number.isInteger(dim) && dim > 0)) {
    throw new RangeError(`${cannot}: the input is [${inputShape}], needed are positive [height, width, channels]`);
  }
  if (!Number.isInteger(classes) || classes < 2) {
    throw new RangeError(`${cannot}: there are ${classes} classes, at least 2 are needed`);
  }
  checkSeed(seed);
  if (Math.min(inputShape[0], inputShape[1]) < MIN_SIDE) {
    throw new RangeError(
      `${cannot}: images are ${inputShape[0]}x${inputShape[1]}, at least ${MIN_SIDE}x${MIN_SIDE} are needed`,
    );
  }
  return ARCHITECTURES[known](options);
}
