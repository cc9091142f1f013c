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
  const kind = files.weights.length === 0 ? 3 : random.below(10);
  let { json, weights }: { json: string | Uint8Array; weights: Uint8Array } = files;
  let what: string;
  let isFinite = true;
  if (kind === 0) ({ bytes: json, what } = mutateBytes(random, new TextEncoder().encode(json)));
  else if (kind === 1) ({ bytes: weights, what } = mutateBytes(random, weights));
  else if (kind === 2) {
    const { bytes, value, at } = setNumber(random, weights);
    [weights, what, isFinite] = [bytes, `number ${at} set to ${value}`, Number.isFinite(value)];
  } else {
    const root: unknown = JSON.parse(files.json);
    what = mutateJson(random, root);
    json = JSON.stringify(root);
  }
  await Deno.writeFile(`${dir}/model.json`, typeof json === "string" ? new TextEncoder().encode(json) : json);
  await Deno.writeFile(`${dir}/weights.bin`, weights);
  // Each number has its place, and is one: more or fewer bytes are not the model's.
  const mustRefuse = weights.length !== files.weights.length || !isFinite;
  return { what: `${files.name}: ${what}`, mustRefuse };
}

/** Numbers that no training leaves in a weight or in a quantizer's state. */
const ODD = [NaN, Infinity, -Infinity, -1, 0, 0.5, 300, 1e38, -1e38, 1e-45];

function setNumber(random: Random, weights: Uint8Array) {
  const numbers = new Float32Array(weights.slice().buffer);
  const at = random.below(numbers.length);
  numbers[at] = random.pick(ODD);
  return { bytes: new Uint8Array(numbers.buffer), value: numbers[at], at };
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
