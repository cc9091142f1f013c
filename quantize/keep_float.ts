/** Takes further layers of a prepared model back into float. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Layer, layersIn, quantizedLayer } from "../src/quant/mod.ts";
import { adoptPrepared } from "./adopt.ts";
import { calibrate, type CalibrationBatch } from "./calibrate.ts";
import { floatModelOf } from "./float_model.ts";
import { type PreparedModel, prepareQat } from "./prepare.ts";
import { keepFloat } from "./recipe.ts";

/**
 * Prepares the float model that a prepared one stands for again, with `layers` kept in float too.
 *
 * Grids that both have stay what they are. Around the layers in float there are new ones, whose ranges `batches` give.
 * The original stays usable; the new model owns its weights.
 *
 * @param layers Names of layers, before or after the model was prepared.
 * @throws {RangeError} If one is no layer of the model, or there is no batch.
 */
export async function keepInFloat(
  model: LayersModel,
  { layers, batches }: {
    readonly layers: readonly string[];
    readonly batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>;
  },
): Promise<PreparedModel> {
  const { target, recipe, rewrites, task } = adoptPrepared(model);
  const float = floatModelOf(model).model;
  const rules = [...keepFloat(...layers), ...recipe.rules];
  // What was swapped is so already.
  const prepared = prepareQat(float, { target, recipe: { ...recipe, rules }, swap: [] });
  float.dispose();
  await calibrate(prepared.model, batches);
  takeState(prepared.model, model);
  return { ...prepared, rewrites: [...rewrites, ...prepared.rewrites], ...(task === undefined ? {} : { task }) };
}

/** Gives quantized layers of `model` the state of those of the same name and scheme in `from`. */
function takeState(model: LayersModel, from: LayersModel): void {
  const known = new Map(layersIn(from).map((layer) => [layer.name, layer]));
  for (const layer of layersIn(model)) {
    const before = known.get(layer.name);
    if (before !== undefined && isAlike(layer, before)) copyState(layer, before);
  }
}

function isAlike(layer: Layer, before: Layer): boolean {
  const [own, other] = [layer, before].map(quantizedLayer);
  return own !== undefined && other !== undefined && own.role === other.role &&
    JSON.stringify(own.scheme) === JSON.stringify(other.scheme);
}

function copyState(layer: Layer, before: Layer): void {
  const state = quantizedLayer(before)!.state;
  for (const [name, variable] of Object.entries(quantizedLayer(layer)!.state)) {
    const value = state[name]?.read();
    if (value !== undefined && String(value.shape) === String(variable.shape)) variable.write(value);
  }
}
