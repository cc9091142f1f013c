/**
 * Reads model.json and checks everything of it that TensorFlow.js takes on trust.
 *
 * Source: tfjs-core 4.22, io/types.ts (ModelJSON, WeightsManifestConfig, WeightsManifestEntry).
 */
import { join } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { describeFailure, ModelFileError } from "../../src/io/errors.ts";
import { readTextWithin } from "../../src/io/read.ts";
import { parseJson } from "../../src/text/json.ts";
import { showValue } from "../../src/text/plain.ts";

/** Most bytes of a model.json: those of nets with thousands of layers have one or two MiB. */
const MOST_BYTES = 2 ** 26;

/** A longer name is none; recipes look for parts of names. */
const LONGEST_NAME = 256;

/** A JSON object whose values are not yet known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Weights that lie one after another in the files of one list, ignoring the borders between the files. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly io.WeightsManifestEntry[];
}

/** The parts of model.json that loading needs. */
export interface ModelJson {
  readonly path: string;
  /** Size of model.json in bytes. */
  readonly byteLength: number;
  /** A Keras configuration: `{class_name, config}`, no longer wrapped in `model_config`. */
  readonly topology: JsonObject;
  readonly groups: readonly WeightGroup[];
  readonly generatedBy?: string;
  readonly convertedBy?: string;
  readonly userDefinedMetadata?: Record<string, string>;
}

/**
 * Reads and checks a layers-model's model.json.
 *
 * @param path A model.json, or the folder that holds one.
 * @throws {ModelFileError} If it is missing, is no JSON, or is not the description of a layers-model.
 */
export async function readModelJson(path: string): Promise<ModelJson> {
  const file = await findModelJson(path);
  const text = await readText(file);
  const json = parseModel(text, file);
  const topology = layersTopology(json, file);
  return {
    path: file,
    byteLength: new TextEncoder().encode(text).length,
    topology,
    groups: weightGroups(json.weightsManifest, file),
    generatedBy: optionalString(json.generatedBy),
    convertedBy: optionalString(json.convertedBy),
    userDefinedMetadata: isObject(json.userDefinedMetadata)
      ? json.userDefinedMetadata as Record<string, string> // TF.js itself checks it as it sets it
      : undefined,
  };
}

/** The parts of a graph-model's model.json that loading needs. */
export interface GraphJson extends Pick<ModelJson, "path" | "byteLength" | "groups"> {
  /** TensorFlow's graph. */
  readonly topology: JsonObject & { readonly node: readonly unknown[] };
  readonly signature?: JsonObject;
}

/**
 * Reads and checks a graph-model's model.json.
 *
 * @returns undefined if it is the description of another model.
 * @throws {ModelFileError} If it is missing, is no JSON, or its weights are damaged.
 */
export async function readGraphJson(path: string): Promise<GraphJson | undefined> {
  const file = await findModelJson(path);
  const text = await readText(file);
  const json = parseModel(text, file);
  const { modelTopology: topology } = json;
  // Where older converters write it goes first, as for TensorFlow.js.
  const signature = (isObject(json.userDefinedMetadata) ? json.userDefinedMetadata.signature : undefined) ??
    json.signature;
  if (!isObject(topology) || !Array.isArray(topology.node)) return undefined;
  return {
    path: file,
    byteLength: new TextEncoder().encode(text).length,
    topology: { ...topology, node: topology.node },
    groups: weightGroups(json.weightsManifest, file),
    ...(isObject(signature) ? { signature } : {}),
  };
}

/** Tells whether a JSON value is an object, and not a list or null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Makes the error for a model that cannot be loaded. */
export function cannotLoad(path: string, because: string, cause?: unknown): ModelFileError {
  return new ModelFileError(`Cannot load "${path}": ${because}`, { cause });
}

async function findModelJson(path: string): Promise<string> {
  const info = await statModel(path);
  if (!info.isDirectory) return path;
  const inside = join(path, "model.json");
  const there = await Deno.stat(inside).catch(() => undefined);
  if (there === undefined) throw cannotLoad(path, "the folder holds no model.json, one is needed");
  return inside;
}

async function statModel(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (cause) {
    throw cannotLoad(path, `${describeFailure(cause)}, a model.json is needed`, cause);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readTextWithin(file, { most: MOST_BYTES });
  } catch (cause) {
    throw cannotLoad(file, describeFailure(cause), cause);
  }
}

function parseModel(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw cannotLoad(file, describeFailure(cause), cause);
  }
  if (isObject(value)) return value;
  throw cannotLoad(
    file,
    `its JSON is ${describeValue(value)}, an object with "modelTopology" and "weightsManifest" is needed`,
  );
}

function layersTopology(json: JsonObject, file: string): JsonObject {
  const topology = json.modelTopology;
  if (!isObject(topology)) {
    throw cannotLoad(
      file,
      `it is not a TensorFlow.js model: "modelTopology" is ${describeValue(topology)}, an object is needed`,
    );
  }
  if (json.format === "graph-model" || Array.isArray(topology.node)) {
    throw cannotLoad(file, "it is a graph-model, a layers-model is needed (openModel() takes graph-models)");
  }
  const config = topology.model_config ?? topology; // Keras' own HDF5 files wrap the configuration
  if (!isObject(config) || typeof config.class_name !== "string" || config.config == null) {
    throw cannotLoad(
      file,
      `it is not a layers-model: "modelTopology" has no "class_name" and "config", both are needed`,
    );
  }
  const problem = nameProblem(config);
  if (problem !== undefined) throw cannotLoad(file, problem);
  return config;
}

/**
 * Says what is wrong with the first name of a layer that is no text, or one that TensorFlow.js, whose tables of layers are
 * plain objects, finds in any of them.
 */
function nameProblem(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const config: unknown = isObject(value) && typeof value.class_name === "string" ? value.config : undefined;
  const name: unknown = isObject(config) ? config.name : undefined;
  if (name !== undefined && name !== null && typeof name !== "string") {
    return `it has a layer whose name is ${showValue(name)}, a text is needed`;
  }
  if (typeof name === "string" && name.length > LONGEST_NAME) {
    return `it has a layer whose name has ${name.length} characters, at most ${LONGEST_NAME} are needed`;
  }
  if (typeof name === "string" && name in Object.prototype) {
    return `it has a layer called "${name}", which TensorFlow.js takes for what every object has, another name is needed`;
  }
  for (const item of Object.values(value)) {
    const found = nameProblem(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function weightGroups(manifest: unknown, file: string): readonly WeightGroup[] {
  if (!Array.isArray(manifest)) {
    throw cannotLoad(file, `"weightsManifest" is ${describeValue(manifest)}, a list of weight groups is needed`);
  }
  const groups = manifest.map((group: unknown, index) => weightGroup(group, { index, file }));
  refuseDuplicates(groups.flatMap((group) => group.weights.map((weight) => weight.name)), file);
  return groups;
}

function weightGroup(group: unknown, { index, file }: { index: number; file: string }): WeightGroup {
  const paths: unknown = isObject(group) ? group.paths : undefined;
  const weights: unknown = isObject(group) ? group.weights : undefined;
  if (!isStringList(paths) || !Array.isArray(weights)) {
    throw cannotLoad(file, `"weightsManifest[${index}]" needs a list of file names "paths" and a list "weights"`);
  }
  return { paths, weights: weights.map((weight: unknown) => weightEntry(weight, file)) };
}

function refuseDuplicates(names: readonly string[], file: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw cannotLoad(file, `"weightsManifest" names the weight "${name}" twice, once is needed`);
    seen.add(name);
  }
}

function weightEntry(weight: unknown, file: string): io.WeightsManifestEntry {
  if (!isObject(weight) || typeof weight.name !== "string") {
    throw cannotLoad(file, `"weightsManifest" has a weight without a "name", one is needed`);
  }
  const { name, shape, dtype, quantization, group } = weight;
  const refuse = (because: string) => cannotLoad(file, `the weight "${name}" has ${because}`);
  if (!isShape(shape)) {
    throw refuse(`the shape ${showValue(shape)}, a list of sizes is needed`);
  }
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
    throw refuse(`the dtype ${describeValue(dtype)}, "float32", "int32" or "bool" is needed`);
  }
  const entry: io.WeightsManifestEntry = { name, shape, dtype, ...(group === "optimizer" ? { group } as const : {}) };
  // A `quantization: null` must go: decodeWeights asks only whether the key is there.
  return quantization == null ? entry : { ...entry, quantization: storage(quantization, { dtype, refuse }) };
}

type Storage = NonNullable<io.WeightsManifestEntry["quantization"]>;

function storage(
  value: unknown,
  { dtype, refuse }: { dtype: string; refuse: (because: string) => ModelFileError },
): Storage {
  const stored: JsonObject = isObject(value) ? value : {};
  if (stored.dtype === "float16" && dtype === "float32") return { dtype: stored.dtype };
  if ((stored.dtype !== "uint8" && stored.dtype !== "uint16") || dtype === "bool") {
    throw refuse(
      `the dtype "${dtype}" stored as ${describeValue(stored.dtype)}, "uint8", "uint16" or "float16" is needed`,
    );
  }
  const { min, scale } = stored;
  if (!isFiniteNumber(min) || !isFiniteNumber(scale)) {
    throw refuse(`a "${stored.dtype}" quantization without "min" and "scale", two finite numbers are needed`);
  }
  return { dtype: stored.dtype, min, scale };
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function optionalString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function describeValue(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? showValue(value) : `the ${typeof value} ${showValue(value)}`;
}
