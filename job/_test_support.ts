/** A small job for tests: a tiny model on generated images takes about a second. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { parseNormalize } from "../data/normalize.ts";
import type { SampleSet } from "../data/samples.ts";
import { registerBackend } from "../src/backend/mod.ts";
import { Random } from "../src/numbers/random.ts";
import { saveLayersModel } from "../models/import/layers_model.ts";
import { seedWeights } from "../tests/_support/small_models.ts";
import type { JobData } from "./_data.ts";
import type { JobEvents } from "./events.ts";
import type { TrainingJob } from "./_job.ts";
import { readQuantization } from "./_recipe.ts";
import { type QatOptions, resolveOptions } from "./options.ts";

const { layers } = tfl;

/** Runs `fn` with a folder that is removed afterwards. */
export async function withFolder<T>(fn: (dir: string) => Promise<T>): Promise<T> {
  const dir = Deno.makeTempDirSync();
  try {
    return await fn(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** What a tiny model is made of. */
export interface TinyOptions {
  /** Of the hidden layer. Default "relu". */
  readonly activation?: "relu" | "elu" | "leaky";
  /** Default 10, as the generated set has. */
  readonly classes?: number;
  /** Of the second convolution. Default 1. */
  readonly dilationRate?: number;
  /** Default [8, 8, 3]. */
  readonly inputShape?: readonly (number | null)[];
}

/** Makes a convolution, its activation, pooling and a dense layer. */
export function tinyModel(
  { activation = "relu", classes = 10, inputShape = [8, 8, 3], dilationRate = 1 }: TinyOptions = {},
): tfl.Sequential {
  tf.env().set("PROD", true);
  return seedWeights(tfl.sequential({
    name: "tiny",
    layers: [
      layers.conv2d({ name: "conv", filters: 4, kernelSize: 3, useBias: false, inputShape: [...inputShape] }),
      layers.batchNormalization({ name: "bn" }),
      activation === "leaky" ? layers.leakyReLU({ name: "act" }) : layers.activation({ name: "act", activation }),
      layers.conv2d({ name: "conv2", filters: 4, kernelSize: 3, dilationRate, padding: "same", activation: "relu" }),
      layers.globalAveragePooling2d({ name: "pool" }),
      layers.dense({ name: "dense", units: classes, activation: "softmax" }),
    ],
  }));
}

/** Saves `model` into `dir` and returns the path of its model.json. */
export async function save(model: tfl.LayersModel, dir: string): Promise<string> {
  await registerBackend();
  await saveLayersModel(model, dir);
  return `${dir}/model.json`;
}

/** Options of the smallest job. */
export const SMALL = {
  data: "generated",
  // 36 samples to train on, in two batches, and 4 to choose the best epoch by.
  limit: 40,
  batchSize: 18,
  epochs: 1,
  lr: 1e-3,
  precise: true,
  // One folder for several jobs.
  overwrite: true,
} satisfies QatOptions;

/** What stops a job in a test. */
export class Stopped extends Error {}

/** Events that stop a job after `steps` steps of this process. */
export function stopAfter(steps: number): JobEvents {
  const controller = new AbortController();
  let taken = 0;
  const onStep = () => ++taken === steps ? controller.abort(new Stopped()) : undefined;
  return { onStep, signal: controller.signal };
}

/** Lists all files and folders below `dir` with what is in the files, so that two states can be compared. */
export function contentsOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}`;
    found[path] = isDirectory ? "folder" : textOf(path);
    if (isDirectory) Object.assign(found, contentsOf(path));
  }
  return found;
}

/** All of a file but the times that it tells. */
function textOf(path: string): string {
  const bytes = Deno.readFileSync(path);
  return new TextDecoder("latin1").decode(path.includes(".tfevents.") ? withoutWallTimes(bytes) : bytes);
}

/** An event file without the times in it: eight bytes of each message, behind their tag, and the check of the message. */
export function withoutWallTimes(bytes: Uint8Array): Uint8Array {
  const lasting = bytes.slice();
  const view = new DataView(lasting.buffer);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    lasting.fill(0, at + 13, at + 21);
    lasting.fill(0, at + 12 + length, at + 16 + length);
    at += length + 16;
  }
  return lasting;
}

/** Points of two classes; the noisier they are, the more of them lie on the wrong side. */
export function points(count: number, { seed, noise }: { readonly seed: number; readonly noise: number }): SampleSet {
  const random = new Random(seed);
  const values = Float32Array.from({ length: 2 * count }, () => random.between(-1, 1));
  const labels = Int32Array.from({ length: count }, (_, i) => values[2 * i] + noise * values[2 * i + 1] > 0 ? 1 : 0);
  return {
    name: "points",
    count,
    inputs: { row: { kind: "rows", names: ["a", "b"], values } },
    targets: { label: { kind: "classes", labels, names: ["no", "yes"] } },
  };
}

/** A job on 48 points, without a folder. */
export async function pointsJob(options: QatOptions, { validation, log = [] }: {
  readonly validation?: SampleSet;
  readonly log?: string[];
} = {}): Promise<TrainingJob> {
  await registerBackend();
  tf.env().set("PROD", true);
  const resolved = resolveOptions(options);
  const data: JobData = {
    name: "points",
    train: points(48, { seed: 1, noise: 0.5 }),
    ...(validation === undefined ? {} : { validation }),
    test: points(20, { seed: 2, noise: 0.5 }),
    normalize: parseNormalize("0..1"),
    scalings: {},
    augment: { flip: false, pad: 0 },
    batchSize: resolved.batchSize,
    seed: resolved.seed,
  };
  return {
    options: { ...resolved, task: "classification" },
    events: {},
    log: (line) => log.push(line),
    data,
    engine: { backend: "onnxruntime", device: { asked: "cpu", ran: "cpu" } },
    quantization: await readQuantization(resolved),
  };
}

/** A dense layer of two classes. */
export function lineModel(): tfl.Sequential {
  return seedWeights(tfl.sequential({
    name: "line",
    layers: [tfl.layers.dense({ units: 2, inputShape: [2], activation: "softmax", name: "fc" })],
  }));
}

/** A folder of pictures without folders of classes. */
export async function pictures(dir: string, count: number): Promise<string> {
  const { default: sharp } = await import("sharp");
  Deno.mkdirSync(dir);
  for (let i = 0; i < count; i++) {
    const bytes = Uint8Array.from({ length: 8 * 8 * 3 }, (_, j) => (i * 31 + j * 7) % 256);
    await sharp(bytes, { raw: { width: 8, height: 8, channels: 3 } }).png().toFile(`${dir}/${i}.png`);
  }
  return `folder:${dir}`;
}
