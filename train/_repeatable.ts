/**
 * Which training steps a recording backend may take again without TF.js.
 *
 * That skips all JavaScript of layers, loss and optimizer, so it must not matter: it is left to TF.js's own layers and
 * optimizers and to this project's, whose code depends on tensors and on what `stepKey` writes down.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { LAYER_ROWS, type LayerDescription } from "../src/layers/mod.ts";
import { layersIn, type QuantizedLayer, quantizedLayer, quantizedLayersIn } from "../src/quant/mod.ts";
import { FadingReLU, innerLayer } from "../src/rewrite/mod.ts";
import { isPure } from "../tasks/loss.ts";
import type { Head } from "../tasks/task.ts";
import type { OrderedBatch } from "./_batch.ts";
import type { Updates } from "./_minimize.ts";
import { TFJS_OPTIMIZERS } from "./_optimizer_state.ts";

type Layer = InstanceType<typeof tfl.layers.Layer>;

/** Whether nothing but tensors and `stepKey` decides what a step computes. */
export function isRepeatable(
  view: tfl.LayersModel,
  { optimizer, heads }: { readonly optimizer: tf.Optimizer; readonly heads: readonly Head[] },
): boolean {
  const arePure = heads.every(({ loss, running }) => isPure(loss) && (running === undefined || isPure(running.sum)));
  return arePure && TFJS_OPTIMIZERS.includes(optimizer.constructor) && layersIn(view).every(isKnown);
}

/** Layers that hold others, or draw random numbers themselves, may do anything. Dropout is `fit`'s, see seeded_dropout.ts. */
const UNKNOWN = [
  "AlphaDropout",
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
  if (layer instanceof FadingReLU) return true;
  return isKnownClass({ className: layer.getClassName(), config: layer.getConfig() });
}

function isKnownClass({ className, config }: LayerDescription): boolean {
  const isBuiltIn = className === "InputLayer" ||
    (Object.hasOwn(LAYER_ROWS, className) && !UNKNOWN.includes(className));
  if (!isBuiltIn || !Object.entries(config).every(isOwnRegularizer)) return false;
  // Recurrent layers draw masks of their own.
  if (config.dropout || config.recurrentDropout || config.stateful) return false;
  const inner = innerLayer(config);
  return className !== "Bidirectional" || (inner !== undefined && isKnownClass(inner));
}

function isOwnRegularizer([key, value]: readonly [string, unknown]): boolean {
  if (!/regularizer$/i.test(key) || typeof value !== "object" || value === null) return true;
  return "className" in value && value.className === "L1L2";
}

/** What a step is taken with, besides its batch. */
interface KeyParts {
  readonly view: tfl.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly updates: Updates;
  readonly batches: { readonly heads: readonly { readonly head: Head }[] };
}

/** Writes down what a repeatable step depends on besides tensors and the learning rate. */
export function stepKey({ view, optimizer, updates, batches }: KeyParts, { size, targets }: OrderedBatch): string {
  const { learningRate: _, ...config } = optimizer.getConfig();
  const states = quantizedLayersIn(view).map(switchesOf).join("");
  const losses = batches.heads.map(({ head: { loss, running, weight } }, i) =>
    [targets[i] instanceof Int32Array ? "integers" : "reals", idOf(loss), running && idOf(running), weight].join()
  );
  const parts = [idOf(view), idOf(optimizer), idOf(updates), size, losses.join(";"), states, JSON.stringify(config)];
  return parts.join("/");
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
