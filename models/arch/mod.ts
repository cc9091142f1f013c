/** Built-in architectures, to be trained from nothing. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { checkSeed } from "../../src/numbers/random.ts";
import { checkChoice } from "../../src/text/nearest.ts";
import type { ArchOptions, HeadOptions, Vocabulary } from "./_blocks.ts";
import { cifarCnn } from "./cifar_cnn.ts";
import { mlp } from "./mlp.ts";
import { mobilenetV2 } from "./mobilenet_v2.ts";
import { gru, lstm } from "./recurrent.ts";
import { resnet20 } from "./resnet20.ts";
import { tinyYolo } from "./tiny_yolo.ts";
import { transformer } from "./transformer.ts";

export type { ArchOptions, HeadOptions, Vocabulary };
export { BERT_BASE, SMALL_TRANSFORMER, transformer, type TransformerOptions } from "./transformer.ts";
export type { TransformerSize } from "./transformer.ts";

/** Smaller images have no pixel left after the poolings. */
const MIN_SIDE = 4;

/** Names of the built-in architectures, as `--arch` takes them. */
export const ARCH_NAMES = [
  "cifar_cnn",
  "tiny_yolo",
  "resnet20",
  "mobilenet_v2",
  "mlp",
  "lstm",
  "gru",
  "transformer",
] as const;

/** Name of a built-in architecture. */
export type ArchName = (typeof ARCH_NAMES)[number];

/** What samples can be, to an architecture. */
export type SampleKind = "pictures" | "rows" | "tokens";

/** What each kind's shape is. */
const SHAPES: Readonly<Record<SampleKind, { readonly rank: number; readonly what: string }>> = {
  pictures: { rank: 3, what: "[height, width, channels]" },
  rows: { rank: 1, what: "[columns]" },
  tokens: { rank: 1, what: "[length] of tokens" },
};

const DEFAULTS: Readonly<Record<SampleKind, ArchName>> = {
  pictures: "cifar_cnn",
  rows: "mlp",
  tokens: "transformer",
};

/** What each architecture takes; those of tokens can answer at each position. */
const TAKES: Readonly<Record<ArchName, readonly SampleKind[]>> = {
  cifar_cnn: ["pictures"],
  tiny_yolo: ["pictures"],
  resnet20: ["pictures"],
  mobilenet_v2: ["pictures"],
  mlp: ["rows"],
  lstm: ["pictures", "tokens"],
  gru: ["pictures", "tokens"],
  transformer: ["pictures", "tokens"],
};

/**
 * The built-in architectures: pictures [n, h, w, c], rows of numbers for "mlp", tokens [n, t] for those of sequences →
 * [n, outputs], or [n, t, outputs].
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
  lstm,
  gru,
  transformer,
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
  checkShape(options, { takes: TAKES[known], cannot });
  if (options.perPosition && !TAKES[known].includes("tokens")) {
    throw new RangeError(`${cannot}: answers at each position are asked for, it answers for a sample as a whole`);
  }
  checkHead(options, cannot);
  const { head = "softmax" } = options;
  if (head === "boxes" || head === "map") {
    throw new RangeError(`${cannot}: a head of ${head === "map" ? "maps" : head} is asked for, it ends in numbers`);
  }
  checkSeed(options.seed);
  const model = ARCHITECTURES[known](options);
  if (options.bias !== undefined) setBias(model, options.bias);
  return model;
}

/** Returns the architecture that suits samples of a kind where none is asked for. */
export function defaultArch(kind: SampleKind): ArchName {
  return DEFAULTS[kind];
}

function checkShape(
  { inputShape: shape, tokens }: ArchOptions,
  { takes, cannot }: { readonly takes: readonly SampleKind[]; readonly cannot: string },
): void {
  const given = takes.filter((kind) =>
    SHAPES[kind].rank === shape.length && (kind === "tokens") === (tokens !== undefined)
  );
  if (given.length === 0 || !shape.every((dim) => Number.isInteger(dim) && dim > 0)) {
    const is = `the input is [${shape}]${tokens === undefined ? "" : " of tokens"}`;
    throw new RangeError(
      `${cannot}: ${is}, needed are positive ${takes.map((kind) => SHAPES[kind].what).join(" or ")}`,
    );
  }
  if (tokens !== undefined) checkVocabulary(tokens, cannot);
  const [height, width] = shape;
  if (shape.length === 1 || Math.min(height, width) >= MIN_SIDE) return;
  throw new RangeError(`${cannot}: images are ${height}x${width}, at least ${MIN_SIDE}x${MIN_SIDE} are needed`);
}

function checkVocabulary({ size, padding = 0 }: Vocabulary, cannot: string): void {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`${cannot}: there are ${size} tokens, at least 1 is needed`);
  }
  if (Number.isInteger(padding) && padding >= 0 && padding < size) return;
  throw new RangeError(`${cannot}: the padding is token ${padding}, 0 to ${size - 1} is needed`);
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
