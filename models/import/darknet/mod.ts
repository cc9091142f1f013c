/** Nets of darknet: a configuration, and a file of weights. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { basename } from "node:path";
import { ModelFileError } from "../../../src/io/errors.ts";
import { formatBytes, readFileWithin, readTextWithin } from "../../../src/io/read.ts";
import { inPlainWords, reasonOf } from "../../../src/text/plain_errors.ts";
import type { Anchors } from "../../anchors.ts";
import { attachDetection } from "../../detection.ts";
import { buildNet } from "./_build.ts";
import { parseCfg } from "./_cfg.ts";
import { planOf, type Spec } from "./_specs.ts";
import { WeightReader } from "./_weights.ts";

export { type DarknetReading, readDarknetWeights } from "./arch_weights.ts";

/** Which net. */
export interface DarknetFiles {
  /** The configuration. */
  readonly cfg: string;
  /** The weights; absent: the net has fresh ones. */
  readonly weights?: string;
  /** Of fresh weights. Default 0. */
  readonly seed?: number;
}

/** A configuration has a few hundred lines. */
const MOST_TEXT = 2 ** 22;
/** The largest nets have some 250 million numbers. */
const MOST_BYTES = 2 ** 31;

/**
 * Loads a net of darknet as a model of TF.js's own layers, channels last.
 *
 * Outputs before [yolo] and [region] are called `boxes_${stride}` and stay as they are, in darknet's order of numbers; the
 * model notes what they mean (see `detectionOf`). Without such heads the last section is the output. What only trains
 * ([cost]) is left out. Batch normalization has darknet's epsilon, 1e-5.
 *
 * Source: parser.c of darknet, whose layers not named in the error of an unknown one are not known here.
 *
 * @throws {ModelFileError} If the configuration has a section or an option that cannot be imported, or the weights are
 *   not as many as it asks for: one line that names the section and its line.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import { loadDarknet } from "./mod.ts";
 *
 * const cfg = await Deno.makeTempFile({ suffix: ".cfg" });
 * await Deno.writeTextFile(cfg, `
 *   [net]
 *   width=8
 *   height=8
 *   channels=3
 *   [convolutional]
 *   filters=4
 *   size=3
 *   pad=1
 *   stride=2
 *   activation=leaky
 * `);
 * const model = await loadDarknet({ cfg });
 * assert.deepEqual(model.outputShape, [null, 4, 4, 4]);
 * await Deno.remove(cfg);
 * ```
 */
export async function loadDarknet({ cfg, weights, seed = 0 }: DarknetFiles): Promise<tfl.LayersModel> {
  await tf.ready();
  return await inPlainWords(() => load({ cfg, seed, ...(weights === undefined ? {} : { weights }) }));
}

async function load({ cfg, weights, seed }: DarknetFiles & { readonly seed: number }): Promise<tfl.LayersModel> {
  const text = await readTextWithin(cfg, { most: MOST_TEXT }).catch((cause) => unreadable(cfg, cause));
  const plan = planOf(parseCfg(text, cfg), cfg);
  const bytes = weights === undefined
    ? undefined
    : await readFileWithin(weights, { most: MOST_BYTES }).catch((cause) => unreadable(weights, cause));
  if (bytes === undefined) refuseTooLarge(plan.specs, cfg);
  const reader = weights === undefined || bytes === undefined ? undefined : new WeightReader(bytes, weights);
  const model = buildNet(plan, { name: basename(cfg, ".cfg"), seed, ...(reader === undefined ? {} : { reader }) });
  const heads = plan.specs.filter((spec) => spec.kind === "boxes");
  if (heads.length > 0) {
    const [{ head: kind, classes, section }] = heads;
    if (heads.some((spec) => spec.head !== kind || spec.classes !== classes)) {
      throw new ModelFileError(
        `Cannot load "${cfg}": [${section.kind}] at line ${section.line} and those behind it differ in kind or classes`,
      );
    }
    const anchors: Anchors = heads.map(({ anchors }) => anchors);
    const reach = heads.map(({ reach }) => reach);
    attachDetection(model, { kind, anchors, classes, ...(reach.every((one) => one === 1) ? {} : { reach }) });
  }
  return model;
}

/** What a file of weights cannot have, fresh ones need not. */
function refuseTooLarge(specs: readonly Spec[], cfg: string): void {
  const numbers = specs.reduce((sum, spec, i) => sum + weightsOf(spec, specs[i - 1]), 0);
  if (4 * numbers <= MOST_BYTES) return;
  throw new ModelFileError(
    `Cannot load "${cfg}": its weights take ${formatBytes(4 * numbers)}, at most ${
      formatBytes(MOST_BYTES)
    } can be made`,
  );
}

function weightsOf(spec: Spec, before: Spec | undefined): number {
  const [height, width, channels] = before?.shape ?? [1, 1, 4096];
  if (spec.kind === "convolutional") return spec.size ** 2 * channels / spec.groups * spec.shape[2];
  return spec.kind === "connected" ? height * width * channels * spec.shape[2] : 0;
}

function unreadable(path: string, cause: unknown): never {
  throw new ModelFileError(`Cannot load "${path}": ${reasonOf(cause, "it cannot be read")}`, { cause });
}
