/** What this room's layers share: argument types, single inputs, and weights by name. */
import type * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";

/** A TF.js layer. */
export type Layer = tfl.layers.Layer;

/** Arguments that every TF.js layer takes, initial weights excepted: those come after `build`. */
export type LayerArgs = Omit<NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>, "weights">;

/** Keyword arguments of a layer's `call`. */
export interface CallArgs {
  /** Whether the call is part of a training step. */
  readonly training?: boolean;
}

/** Shape or shapes that a layer is built for. */
export type Shapes = tfl.Shape | tfl.Shape[];

/** Returns the only tensor of `inputs`. */
export function oneTensor(inputs: tf.Tensor | tf.Tensor[], layer: Layer): tf.Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length === 1) return inputs[0];
  throw new TypeError(`Cannot call "${layer.name}": it is given ${inputs.length} tensors, 1 is needed`);
}

/** Returns the only shape of `shapes`. */
export function oneShape(shapes: Shapes, layer: Layer): tfl.Shape {
  if (!isListOfShapes(shapes)) return shapes;
  if (shapes.length === 1) return shapes[0];
  throw new TypeError(`Cannot build "${layer.name}": it is given ${shapes.length} inputs, 1 is needed`);
}

function isListOfShapes(shapes: Shapes): shapes is tfl.Shape[] {
  return Array.isArray(shapes[0]);
}

/** Returns the variable of `layer` called `name` ("kernel", "gamma", …), or undefined. */
export function findWeight(layer: Layer, name: string): tfl.LayerVariable | undefined {
  return layer.weights.find(({ originalName }) => originalName.split("/").at(-1) === name);
}
