/** Model files, damaged and read, and what comes of them. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { loadLayersModel, saveLayersModel } from "../../../models/import/layers_model.ts";
import { probeModel } from "../../../models/import/probe.ts";
import type { Random } from "../../../src/numbers/random.ts";
import { check, type FuzzCase } from "../_case.ts";
import { mutateBytes, mutateJson } from "../_mutate.ts";

/** A model's files. */
export interface ModelFiles {
  readonly name: string;
  readonly json: string;
  readonly weights: Uint8Array<ArrayBuffer>;
}

/** Saves a model, which must load as it is, and reads its files. */
export async function filesOf(name: string, model: tfl.LayersModel, dir: string): Promise<ModelFiles> {
  await saveLayersModel(model, dir);
  await checkModel(dir, () => {});
  return {
    name,
    json: await Deno.readTextFile(`${dir}/model.json`),
    weights: await Deno.readFile(`${dir}/weights.bin`),
  };
}

/** Writes damaged files of a model into `dir`: its JSON by structure or by bytes, or its weights. */
export async function damage(random: Random, files: ModelFiles, dir: string): Promise<Omit<FuzzCase, "read">> {
  const kind = random.below(10);
  let { json, weights }: { json: string | Uint8Array; weights: Uint8Array } = files;
  let what: string;
  if (kind === 0) ({ bytes: json, what } = mutateBytes(random, new TextEncoder().encode(json)));
  else if (kind === 1) ({ bytes: weights, what } = mutateBytes(random, weights));
  else {
    const root: unknown = JSON.parse(files.json);
    what = mutateJson(random, root);
    json = JSON.stringify(root);
  }
  await Deno.writeFile(`${dir}/model.json`, typeof json === "string" ? new TextEncoder().encode(json) : json);
  await Deno.writeFile(`${dir}/weights.bin`, weights);
  // Each number has its place: more or fewer bytes are not the model's.
  const mustRefuse = kind === 1 && weights.length !== files.weights.length;
  return { what: `${files.name}: ${what}`, mustRefuse };
}

/** Loads the model in `dir`, and checks that its weights are those of its file and that it answers in its own shapes. */
export async function checkModel(dir: string, use: (model: tfl.LayersModel) => unknown): Promise<void> {
  tf.engine().startScope();
  try {
    const { model, source } = await loadLayersModel(dir);
    const held = source.weights.filter(({ group }) => group !== "optimizer");
    const own = model.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const given = held.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    check(own === given, `the model has ${own} numbers, its file ${given}`);
    if (isSmall(model)) probeModel(model, dir);
    await use(model);
    model.dispose();
  } finally {
    tf.engine().endScope();
  }
}

/** Larger values take seconds on the cpu backend; they are as good as any. */
const MOST_NUMBERS = 1e5;

function isSmall(model: tfl.LayersModel): boolean {
  const made = model.layers.flatMap(({ inboundNodes }) => inboundNodes).flatMap(({ outputTensors }) => outputTensors);
  return made.every(({ shape }) => sizeOf(shape) <= MOST_NUMBERS);
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, dim) => product * (dim ?? 1), 1);
}
