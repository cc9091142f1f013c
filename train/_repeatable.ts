/**
 * Which training steps a recording backend may take again without TF.js.
 *
 * That skips all JavaScript of layers, loss and optimizer, so it must not matter: it is left to TF.js's own layers and
 * optimizers and to this project's, whose code depends on tensors and on what `stepKey` writes down.
 */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { LAYER_ROWS } from "../src/layers/mod.ts";
import { layersIn, type QuantizedLayer, quantizedLayer, quantizedLayersIn } from "../src/quant/mod.ts";
import { isPure, type Loss } from "./losses.ts";

type Layer = InstanceType<typeof tfl.layers.Layer>;

const OPTIMIZERS: readonly unknown[] = [
  tf.SGDOptimizer,
  tf.MomentumOptimizer,
  tf.RMSPropOptimizer,
  tf.AdamOptimizer,
  tf.AdamaxOptimizer,
  tf.AdagradOptimizer,
  tf.AdadeltaOptimizer,
];

/** Whether nothing but tensors and `stepKey` decides what a step computes. */
export function isRepeatable(
  view: tfl.LayersModel,
  { optimizer, loss }: { readonly optimizer: tf.Optimizer; readonly loss: Loss },
): boolean {
  return OPTIMIZERS.includes(optimizer.constructor) && isPure(loss) && layersIn(view).every(isKnown);
}

/** Layers that hold others, or draw random numbers themselves, may do anything. Dropout is `fit`'s, see seeded_dropout.ts. */
const UNKNOWN = [
  "AlphaDropout",
  "Bidirectional",
  "GaussianDropout",
  "GaussianNoise",
  "RNN",
  "StackedRNNCells",
  "TimeDistributed",
];

function isKnown(layer: Layer): boolean {
  const quantized = quantizedLayer(layer);
  if (quantized !== undefined) {
    return quantized.onlyTensors && (quantized.inner === undefined || isKnown(quantized.inner));
  }
  const name = layer.getClassName();
  const isBuiltIn = name === "InputLayer" || (Object.hasOwn(LAYER_ROWS, name) && !UNKNOWN.includes(name));
  return isBuiltIn && Object.entries(layer.getConfig()).every(isOwnRegularizer);
}

function isOwnRegularizer([key, value]: readonly [string, unknown]): boolean {
  if (!/regularizer$/i.test(key) || typeof value !== "object" || value === null) return true;
  return "className" in value && value.className === "L1L2";
}

/** Writes down what a repeatable step depends on besides tensors and the learning rate. */
export function stepKey(
  { view, optimizer }: { readonly view: tfl.LayersModel; readonly optimizer: tf.Optimizer },
  { size, y }: { readonly size: number; readonly y: Int32Array | Float32Array },
): string {
  const { learningRate: _, ...config } = optimizer.getConfig();
  const states = quantizedLayersIn(view).map(switchesOf).join("");
  return `${idOf(view)}/${idOf(optimizer)}/${size}${y instanceof Int32Array ? "classes" : "reals"}/${states}/${
    JSON.stringify(config)
  }`;
}

const ids = new WeakMap<object, number>();
let count = 0;

function idOf(value: object): number {
  const known = ids.get(value) ?? ++count;
  ids.set(value, known);
  return known;
}

function switchesOf({ phase }: QuantizedLayer): string {
  return Object.values(phase).map(Number).join("");
}

/** Counts a step that the optimizer did not see. */
export function countIteration(optimizer: tf.Optimizer): void {
  // `protected`, which only TypeScript knows of; saved with the optimizer's weights.
  Reflect.get(optimizer, "incrementIterations").call(optimizer);
}
