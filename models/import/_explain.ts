/**
 * Finds out what TensorFlow.js means when it refuses a model, and says it with the layer's or the weight's name.
 */
import * as tfl from "@tensorflow/tfjs-layers";
import type { io } from "@tensorflow/tfjs-core";
import { QuantizedLayerError } from "../../src/quant/mod.ts";
import type { ModelFileError } from "../../src/io/errors.ts";
import { reasonOf } from "../../src/text/plain_errors.ts";
import { BuildError, placeOf } from "./_build.ts";
import { cannotLoad, isObject, type JsonObject, type ModelJson } from "./_model_json.ts";

/** A weight that a model has a place for. */
interface Slot {
  readonly name: string;
  readonly layer: string;
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
}

/**
 * Words an error of making a model of `json`.
 *
 * @param cause What was thrown.
 */
export function explainRefusal(json: ModelJson, cause: unknown): ModelFileError {
  if (cause instanceof QuantizedLayerError) return damagedQuantizer(json.path, cause);
  if (cause instanceof BuildError) return cannotLoad(json.path, cause.message, cause);
  return cannotLoad(json.path, unknownClass(json.topology, cause) ?? explainFailure(cause), cause);
}

/** Names the layer that failed, and says what TensorFlow.js says of it where that is meant for people. */
export function explainFailure(cause: unknown): string {
  const place = placeOf(cause);
  const because = reasonOf(cause, "its configuration is damaged");
  if (place === undefined) return `TensorFlow.js cannot make or run it: ${because}`;
  const { layer, className, reads } = place;
  const what = reads === undefined ? "cannot be made" : `cannot read ${reads.slice(0, 5).join(", ")}`;
  return `the layer "${layer}" (${className}) ${what}: ${because}`;
}

/** Words an error of one of this project's own layers. */
export function damagedQuantizer(path: string, cause: QuantizedLayerError): ModelFileError {
  return cannotLoad(path, `the layer "${cause.layer}" is damaged: ${cause.fault}`, cause);
}

/** tfjs-layers 4.22, utils/generic_utils.ts deserializeKerasObject: "Unknown layer: Foo. This may be due …". */
function unknownClass(topology: JsonObject, cause: unknown): string | undefined {
  const match = /^Unknown (\w+): ([^]+?)\. This may be due/.exec(cause instanceof Error ? cause.message : "");
  if (match === null) return undefined;
  const [, kind, className] = match;
  if (className.includes("[object ")) return undefined;
  const mention = findMention(topology, className) ?? { as: className };
  const who = mention.layer === undefined ? "a layer" : `the layer "${mention.layer}"`;
  const what = kind === "layer" ? "class" : kind;
  return `${who} has the ${what} "${mention.as}", which is not known here; ` +
    `one of TensorFlow.js, or one given to tf.serialization.registerClass, is needed`;
}

/** The innermost layer whose configuration names a class, and how it spells it. */
interface Mention {
  readonly layer?: string;
  readonly as: string;
}

/** Keys below which names of layers stand, which may equal a class's. */
const LAYER_NAME_KEYS: readonly string[] = ["name", "inbound_nodes", "input_layers", "output_layers"];

function findMention(value: unknown, className: string, layer?: string): Mention | undefined {
  if (typeof value === "string") return isSpelling(value, className) ? { layer, as: value } : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const inner = isObject(value) ? layerName(value) ?? layer : layer;
  for (const [key, item] of Object.entries(value)) {
    const found = LAYER_NAME_KEYS.includes(key) ? undefined : findMention(item, className, inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** TensorFlow.js speaks of the activation "hard_mish" as "hardMish". */
function isSpelling(text: string, className: string): boolean {
  return text === className || text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) === className;
}

function layerName(value: JsonObject): string | undefined {
  if (typeof value.class_name !== "string" || !isObject(value.config)) return undefined;
  return typeof value.config.name === "string" ? value.config.name : undefined;
}

/** Says what is wrong with the manifest of `json` for the model that its topology makes; undefined if nothing is. */
export function weightProblem({ groups }: ModelJson, model: tfl.LayersModel): string | undefined {
  const slots = layerSlots(model);
  const wanted = new Map(slots.map((slot) => [slot.name, slot]));
  const given = new Map<string, io.WeightsManifestEntry>();
  let extra: string | undefined;
  for (const weight of groups.flatMap((group) => group.weights)) {
    if (weight.group === "optimizer") continue;
    const name = wanted.has(weight.name) ? weight.name : withoutCellName(weight.name);
    if (wanted.has(name)) given.set(name, weight);
    else extra ??= weight.name;
  }
  for (const slot of slots) {
    const problem = slotProblem(slot, given.get(slot.name), extra);
    if (problem !== undefined) return problem;
  }
  return extra && `"weightsManifest" has the weight "${extra}", which no layer of the model takes`;
}

function slotProblem(slot: Slot, weight: io.WeightsManifestEntry | undefined, extra?: string): string | undefined {
  const who = `the layer "${slot.layer}" needs the weight "${slot.name}"`;
  if (weight === undefined) {
    const hint = extra === undefined ? "" : ` (it has "${extra}", which no layer takes)`;
    return `${who}, which "weightsManifest" does not have${hint}`;
  }
  if (String(slot.shape) !== String(weight.shape) || slot.shape.length !== weight.shape.length) {
    return `${who} of shape [${slot.shape}], "weightsManifest" has shape [${weight.shape}]`;
  }
  return slot.dtype === weight.dtype ? undefined : `${who} as ${slot.dtype}, "weightsManifest" has ${weight.dtype}`;
}

/** tfjs-layers 4.22, engine/container.ts loadWeights: "layer/cell/kernel" also fits "layer/kernel". */
function withoutCellName(name: string): string {
  const parts = name.split("/");
  return [...parts.slice(0, -2), ...parts.slice(-1)].join("/");
}

function layerSlots(model: tfl.LayersModel): readonly Slot[] {
  return model.layers.flatMap((layer) =>
    layer instanceof tfl.LayersModel ? layerSlots(layer) : layer.weights.map((weight) => ({
      name: weight.originalName,
      layer: layer.name,
      shape: weight.shape,
      dtype: weight.dtype,
    }))
  );
}
