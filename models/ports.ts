/** A model's inputs and outputs: their names and shapes, and what is given by name. */
import * as tfl from "@tensorflow/tfjs-layers";
import { outputGridOf, quantizedLayer } from "../src/quant/mod.ts";
import { valueNames, valueOf } from "../src/rewrite/mod.ts";
import { suggestName } from "../src/text/nearest.ts";
import type { QParams } from "../src/numbers/scheme.ts";

/** Elements of an input, row-major: real numbers, or whole ones such as tokens. */
export type InputValues = Float32Array | Int32Array;

/** Shapes of samples: of the only input, or by the inputs' names. */
export type InputShapes = readonly number[] | Readonly<Record<string, readonly number[]>>;

/**
 * Names the inputs of `model` after their layers.
 *
 * TF.js's `model.inputNames` says the same, but is empty for a loaded Sequential until that is first used.
 */
export function inputNames({ inputs }: tfl.LayersModel): readonly string[] {
  return inputs.map(({ sourceLayer }) => sourceLayer.name);
}

/**
 * Names the outputs of `model` after the layers that make them; a quantizer behind one does not show.
 *
 * The second output of a layer is called `layer:1`; what a further call of a layer gives, and an input that is an output
 * too, `layer_1`. So a prepared model's outputs are called as those of the model that it was.
 */
export function outputNames(model: tfl.LayersModel): readonly string[] {
  const taken = new Set(inputNames(model));
  const sources = model.outputs.map(sourceOf);
  // TF.js does not tell the calls of a layer apart; the order in which they are read does.
  const calls = sources.some(isShared) ? valueNames(model, sources) : [];
  return sources.map((source, i) => {
    const wanted = isShared(source) ? calls[i] : valueOf(source.sourceLayer.name, source.tensorIndex);
    let name = wanted;
    for (let copy = 1; taken.has(name); copy++) name = `${wanted}_${copy}`;
    taken.add(name);
    return name;
  });
}

function isShared({ sourceLayer }: tfl.SymbolicTensor): boolean {
  return sourceLayer.inboundNodes.length > 1 && !(sourceLayer instanceof tfl.LayersModel);
}

/** Returns the value that `output` is before its quantizer, if it has one. */
function sourceOf(output: tfl.SymbolicTensor): tfl.SymbolicTensor {
  const { sourceLayer: layer, nodeIndex } = output;
  return quantizedLayer(layer)?.role === "activations" ? layer.inboundNodes[nodeIndex].inputTensors[0] : output;
}

/** A model's output, as tasks see it. */
export interface Port {
  readonly name: string;
  /** Shape of one answer; null where the model leaves it open. */
  readonly shape: readonly (number | null)[];
}

/** Lists the outputs of `model`. */
export function outputPorts(model: tfl.LayersModel): readonly Port[] {
  return outputNames(model).map((name, i) => ({ name, shape: model.outputs[i].shape.slice(1) }));
}

/** Returns the grids of the outputs of `model` that are quantized, by name. */
export function outputGrids(model: tfl.LayersModel): Readonly<Record<string, QParams>> {
  const names = outputNames(model);
  return Object.fromEntries(model.outputs.flatMap(({ sourceLayer: layer }, i) => {
    const grid = outputGridOf(layer);
    if (grid === undefined || quantizedLayer(layer)?.phase.fakeQuantizing === false) return [];
    return [[names[i], { scale: grid.scale, zeroPoint: grid.zeroPoint }]];
  }));
}

/**
 * Returns the shapes of one sample of each input of `model`, in its order.
 *
 * @param given What the caller says they are, for models that leave some open.
 * @throws {TypeError} If a shape is open or another than what is given.
 * @throws {RangeError} If the model has no input of a name that is given.
 */
export function inputShapesOf(model: tfl.LayersModel, given?: InputShapes): readonly (readonly number[])[] {
  const names = inputNames(model);
  const named = given === undefined ? {} : isShape(given) ? { [names[0]]: given } : given;
  if (given !== undefined && isShape(given) && names.length > 1) {
    throw new TypeError(
      `Cannot feed "${model.name}": it has ${names.length} inputs, inputShape is needed by name: ${names.join(", ")}`,
    );
  }
  for (const name of Object.keys(named)) {
    if (names.includes(name)) continue;
    throw new RangeError(`Cannot feed "${model.name}": it has no input "${name}", ${suggestName(name, names)}`);
  }
  return names.map((name, i) =>
    shapeOf(model, { what: names.length === 1 ? "its input" : `its input "${name}"`, i, given: named[name] })
  );
}

function isShape(given: InputShapes): given is readonly number[] {
  return Array.isArray(given);
}

function shapeOf(
  model: tfl.LayersModel,
  { what, i, given }: { readonly what: string; readonly i: number; readonly given: readonly number[] | undefined },
): readonly number[] {
  const own = model.inputs[i].shape.slice(1);
  const shape = given ?? own;
  const fits = shape.length === own.length && own.every((dim, i) => dim === null || dim === shape[i]);
  if (!fits) throw new TypeError(`Cannot feed "${model.name}": ${what} is [${own}], the data's is [${shape}]`);
  if (shape.every((dim) => dim !== null)) return shape;
  throw new TypeError(
    `Cannot feed "${model.name}": ${what} is [${own.map((dim) => dim ?? "?")}], inputShape is needed`,
  );
}

/** What `pickByName` says where a name does not fit. */
export interface Picking {
  /** What is picked: "input" or "target". */
  readonly what: string;
  /** As in `evaluate "lenet"`. */
  readonly doing: string;
  /** Further names that may be given and are not picked. */
  readonly others?: readonly string[];
}

/**
 * Picks what is given for `names`, in their order. Where one is wanted and one given, its name does not matter.
 *
 * @throws {RangeError} If one is missing, or one is given that nobody knows.
 */
export function pickByName<T>(
  names: readonly string[],
  given: Readonly<Record<string, T>>,
  { what, doing, others = [] }: Picking,
): readonly T[] {
  const found = Object.keys(given);
  if (names.length === 1 && found.length === 1 && others.length === 0) return [given[found[0]]];
  const known = [...names, ...others];
  const stranger = found.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new RangeError(`Cannot ${doing}: there is no ${what} "${stranger}", ${suggestName(stranger, known)}`);
  }
  return names.map((name) => {
    if (Object.hasOwn(given, name)) return given[name];
    const has = found.length === 0 ? "none" : found.map((name) => `"${name}"`).join(", ");
    throw new RangeError(`Cannot ${doing}: a batch has no ${what} "${name}", only ${has}`);
  });
}
