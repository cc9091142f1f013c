/** What TF.js layers of this project share: that they are its own, checks of what they are told, weights of a layer inside. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { showValue } from "./text/plain.ts";

/** Classes that were registered as this project's. */
const OWN = new Set<string>();

/** Registers classes of this project with TF.js, which loads no model with such layers before. Again is harmless. */
export function registerOwn(...classes: readonly tf.serialization.SerializableConstructor<tfl.layers.Layer>[]): void {
  for (const layer of classes) {
    tf.serialization.registerClass(layer);
    OWN.add(layer.className);
  }
}

/** Whether layers of the registered class `className` are this project's. */
export function isOwnClass(className: string): boolean {
  return OWN.has(className);
}

/** Arguments that every TF.js layer takes. */
export type LayerArgs = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Shape or shapes that a layer is built for. */
export type Shapes = tfl.Shape | tfl.Shape[];

/** Checks that a layer is called something, or nothing. */
export function checkName(args: LayerArgs, className: string): LayerArgs {
  const name: unknown = args.name;
  if (name === undefined || typeof name === "string") return args;
  throw new RangeError(`Cannot make "${className}": its name is ${showValue(name)}, a text is needed`);
}

/** What is read of layers that take a number each. */
interface WholeNumber {
  /** The layer's name, or its class's. */
  readonly name: string | undefined;
  /** As in "number of heads". */
  readonly what: string;
  readonly least: number;
}

/** Checks a whole number of a layer's configuration. */
export function checkWhole(value: unknown, { name, what, least }: WholeNumber): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(
    `Cannot make ${showValue(name)}: its ${what} is ${showValue(value)}, a whole number from ${least} is needed`,
  );
}

/** What a layer takes, for messages. */
interface Inputs {
  readonly layer: tfl.layers.Layer;
  /** As in "queries, keys and values". */
  readonly what: string;
  readonly least: number;
  readonly most: number;
}

/** Returns the tensors or shapes that a layer is given, if they are as many as it takes. */
export function listOf<T>(given: T | T[], { layer, what, least, most }: Inputs): readonly T[] {
  const list = Array.isArray(given) ? given : [given];
  if (list.length >= least && list.length <= most) return list;
  const needed = least === most ? `${least}` : `${least} or ${most}`;
  const inputs = `${list.length} input${list.length === 1 ? "" : "s"}`;
  throw new TypeError(`Cannot call "${layer.name}": it is given ${inputs}, needed are ${needed}: ${what}`);
}

/** Returns the shapes that a layer is given, as a list. */
export function shapesOf(given: Shapes, inputs: Inputs): readonly tfl.Shape[] {
  // One shape is a list of numbers, several are a list of lists.
  const list = given.some(Array.isArray) ? given as tfl.Shape[] : [given as tfl.Shape];
  return listOf<tfl.Shape>(list, inputs);
}

/** Returns the first of the masks that TF.js hands on: queries, or whatever comes first, decide which positions there are. */
export function firstMask(mask: tf.Tensor | tf.Tensor[] | undefined): tf.Tensor {
  // TF.js takes null for no mask, and its types do not say so.
  return (Array.isArray(mask) ? mask[0] : mask ?? null) as tf.Tensor;
}

/**
 * Makes the weights of `inner`, which is built, also those of `outer`, in the same order, ahead of outer's own.
 *
 * The variables are shared, so optimizers, `save` and `trainable` see them through either layer.
 */
export function adoptWeights(outer: tfl.layers.Layer, inner: tfl.layers.Layer): void {
  // A frozen layer lists all its weights as not trainable; unfrozen for a moment, it tells which truly are not.
  const trainable = outer.trainable;
  inner.trainable = true;
  outer.trainable = true;
  outer.trainableWeights = [...inner.trainableWeights, ...outer.trainableWeights];
  outer.nonTrainableWeights = [...inner.nonTrainableWeights, ...outer.nonTrainableWeights];
  inner.trainable = trainable;
  outer.trainable = trainable;
}
