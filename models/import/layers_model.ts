/** TensorFlow.js layers-models on disk. */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { dirname, join } from "node:path";
import { commitFiles, describeUnfinished, ensureWritableDirectory, type FileContent } from "../../src/io/atomic.ts";
import { QuantizedLayerError, quantizedLayersIn } from "../../src/quant/mod.ts";
import { registerConstantValue, withCopies } from "../../src/rewrite/mod.ts";
import { registerChannelLayers } from "../../src/channels/mod.ts";
import { registerGroupedLayers } from "../../src/grouped/mod.ts";
import { registerOperations } from "../../src/operations/mod.ts";
import { registerSequenceLayers } from "../../src/sequences/mod.ts";
import { showValue } from "../../src/text/plain.ts";
import { inPlainWords } from "../../src/text/plain_errors.ts";
import { CallsError, orderCalls } from "./_calls.ts";
import { BuildError, buildTopology } from "./_build.ts";
import { damagedQuantizer, explainRefusal, weightProblem } from "./_explain.ts";
import { valueProblem } from "./_layer_values.ts";
import { cannotLoad, type JsonObject, type ModelJson, readModelJson, type WeightGroup } from "./_model_json.ts";
import { repairConfigs } from "./_repair.ts";
import { readWeightBytes, type WeightBytes } from "./_shards.ts";

export { ModelFileError } from "../../src/io/errors.ts";

/** Where a model came from. */
export interface ModelSource {
  /** Path of the model.json. */
  readonly path: string;
  /** Paths of model.json and of all weight files. */
  readonly files: readonly string[];
  /** Size of all files together. */
  readonly byteLength: number;
  /** The weights as the file describes them, `quantization` telling how they are stored. */
  readonly weights: readonly tf.io.WeightsManifestEntry[];
  /** Program that wrote the file, if it says so. */
  readonly generatedBy?: string;
  /** Program that converted the model, if it says so. */
  readonly convertedBy?: string;
}

/** A model and where it came from. */
export interface LoadedLayersModel {
  readonly model: tfl.LayersModel;
  readonly source: ModelSource;
}

/**
 * Loads a layers-model, of the new or the old form, with weights stored as float32, float16, uint8 or uint16.
 *
 * Optimizer state and training configuration are ignored. The weights are placed on the current backend; layer classes
 * of one's own must be registered.
 *
 * @param path A model.json, or the folder that holds one.
 * @throws {ModelFileError} If anything about the files is wrong; the message is one line that names the file, and the
 *   layer or weight where one is at fault.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { loadLayersModel, saveLayersModel } from "./layers_model.ts";
 *
 * const dir = await Deno.makeTempDir();
 * const dense = tfl.layers.dense({ units: 2, inputShape: [3], name: "dense" });
 * await saveLayersModel(tfl.sequential({ layers: [dense] }), dir);
 * const { model, source } = await loadLayersModel(dir);
 * assert.deepEqual(source.weights.map(({ name }) => name), ["dense/kernel", "dense/bias"]);
 * assert.deepEqual(model.outputShape, [null, 2]);
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function loadLayersModel(path: string): Promise<LoadedLayersModel> {
  registerConstantValue();
  registerChannelLayers();
  registerGroupedLayers();
  registerOperations();
  registerSequenceLayers();
  await tf.ready(); // no backend is the program's fault, and must not be blamed on the file below
  return await inPlainWords(() => load(path));
}

/**
 * Saves a model as model.json and weights.bin, replacing both at once.
 *
 * Equal models give equal bytes: nothing in the files depends on the time or the machine. The optimizer is not saved.
 *
 * @param dir The folder to write to, made if it is not there.
 * @throws {OutputError} If the folder is not writable.
 * @throws {RangeError} If two weights of the model have one name, so that no reader could tell them apart.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { saveLayersModel } from "./layers_model.ts";
 *
 * const dir = await Deno.makeTempDir();
 * const dense = tfl.layers.dense({ units: 2, inputShape: [3], name: "dense" });
 * await saveLayersModel(tfl.sequential({ layers: [dense] }), dir);
 * assert.equal((await Deno.stat(`${dir}/weights.bin`)).size, 4 * (3 * 2 + 2));
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function saveLayersModel(model: tfl.LayersModel, dir: string): Promise<void> {
  const files = await layersModelFiles(model, dir);
  ensureWritableDirectory(dir);
  commitFiles({ root: dir, files });
}

/**
 * Returns the files that `saveLayersModel` writes, model.json last, to be committed together with others.
 *
 * @param dir The folder that they are meant for.
 * @throws {RangeError} If two weights of the model have one name.
 */
export async function layersModelFiles(model: tfl.LayersModel, dir: string): Promise<readonly FileContent[]> {
  const artifacts = await artifactsOf(model);
  const weights = artifacts.weightSpecs ?? [];
  refuseSharedNames(weights, model.name);
  const manifest = [{ paths: ["weights.bin"], weights: weights.map((weight) => ({ ...weight })) }];
  // Spelled out, so that the order of the keys is ours and no other field can slip in.
  const json = {
    format: "layers-model",
    generatedBy: artifacts.generatedBy,
    convertedBy: null,
    // So that TF.js's own loader reads the calls of shared layers right.
    modelTopology: repairConfigs(orderCalls(artifacts.modelTopology as JsonObject), weights),
    userDefinedMetadata: artifacts.userDefinedMetadata,
    weightsManifest: manifest,
  };
  return [
    { path: join(dir, "weights.bin"), bytes: new Uint8Array(joinBuffers(artifacts.weightData)) },
    { path: join(dir, "model.json"), bytes: JSON.stringify(json) },
  ];
}

/** Weights of one commit beside a model.json of another would load, and answer wrong. */
function refuseUnfinished(path: string): void {
  const because = describeUnfinished(path.endsWith(".json") ? dirname(path) : path);
  if (because !== undefined) throw cannotLoad(path, because);
}

async function load(path: string): Promise<LoadedLayersModel> {
  refuseUnfinished(path);
  const json = withCheckedTopology(await readModelJson(path));
  const bytes = await readWeightBytes(json);
  const model = await build(json, bytes);
  refuseNonFinite(model, json.path);
  refuseDamagedGrids(model, json.path);
  return { model, source: describeSource(json, bytes) };
}

function withCheckedTopology(json: ModelJson): ModelJson {
  const problem = valueProblem(json.topology);
  if (problem !== undefined) throw cannotLoad(json.path, problem);
  try {
    return { ...json, topology: orderCalls(json.topology) };
  } catch (cause) {
    throw cause instanceof CallsError ? cannotLoad(json.path, cause.message, cause) : cause;
  }
}

async function build(json: ModelJson, { data }: WeightBytes): Promise<tfl.LayersModel> {
  let model: tfl.LayersModel | undefined;
  try {
    const made = await buildTopology(json.topology, json.groups);
    if (!(made instanceof tfl.LayersModel)) {
      throw new BuildError(`it is a ${showValue(json.topology.class_name)}, a model is needed`);
    }
    model = made;
    const problem = inputProblem(model) ?? weightProblem(json, model);
    if (problem !== undefined) throw new BuildError(problem);
    setWeights(model, { groups: json.groups, data });
    if (json.userDefinedMetadata !== undefined) model.setUserDefinedMetadata(json.userDefinedMetadata);
  } catch (cause) {
    model?.dispose();
    throw explainRefusal(json, cause);
  }
  const copied = withCopies(model);
  if (copied !== model) model.dispose();
  return copied;
}

/** TF.js takes any dtype of an input, and complains of it when it is fed. */
function inputProblem({ inputs }: tfl.LayersModel): string | undefined {
  const odd = inputs.find(({ dtype }) => !INPUT_DTYPES.includes(dtype));
  return odd &&
    `the input "${odd.sourceLayer.name}" has the dtype ${showValue(odd.dtype)}, float32, int32 or bool is needed`;
}

const INPUT_DTYPES = ["float32", "int32", "bool"];

function setWeights(
  model: tfl.LayersModel,
  { groups, data }: { readonly groups: readonly WeightGroup[]; readonly data: ArrayBuffer },
): void {
  const specs = groups.flatMap(({ weights }) => weights);
  const tensors = tf.io.decodeWeights(data, specs);
  const own = specs.filter(({ group }) => group !== "optimizer").map(({ name }) => [name, tensors[name]] as const);
  try {
    model.loadWeights(Object.fromEntries(own));
  } finally {
    tf.dispose(Object.values(tensors));
  }
}

function refuseNonFinite(model: tfl.LayersModel, path: string): void {
  for (const weight of model.weights) {
    const values = weight.read().dataSync<"float32">();
    const bad = values.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
    if (bad === 0) continue;
    const name = weight.originalName;
    model.dispose();
    throw cannotLoad(
      path,
      `the weight "${name}" holds NaN or Infinity in ${bad} of ${values.length} places, finite numbers are needed`,
    );
  }
}

/** A quantizer's state is in its weights, which TF.js sets without asking. */
function refuseDamagedGrids(model: tfl.LayersModel, path: string): void {
  try {
    for (const layer of quantizedLayersIn(model)) if (layer.isCalibrated()) layer.readGrids();
  } catch (cause) {
    model.dispose();
    throw cause instanceof QuantizedLayerError ? damagedQuantizer(path, cause) : cause;
  }
}

function describeSource(json: ModelJson, { data, files }: WeightBytes): ModelSource {
  return {
    path: json.path,
    files: [json.path, ...files],
    byteLength: json.byteLength + data.byteLength,
    weights: json.groups.flatMap((group) => group.weights),
    generatedBy: json.generatedBy,
    convertedBy: json.convertedBy,
  };
}

async function artifactsOf(model: tfl.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts = {};
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    // `save` passes this on to its caller and looks at nothing in it; a real date would be thrown away.
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  return saved;
}

function refuseSharedNames(weights: readonly tf.io.WeightsManifestEntry[], modelName: string): void {
  const seen = new Set<string>();
  for (const { name } of weights) {
    if (seen.has(name)) {
      throw new RangeError(
        `Cannot save the model "${modelName}": two of its weights are named "${name}", layers with names of their own are needed`,
      );
    }
    seen.add(name);
  }
}

function joinBuffers(data: tf.io.WeightData | undefined): ArrayBuffer {
  return tf.io.CompositeArrayBuffer.join(data);
}
