/**
 * Makes a model of its topology within what the weights manifest holds.
 *
 * TensorFlow.js allocates and fills each weight as soon as a configuration asks for it, whatever the size: "units: 1000000"
 * in a file of some kilobytes takes gigabytes and minutes. So each weight is compared with the manifest before it is made,
 * and begins as zeros: what the file holds takes their place.
 *
 * Source: tfjs-layers 4.22, engine/topology.ts `addWeight`, models.ts `modelFromJSON`, which makes the layers before it
 * first waits for anything.
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { layersIn } from "../../src/quant/mod.ts";
import { shadow } from "../../src/shadow.ts";
import { plainLine, showValue } from "../../src/text/plain.ts";
import { isObject, type JsonObject, type WeightGroup } from "./_model_json.ts";

/** Says why no model is made, as the rest of a sentence. */
export class BuildError extends Error {
  override readonly name: string = "BuildError";
}

/** The layer that was being made or called when TensorFlow.js failed. */
export interface Place {
  readonly layer: string;
  readonly className: string;
  /** What it was called on; absent if it was being made. */
  readonly reads?: readonly string[];
}

/** A TensorFlow.js layer; its weights are added by a method that types hide. */
type Layer = tfl.layers.Layer;

interface WeightAdder {
  addWeight(name: unknown, shape: unknown, dtype: unknown, initializer: unknown, ...rest: unknown[]): tfl.LayerVariable;
}

/** Numbers in one value of a sample: 512 MiB of float32, more than any picture or feature map has. */
const MOST_NUMBERS = 2 ** 27;

/** Where errors that TensorFlow.js threw come from. */
const PLACES = new WeakMap<object, Place>();

/** Returns the innermost layer that was being made or called when `error` was thrown. */
export function placeOf(error: unknown): Place | undefined {
  return typeof error === "object" && error !== null ? PLACES.get(error) : undefined;
}

/**
 * Makes the model, or whatever else the topology describes, its weights all 0.
 *
 * @param topology A Keras configuration, `{class_name, config}`.
 * @throws {BuildError} If a layer asks for weights that are not in `groups`, or gives more than memory holds.
 * @throws {Error} As TensorFlow.js says it; `placeOf` knows where.
 */
export async function buildTopology(topology: JsonObject, groups: readonly WeightGroup[]): Promise<Layer> {
  const weights: tfl.LayerVariable[] = [];
  try {
    const making = whileWatched({ groups, weights }, () =>
      tfl.models.modelFromJSON({
        // TF.js's type is of its own writers' forms only; it takes all that Keras writes, and changes what it is given.
        modelTopology: structuredClone(topology) as tfl.ModelAndWeightsConfig["modelTopology"],
      }));
    const made = await making;
    for (const layer of made instanceof tfl.LayersModel ? layersIn(made) : []) checkValues(layer);
    return made;
  } catch (error) {
    for (const weight of weights) weight.dispose();
    throw error;
  }
}

interface Watch {
  readonly groups: readonly WeightGroup[];
  /** All weights that are made, for those that no model takes up. */
  readonly weights: tfl.LayerVariable[];
}

/** Runs `work`, which makes layers at once, with an eye on each. */
function whileWatched<T>(watch: Watch, work: () => T): T {
  const layers = tfl.layers.Layer.prototype;
  const ends = [
    ...(addsWeights(layers) ? [shadow(layers, "addWeight", weightGuard(watch))] : []),
    watchCalls(),
    ...watchConfigs(),
  ];
  try {
    return work();
  } finally {
    for (const end of ends.toReversed()) end();
  }
}

/**
 * Notes which layer fails where it is called, and refuses what gives more than memory holds.
 *
 * @returns What ends that.
 */
export function watchCalls(): () => void {
  return shadow(tfl.layers.Layer.prototype, "apply", function (next, ...args) {
    const reads = shapesOf(args[0]);
    return placed({ layer: this.name, className: this.getClassName(), reads }, () => {
      const made = next(...args);
      // Symbolic: nothing has been computed of these sizes.
      for (const value of [made].flat()) if (value instanceof tfl.SymbolicTensor) checkValue(this, value.shape);
      return made;
    });
  });
}

function addsWeights(layers: object): layers is WeightAdder {
  return "addWeight" in layers;
}

/** Runs `work`, and notes where it failed unless that is known better already. */
function placed<T>(place: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (typeof error === "object" && error !== null && !PLACES.has(error)) PLACES.set(error, place);
    throw error;
  }
}

/** Watches the making of layers from configurations. */
function watchConfigs(): (() => void)[] {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  return Object.entries(classNameMap).flatMap(([className, entry]) => {
    const [cls, fromConfig] = entry;
    if (!(cls.prototype instanceof tfl.layers.Layer)) return [];
    const watched: typeof fromConfig = (cls, config, ...rest) => {
      const name = isObject(config) ? config.name : undefined;
      const layer = typeof name === "string" ? name : showValue(name);
      return placed({ layer, className }, () => fromConfig(cls, config, ...rest));
    };
    classNameMap[className] = [cls, watched];
    return [() => void (classNameMap[className] = entry)];
  });
}

function shapesOf(inputs: unknown): readonly string[] {
  return [inputs].flat().map((input: unknown) => showShape(isObject(input) ? input.shape : input));
}

/** Refuses weights that the manifest has in another shape, or that are more than it holds. */
function weightGuard({ groups, weights }: Watch) {
  const given = new Map(groups.flatMap(({ weights }) => weights).map((weight) => [weight.name, weight]));
  const held = [...given.values()].filter(({ group }) => group !== "optimizer")
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  let needed = 0;
  return function (this: object, next: WeightAdder["addWeight"], ...args: Parameters<WeightAdder["addWeight"]>) {
    const [name, shape, dtype, _, ...rest] = args;
    const layer = this instanceof tfl.layers.Layer ? this.name : "?";
    const weight = `${layer}/${name}`;
    const who = `the layer "${layer}" needs the weight "${weight}"`;
    const what = `${who} of shape ${showShape(shape)}`;
    if (!isShape(shape)) throw new BuildError(`${what}, a list of sizes is needed`);
    needed += sizeOf(shape);
    const own = given.get(weight)?.shape;
    if (own === undefined && needed > held) throw new BuildError(`${who}, which "weightsManifest" does not have`);
    if (own !== undefined && String(own) !== String(shape)) {
      throw new BuildError(`${what}, "weightsManifest" has shape ${showShape(own)}`);
    }
    if (needed > held) {
      throw new BuildError(`${what}, with which it has ${needed} numbers, "weightsManifest" has ${held}`);
    }
    const made = next(name, shape, dtype, tfl.initializers.zeros(), ...rest);
    weights.push(made);
    return made;
  };
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Writes a shape, "?" where it is open; JSON has no NaN. */
function showShape(shape: unknown): string {
  return Array.isArray(shape) ? plainLine(`[${shape.map(showSize)}]`, 60) : showValue(shape);
}

function showSize(size: unknown): string {
  if (size === null || size === undefined) return "?";
  return typeof size === "number" ? String(size) : "no number";
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Refuses a layer whose values have no size, or more numbers than memory holds, before anything is computed. */
function checkValues(layer: Layer): void {
  const values = layer.inboundNodes.flatMap(({ outputTensors }) => outputTensors);
  for (const { shape } of values) checkValue(layer, shape);
}

function checkValue({ name }: Layer, shape: readonly unknown[]): void {
  const [, ...sizes] = shape;
  const known = sizes.filter((size) => size !== null);
  const who = `the layer "${name}" gives ${showShape(shape)}`;
  if (!isShape(known)) throw new BuildError(`${who}, whole numbers are needed`);
  if (known.includes(0)) throw new BuildError(`${who}, sizes of at least 1 are needed`);
  const count = sizeOf(known);
  if (count <= MOST_NUMBERS) return;
  throw new BuildError(`${who}, ${count} numbers a sample, ${MOST_NUMBERS} at most are needed`);
}
